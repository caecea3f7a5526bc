"""Reading a log's history: each record once, whoever appends meanwhile."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from rynxs.embedded.reading import History, read_history, read_news
from rynxs.engine.holds import Holds
from rynxs.engine.pipeline import Pipeline
from rynxs.errors import LogCorrupt, SinkUnavailable
from rynxs.eventlog.log import Log
from rynxs.eventlog.signing import Retired
from rynxs.sources import fixed_sources
from rynxs.testing import MemorySink
from rynxs.testing.memory import MemoryReader
from tests.unit.engine.conftest import ACTOR, THING, composition, thing

if TYPE_CHECKING:
    from rynxs.eventlog.record import Header, Record

SOURCES = fixed_sources(1_000_000)


class Writer:
    """A process that appends to a log."""

    def __init__(self, sink: MemorySink) -> None:
        self.log, self.pipeline = Log.open(sink), Pipeline(composition(), SOURCES, "log.example")

    def observe(self, name: str) -> None:
        """Append what is recorded of a thing: at first the epoch, and then two records."""
        self.pipeline.observe(THING, thing(name), ACTOR)
        self.log.append(self.pipeline.take_entries())


class Reader:
    """A process that reads it."""

    def __init__(self, sink: MemorySink) -> None:
        self.log, self.pipeline = Log.load(sink), Pipeline(composition(), SOURCES, "log.example")
        self.history = History(Retired(sink), Holds())
        self.told: list[int] = []

    def read(self) -> None:
        read_news(self.log, self.history, self.pipeline, self._tell)

    def _tell(self, header: Header, _: Record) -> None:
        self.told.append(header.seq)


def test_each_record_is_folded_and_told_once_however_often_it_is_read() -> None:
    sink = MemorySink()
    writer, reader = Writer(sink), Reader(MemoryReader(sink.store))
    reader.read()
    writer.observe("a")
    reader.read()
    reader.read()
    writer.observe("b")
    reader.read()
    assert reader.told == [0, 1, 2, 3, 4]
    assert reader.pipeline.state.digest() == writer.pipeline.state.digest()
    assert reader.log.root() == writer.log.root()


def test_the_whole_history_is_what_all_the_news_are() -> None:
    sink = MemorySink()
    writer, reader = Writer(sink), Reader(sink)
    writer.observe("a")
    reader.read()
    pipeline, told = Pipeline(composition(), SOURCES, "log.example"), list[int]()
    log = Log.load(sink)
    read_history(log, sink, pipeline, lambda header, _: told.append(header.seq))
    assert told == reader.told
    assert (log.tip, pipeline.state.digest()) == (reader.log.tip, reader.pipeline.state.digest())


def test_news_that_do_not_verify_are_refused_and_what_was_read_before_counts() -> None:
    sink = MemorySink()
    writer, reader = Writer(sink), Reader(sink)
    writer.observe("a")
    reader.read()
    writer.observe("b")
    sink.records[3] = sink.records[2]
    with pytest.raises(LogCorrupt, match="record 3"):
        reader.read()
    assert (reader.told, reader.log.size) == ([0, 1, 2], 3)


def test_a_log_goes_on_with_another_sink_from_where_it_is() -> None:
    sink = MemorySink()
    writer, reader = Writer(sink), Reader(MemoryReader(sink.store))
    writer.observe("a")
    reader.read()
    entries = writer.pipeline
    entries.observe(THING, thing("b"), ACTOR)
    left = entries.take_entries()
    with pytest.raises(SinkUnavailable, match="reading only"):
        reader.log.append(left)
    reader.log.go_on_with(MemorySink(sink.store))
    reader.log.append(left)
    assert len(sink.records) == reader.log.size == 5
    again = Reader(sink)
    again.read()
    assert again.log.tip == reader.log.tip


def test_what_another_sink_holds_beyond_is_verified() -> None:
    sink = MemorySink()
    writer, reader = Writer(sink), Reader(MemoryReader(sink.store))
    writer.observe("a")
    reader.read()
    other = MemorySink()
    stranger = Writer(other)
    for name in "xyz":
        stranger.observe(name)
    reader.log.go_on_with(other)
    with pytest.raises(LogCorrupt, match="record 3"):
        reader.read()
