"""Reading a log's history before it is written to: what every writer has to know of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from rynxs.engine.event import Event
from rynxs.engine.holds import Holds
from rynxs.eventlog.signing import Retired

if TYPE_CHECKING:
    from collections.abc import Callable

    from rynxs.engine.pipeline import Pipeline
    from rynxs.eventlog.log import Log
    from rynxs.eventlog.record import Header, Record
    from rynxs.eventlog.sink import Sink


class History(NamedTuple):
    """What a history says of the log itself.

    Attributes:
        retired: the keys that have handed over.
        holds: the legal holds in force.
    """

    retired: Retired
    holds: Holds


def read_history(
    log: Log,
    sink: Sink,
    pipeline: Pipeline,
    told: Callable[[Header, Record], None] = lambda _header, _record: None,
) -> History:
    """Verify a log from its first record on, and let a pipeline fold it.

    Args:
        log: made by `Log.load`.
        sink: the log's.
        pipeline: that is to write to it.
        told: is told of every record.

    Raises:
        LogCorrupt: the log does not verify.
    """
    history = History(Retired(sink), Holds())
    read_news(log, history, pipeline, told)
    return history


def read_news(
    log: Log, history: History, pipeline: Pipeline, told: Callable[[Header, Record], None]
) -> None:
    """Do the same with what has come since.

    Raises:
        LogCorrupt: the log does not verify.
    """
    for batch in log.history():
        for header, record in batch:
            event = Event.of_record(header, record)
            pipeline.fold(event)
            history.holds.fold(event)
            history.retired.follow(header, record)
            told(header, record)
