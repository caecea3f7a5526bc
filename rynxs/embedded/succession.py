"""What the log that goes on from a closed one begins with: a function of the closed log alone.

Times, epoch, identity and salts all follow from the closed log's records. So a rotation that is
done again, after a crash or into another place, makes the same records; and records that are there
already are compared before anything is signed (docs/adr/0013-succession.md).
"""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING, Any

from rynxs.engine import carrying
from rynxs.engine import event as ev
from rynxs.engine.history import event_at
from rynxs.engine.pipeline import Pipeline
from rynxs.errors import CheckpointRefused, NondeterminismError, UsageError
from rynxs.eventlog import checkpoint as cp
from rynxs.eventlog import note
from rynxs.eventlog.log import Entry
from rynxs.eventlog.record import SALT_SIZE
from rynxs.eventlog.redaction import HOLD_PLACED
from rynxs.sources import FixedClock, Sources

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rynxs.embedded.turn import Turn
    from rynxs.engine.composition import Composition
    from rynxs.engine.event import Event
    from rynxs.eventlog.record import Header, Record
    from rynxs.sources import Entropy


class Succession:
    """The beginning of a log's successor."""

    def __init__(self, old: Turn, closed: Event, origin: str, entropy: Entropy) -> None:
        """Prepare it.

        Args:
            old: the closed log, under a signed checkpoint.
            closed: its ``LogClosed``.
            origin: names the successor.
            entropy: for salts of what was not salted in the closed log.
        """
        self._old = old
        self._closed = closed
        self._origin = origin
        self._entropy = entropy

    def entries(self, composition: Composition) -> list[Entry]:
        """Return the records that the successor begins with.

        Raises:
            NondeterminismError: the state made of them is not that of the closed log.
            CheckpointRefused: no checkpoint that one of the log's keys signed covers its closing.
        """
        before, closed = self._old.pipeline.state, self._closed
        subjects = carrying.subjects_of(before)
        identity = closed.payload["actor"]["name"]
        sources = Sources(FixedClock(closed.time_us), self._entropy, identity)
        named = self._predecessor(len(subjects))
        pipeline = Pipeline(composition, sources, self._origin, named, self._salt)
        pipeline.state.epoch, pipeline.state.time_us = closed.epoch, closed.time_us
        pipeline.lead()
        for subject in subjects:
            pipeline.carry(before, subject)
        self._hold(pipeline)
        pipeline.resume()
        if pipeline.state.digest() != before.digest():
            found = pipeline.state.digest()
            raise NondeterminismError(0, self._origin, before.digest(), found, ["a slice"])
        return pipeline.take_entries()

    def _predecessor(self, subjects: int) -> dict[str, Any]:
        signed = self._checkpoint()
        return {
            "checkpoint": signed.decode(),
            "origin": self._old.pipeline.origin,
            "size": cp.parse(signed)[0].size,
            "stateDigest": self._old.pipeline.state.digest(),
            "subjects": subjects,
        }

    def _checkpoint(self) -> bytes:
        """Return the first signed checkpoint that covers the closing: later ones change nothing."""
        old = self._old
        names = sorted(old.sink.list(cp.NUMBERED))
        for checkpoint, signed, data in cp.stored(old.sink, names):
            is_ours = checkpoint.origin == old.pipeline.origin and note.signed_by(signed, old.keys)
            if checkpoint.size > self._closed.seq and is_ours:
                return data
        raise CheckpointRefused(f"no signed checkpoint covers record {self._closed.seq}")

    def _hold(self, pipeline: Pipeline) -> None:
        """Place the holds that are in force in the new log, too."""
        for scope in sorted(self._old.holds.in_force()):
            reason = f"in force in {self._old.pipeline.origin}, which this log goes on from"
            body = {"actor": self._closed.payload["actor"], "reason": reason, "scope": scope}
            pipeline.record(HOLD_PLACED, scope, body)

    def _salt(self, kind: str, subject: str) -> bytes:
        """Return a salt that follows from that of the subject's newest observation.

        Nobody can tell it without that one, and once both are erased it is gone.
        """
        seq = self._old.pipeline.state.newest[subject].seq
        (record,) = self._old.sink.read(seq, seq + 1)
        if not record.salt:
            return self._entropy.token(SALT_SIZE)
        bound = f"rynxs succession v1\n{self._origin}\n{kind}\n{subject}\n".encode()
        return hmac.digest(record.salt, bound + record.header, "sha256")[:SALT_SIZE]


def closing_of(old: Turn) -> Event:
    """Return the ``LogClosed`` of a closed log that was read; after it there is little."""
    seq = old.log.size - 1
    while (event := event_at(old.sink, seq)).kind != ev.LOG_CLOSED:
        seq -= 1
    return event


def entry_of(header: Header, record: Record) -> Entry:
    """Return what was appended as a verified record; an erased payload is empty."""
    payload = record.payload or b""
    head = (header.kind, header.subject, payload, header.epoch, header.time_us, header.cause)
    return Entry(*head, record.salt)


def missing(expected: Sequence[Entry], found: Sequence[Entry], origin: str) -> list[Entry]:
    """Return what of the expected entries is to be appended to those found.

    Salts are not compared: what was not salted before has a salt of its own each time.

    Raises:
        UsageError: what is found does not begin as expected, or goes on otherwise.
    """
    for seq, (wanted, there) in enumerate(zip(expected, found, strict=False)):
        is_salted_alike = bool(wanted.salt) == bool(there.salt)
        if wanted._replace(salt=b"") != there._replace(salt=b"") or not is_salted_alike:
            raise UsageError(
                f"the log to rotate into has a record {seq} of its own ({there.kind}), not the one "
                f"that {origin} begins with; nothing of it is signed; rotate into an empty log"
            )
    if len(found) > len(expected):
        raise UsageError(
            f"the log to rotate into holds {len(found)} records, {origin} begins with "
            f"{len(expected)}, and none of this log's keys has signed it; rotate into an empty log"
        )
    return list(expected[len(found) :])
