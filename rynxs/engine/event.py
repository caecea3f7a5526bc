"""Events: what a record says, with its payload decoded only when somebody reads it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rynxs.errors import LogCorrupt, ValueRefused
from rynxs.eventlog import canonical, redaction

if TYPE_CHECKING:
    from rynxs.eventlog.record import Header, Record

EPOCH_STARTED = "EpochStarted"
TAIL_QUARANTINED = "TailQuarantined"
PLANNED = "Planned"
JUDGED = "Judged"
STATUS_OBSERVED = "StatusObserved"
DEADLINE_REACHED = "DeadlineReached"
APPLIED = "Applied"
APPLY_FAILED = "ApplyFailed"
DRIFT_OBSERVED = "DriftObserved"
SNAPSHOT_TAKEN = "SnapshotTaken"
CARRIED = "Carried"
LOG_CLOSED = redaction.LOG_CLOSED
REDACTED = redaction.REDACTED
HOLD_PLACED = redaction.HOLD_PLACED
HOLD_RELEASED = redaction.HOLD_RELEASED


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
        has_its_shape: whether the payload was found to have the shape of its kind.
    """

    __slots__ = (
        "_encoded",
        "_payload",
        "cause",
        "epoch",
        "has_its_shape",
        "kind",
        "seq",
        "subject",
        "time_us",
    )

    def __init__(
        self,
        seq: int,
        epoch: int,
        time_us: int,
        kind: str,
        subject: str,
        encoded: bytes | None,
        cause: int | None = None,
    ) -> None:
        """`encoded` is the payload, a map in deterministic CBOR; None when it is erased."""
        self.seq = seq
        self.epoch = epoch
        self.time_us = time_us
        self.kind = kind
        self.subject = subject
        self.cause = cause
        self._encoded = encoded
        self._payload: dict[str, Any] | None = None
        self.has_its_shape = False

    @classmethod
    def of_record(cls, header: Header, record: Record) -> Event:
        """Return the event that a verified record holds."""
        _, seq, epoch, time_us, _, kind, subject, _, _, cause = header
        return cls(seq, epoch, time_us, kind, subject, record.payload, cause)

    @property
    def is_erased(self) -> bool:
        """Whether the payload has been erased: nobody can tell any more what the event said."""
        return self._encoded is None

    @property
    def encoded(self) -> bytes:
        """The payload as it is stored.

        Raises:
            LogCorrupt: it has been erased.
        """
        if self._encoded is None:
            raise LogCorrupt(self.seq, "payload has been erased, and was asked for")
        return self._encoded

    def forget_decoded(self) -> None:
        """Keep the payload only as it is stored; it is decoded again when it is asked for."""
        if self._encoded is not None:
            self._payload = None

    @property
    def payload(self) -> dict[str, Any]:
        """The decoded payload; to be read, never changed.

        Raises:
            LogCorrupt: the payload is not a map of JSON values in deterministic form, or has been
                erased.
        """
        if self._payload is None:
            try:
                self._payload = canonical.decode(self.encoded)
            except ValueRefused as error:
                raise LogCorrupt(self.seq, f"payload {error}") from None
        return self._payload
