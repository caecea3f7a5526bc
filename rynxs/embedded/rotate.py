"""Rotating a log: one is closed for good, and another goes on from its state."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Any, NamedTuple

from rynxs.embedded.turn import turn
from rynxs.engine import carrying
from rynxs.engine import event as ev
from rynxs.engine.event import Event
from rynxs.engine.pipeline import Pipeline
from rynxs.errors import NondeterminismError, UsageError
from rynxs.eventlog import checkpoint as cp
from rynxs.eventlog.log import Log
from rynxs.eventlog.publication import publish_signed
from rynxs.eventlog.redaction import HOLD_PLACED

if TYPE_CHECKING:
    from rynxs.config import Config
    from rynxs.embedded.turn import Turn
    from rynxs.eventlog.sink import Sink
    from rynxs.sources import Sources


class RotateReport(NamedTuple):
    """What a rotation did.

    Attributes:
        closed, successor: origins of the two logs.
        size: records of the closed one.
        subjects: how many were carried over.
        successor_size: records of the successor.
    """

    closed: str
    successor: str
    size: int
    subjects: int
    successor_size: int


def rotate(config: Config, into: Config, sources: Sources, origin: str | None) -> RotateReport:
    """Close a log with a signed checkpoint, and start another that carries its state.

    Done again after a crash, it goes on where it was cut off.

    Args:
        config: of the log, with the keys that sign it.
        into: of the successor: a log that is empty, or of the same rotation cut off.
        sources: time, identity and entropy.
        origin: of the successor, by default the log's with the next number after an ``@``.

    Raises:
        UsageError: there is no key, or one of the logs is not such as above; nothing was closed.
        LogCorrupt: a log does not verify.
        SinkError: a log can't be used.
    """
    if not config.signers(sources):
        raise UsageError("no key to sign with; a log is closed with a signed checkpoint")
    with turn(config, sources) as old, closing(into.open_writer(sources)) as sink:
        state = old.pipeline.state
        name = origin or state.successor or _next(old.pipeline.origin)
        _check_names(old.pipeline.origin, state.successor, name)
        new = _Successor(sink, old, name)
        if not state.successor:
            body = {"actor": old.actor._asdict(), "successor": name}
            old.pipeline.record(ev.LOG_CLOSED, "", body)
        old.commit()
        note = publish_signed(old.log, old.sink, old.pipeline.origin, old.keys)
        subjects = new.carry(into, sources, note)
        publish_signed(new.log, sink, name, old.keys)
        return RotateReport(old.pipeline.origin, name, old.log.size, subjects, new.log.size)


class _Successor:
    """The log that goes on from another."""

    def __init__(self, sink: Sink, old: Turn, origin: str) -> None:
        """Read what there is of it.

        Raises:
            UsageError: it is another log.
        """
        self._old = old
        self._sink = sink
        self._origin = origin
        self._events: list[Event] = []
        self.log = Log.load(sink)
        for batch in self.log.history():
            self._events += [Event.of_record(*pair) for pair in batch]
        if not self._events:
            return
        named = self._events[0].payload
        if named.get("origin") != origin or not isinstance(named.get("predecessor"), dict):
            raise UsageError(f"the log to rotate into is not empty: it is {named.get('origin')!r}")
        if named["predecessor"].get("origin") != old.pipeline.origin:
            raise UsageError(f"the log to rotate into goes on from another than {origin!r}")

    def carry(self, into: Config, sources: Sources, note: bytes) -> int:
        """Record what is not carried over yet; return how many subjects there are.

        Raises:
            UsageError: the rotation was finished before.
        """
        before, wanted = self._old.pipeline.state, carrying.subjects_of(self._old.pipeline.state)
        predecessor = self._predecessor(note, len(wanted))
        pipeline = Pipeline(into.composition(), sources, self._origin, predecessor)
        if not self._events:  # the new log's epochs and times go on from the old one's
            pipeline.state.epoch, pipeline.state.time_us = before.epoch, before.time_us
        for event in self._events:
            pipeline.fold(event)
        done = {event.subject for event in self._events if event.kind == ev.CARRIED}
        if not pipeline.state.to_carry and cp.latest(self._sink) is not None:
            raise UsageError(f"{self._origin} goes on from this log already")
        for subject in wanted:
            if subject not in done:
                pipeline.carry(before, subject)
        if not self._events and not wanted:
            pipeline.lead()
        self._hold(pipeline)
        pipeline.resume()
        if pipeline.state.digest() != before.digest():
            found = pipeline.state.digest()
            raise NondeterminismError(0, self._origin, before.digest(), found, ["a slice"])
        self.log.append(pipeline.take_entries())
        self.log.save()
        return len(wanted)

    def _predecessor(self, note: bytes, subjects: int) -> dict[str, Any]:
        old = self._old
        return {
            "checkpoint": note.decode(),
            "origin": old.pipeline.origin,
            "size": old.log.size,
            "stateDigest": old.pipeline.state.digest(),
            "subjects": subjects,
        }

    def _hold(self, pipeline: Pipeline) -> None:
        """Place the holds that are in force in the new log, too."""
        placed = {event.subject for event in self._events if event.kind == HOLD_PLACED}
        for scope in sorted({*self._old.holds.in_force()} - placed):
            reason = f"in force in {self._old.pipeline.origin}, which this log goes on from"
            body = {"actor": self._old.actor._asdict(), "reason": reason, "scope": scope}
            pipeline.record(HOLD_PLACED, scope, body)


def _check_names(closing_log: str, successor: str, name: str) -> None:
    if name == closing_log:
        raise UsageError(f"--origin {name}: the log that goes on needs a name of its own")
    if successor and successor != name:
        raise UsageError(f"this log is closed, and {successor} goes on from it, not {name}")


def _next(origin: str) -> str:
    """Return the origin with the next number: ``log``, ``log@2``, ``log@3``."""
    name, _, number = origin.rpartition("@")
    if name and number.isascii() and number.isdecimal():
        return f"{name}@{int(number) + 1}"
    return f"{origin}@2"
