"""A writer's turn at a log, to record what a person does to it: redactions and holds."""

from __future__ import annotations

from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

from rynxs.embedded.reading import read_history
from rynxs.embedded.retention import Retention
from rynxs.embedded.unfinished import finish_redactions, refuse_unsigned
from rynxs.engine.holds import Holds
from rynxs.engine.observation import Actor
from rynxs.engine.pipeline import Pipeline
from rynxs.errors import UsageError
from rynxs.eventlog.log import Log

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from rynxs.config import Config
    from rynxs.engine.state import State
    from rynxs.eventlog.note import SigningKey
    from rynxs.eventlog.record import Header
    from rynxs.eventlog.sink import Sink
    from rynxs.sources import Sources

_REASON_SIZE_MAX = 2_000


class Turn:
    """A log that is open for writing, its history read and what was left undone caught up with.

    Attributes:
        sink, log, pipeline: of the log.
        keys: those that sign the log.
        holds: the legal holds in force.
        actor: who has the turn.
    """

    def __init__(
        self, sink: Sink, pipeline: Pipeline, keys: Sequence[SigningKey], actor: Actor
    ) -> None:
        self.sink = sink
        self.pipeline = pipeline
        self.keys = keys
        self.actor = actor
        self.log = Log.load(sink)
        self.holds = Holds()

    def read(self, watch: Callable[[Header], None]) -> None:
        """Read the history.

        Raises:
            LogCorrupt: the log does not verify.
            UsageError: a key is retired.
        """
        retired, self.holds = read_history(
            self.log, self.sink, self.pipeline, lambda header, _: watch(header)
        )
        retired.refuse(self.keys)

    def catch_up(self, retention: Retention, asked: int | None) -> None:
        """Finish redactions that were cut off, and plan what is unplanned.

        Args:
            retention: what must stay.
            asked: a record whose redaction is asked for in this turn, which finishes it itself.

        Raises:
            CheckpointRefused: there is a redaction that no key of this log has signed for.
        """
        refuse_unsigned(self.log, self.sink, self.keys, asked)
        if asked is None or self.log.redactions.of(asked) is None:
            finish_redactions(self.log, self.sink, retention)
        self.pipeline.record_incidents(self.sink.incidents())
        self.pipeline.resume()

    def commit(self) -> None:
        """Make durable what the pipeline was told to record."""
        self.log.append(self.pipeline.take_entries())
        self.pipeline.acknowledge(self.log.size)
        self.log.save()


@contextmanager
def turn(
    config: Config,
    sources: Sources,
    watch: Callable[[Header], None] = lambda _: None,
    asked: int | None = None,
) -> Iterator[Turn]:
    """Open an existing log for writing, read it and catch up with what was left undone.

    Args:
        config: of the log, with the keys that sign it.
        sources: time, identity and entropy.
        watch: is told of every header.
        asked: a record whose redaction is asked for in this turn, which finishes it itself.

    Raises:
        SinkError: the log is not there, can't be used, or belongs to another writer.
        LogCorrupt: the log does not verify.
        CheckpointRefused: there is a redaction that no key of this log has signed for.
        UsageError: a key is retired.
    """
    keys = config.signers(sources)
    with closing(config.open_reader()):
        pass  # a log that is not there must not be made
    with closing(config.open_writer(sources)) as sink:
        pipeline = Pipeline(config.composition(), sources, config.origin)
        opened = Turn(sink, pipeline, keys, Actor(sources.identity))
        opened.read(watch)
        opened.catch_up(retention_of(config, sources, pipeline.state, opened.holds), asked)
        yield opened


def check_reason(reason: str, option: str = "--reason") -> None:
    """Refuse a reason that says nothing, or that can't be shown on a line.

    Raises:
        UsageError: it is such a one.
    """
    if not reason.strip() or not reason.isprintable() or len(reason) > _REASON_SIZE_MAX:
        raise UsageError(
            f"{option}: expected is a line of text, not empty, of at most {_REASON_SIZE_MAX} "
            "characters"
        )


def retention_of(config: Config, sources: Sources, state: State, holds: Holds) -> Retention:
    """Return what must stay in a log now, as its configuration and its records say."""
    return Retention(state, holds, config.retention.floor_days, sources.clock.now_us())
