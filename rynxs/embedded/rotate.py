"""Rotating a log: one is closed for good, and another goes on from its state."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, NamedTuple

from rynxs.embedded.succession import Succession, closing_of, entry_of, missing
from rynxs.embedded.turn import turn
from rynxs.engine import carrying
from rynxs.engine import event as ev
from rynxs.errors import UsageError
from rynxs.eventlog.genesis import origin_of
from rynxs.eventlog.log import Log
from rynxs.eventlog.publication import publish_signed
from rynxs.eventlog.signing import signed_size

if TYPE_CHECKING:
    from rynxs.config import Config
    from rynxs.eventlog.log import Entry
    from rynxs.eventlog.sink import Sink
    from rynxs.sources import Sources


class RotateReport(NamedTuple):
    """What a rotation did.

    Attributes:
        closed, successor: origins of the two logs.
        size: records of the closed one.
        subjects: how many were carried over.
        successor_size: records of the successor.
        was_done: whether the rotation had been finished before, and nothing was left to do.
    """

    closed: str
    successor: str
    size: int
    subjects: int
    successor_size: int
    was_done: bool


def rotate(config: Config, into: Config, sources: Sources, origin: str | None) -> RotateReport:
    """Close a log with a signed checkpoint, and start another that carries its state.

    Done again after a crash, it goes on where it was cut off; done again into another place, it
    makes the same records there.

    Args:
        config: of the log, with the keys that sign it.
        into: of the successor: a log that is empty, or of the same rotation.
        sources: time, identity and entropy.
        origin: of the successor, by default the log's with the next number after an ``@``.

    Raises:
        UsageError: there is no key, or one of the logs is not such as above. No log was closed, or
            it was closed before.
        LogCorrupt: a log does not verify.
        CheckpointRefused: a checkpoint is not of its log.
        SinkError: a log can't be used.
    """
    if not config.signers(sources):
        raise UsageError("no key to sign with; a log is closed with a signed checkpoint")
    with turn(config, sources) as old, closing(into.open_writer(sources)) as sink:
        state = old.pipeline.state
        name = origin or state.successor or _next(old.pipeline.origin)
        _check_names(old.pipeline.origin, state.successor, name)
        _check_destination(sink, state.successor, name)
        if not state.successor:
            body = {"actor": old.actor.as_json(), "successor": name}
            old.pipeline.record(ev.LOG_CLOSED, "", body)
        old.commit()
        publish_signed(old.log, old.sink, old.pipeline.origin, old.keys)
        log = Log.load(sink)
        found = _entries(log)
        subjects = len(carrying.subjects_of(state))
        # The first record and those that carry the subjects: who signed these had them compared.
        was_done = signed_size(sink, old.keys) > subjects
        if not was_done:
            succession = Succession(old, closing_of(old), name, sources.entropy)
            log.append(missing(succession.entries(into.composition()), found, name))
            log.save()
            publish_signed(log, sink, name, old.keys)
        size = old.log.size
        return RotateReport(old.pipeline.origin, name, size, subjects, log.size, was_done)


def _entries(log: Log) -> list[Entry]:
    return [entry_of(*pair) for batch in log.history() for pair in batch]


def _check_destination(sink: Sink, successor: str, name: str) -> None:
    """Refuse a log that can't be the successor; one is started after the closing only."""
    if not sink.size():
        return
    found = origin_of(sink)
    if not successor or found != name:
        raise UsageError(f"the log to rotate into is not empty: it is {found!r}")


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
