"""What was read of a log counts as long as it is that log."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from rynxs.errors import LogCorrupt
from rynxs.eventlog.record import Record
from rynxs.operator.follower import Follower
from rynxs.operator.takeover import Known, open_log, take_lead
from rynxs.sources import fixed_sources
from rynxs.testing import MemorySink
from tests.unit.operator.test_takeover import Memory

if TYPE_CHECKING:
    from rynxs.errors import PluginError

SOURCES = fixed_sources(1_000_000)


def failed(subject: str, error: PluginError) -> None:
    raise error


def begin(config: Memory) -> None:
    """Add a record, the start of an epoch."""
    take_lead(config, SOURCES, open_log(config, SOURCES, failed), Known(-1, 0))


@pytest.fixture
def config() -> Memory:
    made = Memory()
    begin(made)
    begin(made)
    return made


def follower(config: Memory) -> Follower:
    made = Follower(config, SOURCES, failed, MemorySink(config.store))
    made.catch_up()
    return made


def test_it_knows_what_it_has_read_and_reads_only_what_came_since(config: Memory) -> None:
    followed = follower(config)
    assert (followed.log.size, followed.pipeline.state.epoch) == (2, 2)
    # What was read before is not read again, or this would not verify.
    first = config.store.records[0]
    config.store.records[0] = Record(first.header, first.salt, b"\xa0")
    followed.catch_up()
    assert followed.log.size == 2


def test_what_comes_is_verified(config: Memory) -> None:
    followed = follower(config)
    begin(config)
    last = config.store.records[2]
    config.store.records[2] = Record(last.header, last.salt, b"\xa0")
    with pytest.raises(LogCorrupt, match="record 2"):
        followed.catch_up()


def test_it_is_of_a_sink_that_holds_all_that_was_read(config: Memory) -> None:
    followed = follower(config)
    assert followed.is_of(MemorySink(config.store))
    begin(config)
    assert followed.is_of(MemorySink(config.store))


def test_it_is_not_of_a_log_that_was_restored_or_is_another(config: Memory) -> None:
    followed = follower(config)
    restored, other = Memory(), Memory()
    restored.store.records = config.store.records[:1]
    assert not followed.is_of(MemorySink(restored.store))
    for epoch in (5, 6):
        take_lead(other, SOURCES, open_log(other, SOURCES, failed), Known(-1, epoch))
    assert not followed.is_of(MemorySink(other.store))


def test_one_that_has_read_nothing_is_of_any_log(config: Memory) -> None:
    nothing = Follower(config, SOURCES, failed, MemorySink())
    assert nothing.is_of(MemorySink(config.store))
