"""Standing by: what was read of the log counts, however often it can't be taken over."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from structlog.testing import capture_logs

from rynxs.errors import (
    LogCorrupt,
    SinkConflict,
    SinkUnavailable,
    SinkUnfinished,
    UsageError,
)
from rynxs.eventlog.record import Record
from rynxs.operator import standby as module
from rynxs.operator.standby import Standby
from rynxs.operator.takeover import Known, open_log, take_lead
from rynxs.sources import Sources, fixed_sources
from rynxs.testing import MemorySink
from rynxs.testing.memory import MemoryReader
from tests.unit.operator import virtual_time
from tests.unit.operator.test_takeover import Memory

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rynxs.engine.pipeline import Pipeline
    from rynxs.errors import PluginError
    from rynxs.eventlog.sink import Sink
    from rynxs.operator.takeover import Lead

NOTHING = Known(-1, 0)
SOURCES = fixed_sources(1_000_000)
REFUSALS = 3


class Recorded(MemorySink):
    """A sink that remembers where it was read from."""

    def read(self, start: int = 0, stop: int | None = None) -> Iterator[Record]:
        self.starts = [*getattr(self, "starts", []), start]
        return super().read(start, stop)


class Held(Memory):
    """A log that another writer has open for a while."""

    def __init__(self) -> None:
        super().__init__()
        self.refusals = 0
        self.readers: list[Recorded] = []
        self.writers: list[Recorded] = []

    def open_reader(self) -> Sink:
        self.readers.append(Recorded(self.store))
        return self.readers[-1]

    def open_writer(self, sources: Sources) -> Sink:
        if self.refusals:
            self.refusals -= 1
            raise SinkUnavailable("another writer has this log open")
        self.writers.append(Recorded(self.store))
        return self.writers[-1]


def failed(subject: str, error: PluginError) -> None:
    raise error


def test_who_has_read_the_log_reads_only_what_came_since_also_after_it_could_not_take_it_over(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "delay_s", lambda *_: 0.0)
    config = Held()
    for _ in range(4):
        take_lead(config, SOURCES, open_log(config, SOURCES, failed), NOTHING)
    size, config.refusals = len(config.store.records), REFUSALS

    async def stand_by() -> Lead:
        standby = Standby(config, SOURCES, failed)
        await standby.catch_up()
        assert standby.size == size
        return await standby.take_over(lambda _: NOTHING, "")

    lead = asyncio.run(stand_by())
    assert config.refusals == 0
    assert (lead.log.size, lead.pipeline.state.epoch) == (size + 1, 5)
    # To see that it holds the last record that was read, and what came after that.
    assert set(config.writers[-1].starts) <= {size - 1, size}


class Unreadable(Held):
    """A log that is not there for so many times, or that nobody may lead."""

    absent = 0
    conflicts = 0

    def open_reader(self) -> Sink:
        if self.absent:
            self.absent -= 1
            raise SinkUnavailable("no log is here")
        return super().open_reader()

    def open_writer(self, sources: Sources) -> Sink:
        if self.conflicts:
            self.conflicts -= 1
            raise SinkConflict("another writer")
        return super().open_writer(sources)


class Renamed(Held):
    """A configuration in which the log has got another name."""

    @property
    def origin(self) -> str:
        return "log.example/renamed"


def begun(config: Memory, epochs: int = 1) -> None:
    for _ in range(epochs):
        take_lead(config, SOURCES, open_log(config, SOURCES, failed), NOTHING)


def test_a_log_that_is_not_there_yet_is_looked_for_again_and_then_followed() -> None:
    async def main() -> None:
        config = Unreadable()
        config.absent = 2
        standby, read = Standby(config, SOURCES, failed), list[int]()
        assert standby.origin == config.origin
        with capture_logs() as logs:
            following = asyncio.create_task(standby.follow(read.append))
            await asyncio.sleep(1)
            assert standby.failure == "no log is here"
            begun(config)
            await asyncio.sleep(10)
        assert (standby.failure, standby.size) == ("", 1)
        begun(config)
        await asyncio.sleep(5)
        following.cancel()
        assert read == [0, 0, 1, 2]
        assert [each["event"] for each in logs] == ["the log can't be read yet"]

    virtual_time.run(main())


def test_a_log_that_does_not_verify_is_not_followed() -> None:
    async def main() -> None:
        config = Unreadable()
        begun(config)
        first = config.store.records[0]
        config.store.records[0] = Record(first.header, first.salt, b"\xa0")
        with pytest.raises(LogCorrupt):
            await Standby(config, SOURCES, failed).follow(lambda _: None)

    virtual_time.run(main())


def test_a_log_that_another_writer_has_is_taken_over_as_soon_as_it_is_free() -> None:
    async def main() -> None:
        config = Unreadable()
        config.refusals, config.conflicts = 3, 2
        standby = Standby(config, SOURCES, failed)
        with capture_logs() as logs:
            taking = asyncio.create_task(standby.take_over(lambda _: NOTHING, ""))
            await asyncio.sleep(0)
            await asyncio.sleep(1)
            assert standby.failure == "another writer"
            lead = await taking
        assert lead.pipeline.state.epoch == 1
        assert standby.failure == ""
        # As long as the reason is the same it is told once.
        assert [each["error"] for each in logs] == [
            "another writer",
            "another writer has this log open",
        ]

    virtual_time.run(main())


def test_what_can_not_be_made_good_by_waiting_is_raised() -> None:
    async def main() -> None:
        config = Unreadable()
        begun(config)
        standby = Standby(config, SOURCES, failed)
        with pytest.raises(UsageError, match="comes from record 9"):
            await standby.take_over(lambda _: Known(9, 5), "")
        lead = await standby.take_over(lambda _: Known(9, 5), "a backup of Tuesday")
        assert lead.pipeline.state.epoch == 6

    virtual_time.run(main())


def test_what_the_cluster_shows_is_asked_about_the_name_that_the_log_bears() -> None:
    async def main() -> None:
        config = Unreadable()
        begun(config)
        asked: list[str] = []

        def known(pipeline: Pipeline) -> Known:
            asked.append(pipeline.origin)
            return NOTHING

        renamed = Renamed()
        renamed.store = config.store
        standby = Standby(renamed, SOURCES, failed)
        assert standby.origin == "log.example/renamed"
        await standby.catch_up()
        assert standby.origin == config.origin
        await standby.take_over(known, "")
        assert asked == [config.origin]

    virtual_time.run(main())


class Unfinished(Held):
    """A log after whose last record something was never acknowledged."""

    def open_reader(self) -> Sink:
        return _Torn(self.store)


class _Torn(MemoryReader):
    def read(self, start: int = 0, stop: int | None = None) -> Iterator[Record]:
        yield from super().read(start, stop)
        raise SinkUnfinished(self.size(), "the batch is cut")


def test_a_standby_goes_on_if_the_log_ends_in_what_was_never_acknowledged() -> None:
    async def main() -> None:
        config = Unfinished()
        begun(config)
        standby = Standby(config, SOURCES, failed)
        with capture_logs() as said:
            await standby.catch_up()
            await standby.catch_up()
        assert [each["event"] for each in said] == ["the log ends in what was not finished"]
        assert standby.failure == ""
        lead = await standby.take_over(lambda _: NOTHING, "")
        assert lead.pipeline.state.epoch == 2

    virtual_time.run(main())


def test_a_batch_that_was_seen_and_taken_back_by_its_writer_is_forgotten() -> None:
    """It could not be flushed, so that it was never acknowledged, and another one is there now."""

    async def main() -> None:
        config = Unreadable()
        begun(config)
        begun(config)
        standby = Standby(config, SOURCES, failed)
        await standby.catch_up()
        del config.store.records[1]
        later = fixed_sources(2_000_000)
        for _ in range(2):
            take_lead(config, later, open_log(config, later, failed), NOTHING)
        with capture_logs() as said:
            await standby.catch_up()
        (event,) = [each["event"] for each in said]
        assert event == "what was read of the log is not in it any more"
        assert (standby.failure, standby.size) == ("", 3)
        lead = await standby.take_over(lambda _: NOTHING, "")
        assert lead.log.size == 4

    virtual_time.run(main())


def test_a_record_that_does_not_follow_on_what_was_read_is_told_though_it_is_the_newest() -> None:
    async def main() -> None:
        config = Unreadable()
        begun(config)
        standby = Standby(config, SOURCES, failed)
        await standby.catch_up()
        config.store.records.append(config.store.records[0])
        with pytest.raises(LogCorrupt):
            await standby.catch_up()

    virtual_time.run(main())
