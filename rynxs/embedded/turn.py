"""A writer's turn at a log, to record what a person does to it: redactions and holds."""

from __future__ import annotations

from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

import structlog

from rynxs.engine.event import Event
from rynxs.engine.holds import Holds
from rynxs.engine.observation import Actor
from rynxs.engine.pipeline import Pipeline
from rynxs.errors import UsageError
from rynxs.eventlog.log import Log

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rynxs.config import Config
    from rynxs.eventlog.record import Header
    from rynxs.eventlog.sink import Sink
    from rynxs.sources import Sources

_REASON_SIZE_MAX = 2_000
_log = structlog.get_logger("rynxs.log")


class Turn:
    """A log that is open for writing, its history read and what was left undone caught up with.

    Attributes:
        sink, log, pipeline: of the log.
        holds: the legal holds in force.
        actor: who has the turn.
    """

    def __init__(self, sink: Sink, pipeline: Pipeline, actor: Actor) -> None:
        self.sink = sink
        self.pipeline = pipeline
        self.actor = actor
        self.log = Log.load(sink)
        self.holds = Holds()

    def read(self, watch: Callable[[Header], None]) -> None:
        """Read the history, finish redactions that were cut off, and plan what is unplanned.

        Raises:
            LogCorrupt: the log does not verify.
        """
        for batch in self.log.history():
            for header, record in batch:
                event = Event.of_record(header, record)
                self.pipeline.fold(event)
                self.holds.fold(event)
                watch(header)
        finish_redactions(self.log)
        self.pipeline.record_incidents(self.sink.incidents())
        self.pipeline.resume()

    def commit(self) -> None:
        """Make durable what the pipeline was told to record."""
        self.log.append(self.pipeline.take_entries())
        self.pipeline.acknowledge(self.log.size)
        self.log.save()


@contextmanager
def turn(config: Config, sources: Sources, watch: Callable[[Header], None]) -> Iterator[Turn]:
    """Open an existing log for writing and read it; `watch` is told of every header.

    Raises:
        SinkError: the log is not there, can't be used, or belongs to another writer.
        LogCorrupt: the log does not verify.
    """
    with closing(config.open_reader()):
        pass  # a log that is not there must not be made
    with closing(config.open_writer(sources)) as sink:
        pipeline = Pipeline(config.composition(), sources, config.origin)
        opened = Turn(sink, pipeline, Actor(sources.identity))
        opened.read(watch)
        yield opened


def check_reason(reason: str) -> None:
    """Refuse a reason that says nothing, or that can't be shown on a line.

    Raises:
        UsageError: it is such a one.
    """
    if not reason.strip() or not reason.isprintable() or len(reason) > _REASON_SIZE_MAX:
        raise UsageError(
            f"--reason: expected is a line of text, not empty, of at most {_REASON_SIZE_MAX} "
            "characters"
        )


def finish_redactions(log: Log) -> None:
    """Erase what redactions that were cut off have left, and say so."""
    if done := log.finish_redactions():
        _log.warning("redaction finished that was cut off", seqs=done)
