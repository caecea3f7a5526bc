"""Events: what a record says, with its payload decoded only when somebody reads it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rynxs.errors import LogCorrupt, ValueRefused
from rynxs.eventlog import canonical

if TYPE_CHECKING:
    from rynxs.eventlog.record import Header, Record

EPOCH_STARTED = "EpochStarted"
TAIL_QUARANTINED = "TailQuarantined"
PLANNED = "Planned"


def observed(kind: str) -> str:
    """Return the event kind of an observation of a resource kind."""
    return f"{kind}Observed"


def deleted(kind: str) -> str:
    """Return the event kind of the deletion of a resource kind's object."""
    return f"{kind}Deleted"


class Event:
    """One event of the log, as reducers see it.

    Attributes:
        seq, epoch, time_us, kind, subject, cause: as in the record's header.
    """

    __slots__ = ("_encoded", "_payload", "cause", "epoch", "kind", "seq", "subject", "time_us")

    def __init__(
        self,
        seq: int,
        epoch: int,
        time_us: int,
        kind: str,
        subject: str,
        encoded: bytes,
        cause: int | None = None,
    ) -> None:
        """`encoded` is the payload, a map in deterministic CBOR."""
        self.seq = seq
        self.epoch = epoch
        self.time_us = time_us
        self.kind = kind
        self.subject = subject
        self.cause = cause
        self._encoded = encoded
        self._payload: dict[str, Any] | None = None

    @classmethod
    def of_record(cls, header: Header, record: Record) -> Event:
        """Return the event that a verified record holds."""
        _, seq, epoch, time_us, _, kind, subject, _, _, cause = header
        return cls(seq, epoch, time_us, kind, subject, record.payload, cause)

    @property
    def encoded(self) -> bytes:
        """The payload as it is stored."""
        return self._encoded

    @property
    def payload(self) -> dict[str, Any]:
        """The decoded payload; to be read, never changed.

        Raises:
            LogCorrupt: the payload is not a map of JSON values in deterministic form.
        """
        if self._payload is None:
            try:
                self._payload = canonical.decode(self._encoded)
            except ValueRefused as error:
                raise LogCorrupt(self.seq, f"payload {error}") from None
        return self._payload
