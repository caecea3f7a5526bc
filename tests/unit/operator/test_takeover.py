"""Taking the lead: all is read and verified, loss is refused, and the new epoch is durable."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from rynxs.config import Config
from rynxs.errors import LogCorrupt, SinkConflict, UsageError
from rynxs.eventlog import canonical
from rynxs.eventlog.record import Record, decode_header
from rynxs.operator.takeover import Known, open_log, take_lead
from rynxs.plugins import PluginManager
from rynxs.settings import RawConfig
from rynxs.sources import Sources, fixed_sources
from rynxs.testing import MemorySink, MemoryStore

if TYPE_CHECKING:
    from collections.abc import Callable

    from rynxs.errors import PluginError
    from rynxs.eventlog.sink import Sink
    from rynxs.operator.takeover import Lead

NOTHING = Known(-1, 0)


class Memory(Config):
    """A configuration whose log is in memory."""

    def __init__(self) -> None:
        super().__init__(RawConfig(), PluginManager(), "here")
        self.store = MemoryStore()
        self.opened: list[MemorySink] = []

    def open_writer(self, sources: Sources) -> Sink:
        self.opened.append(MemorySink(self.store))
        return self.opened[-1]


def led(config: Memory, known: Known = NOTHING, accept_loss: str = "") -> Lead:
    def failed(subject: str, error: PluginError) -> None:
        raise error

    sources = fixed_sources(1_000_000)
    return take_lead(config, sources, open_log(config, sources, failed), known, accept_loss)


def observe(lead: Lead, agent: Callable[..., dict[str, Any]]) -> None:
    from rynxs.engine.observation import Actor
    from rynxs_reducer_agent.reducer import AGENT

    lead.pipeline.observe(AGENT, agent(), Actor("tester"))
    lead.log.append(lead.pipeline.take_entries(), lead.positions.appended)


def test_an_empty_log_begins_with_the_first_epoch_which_is_durable() -> None:
    config = Memory()
    lead = led(config)
    (record,) = config.store.records
    assert decode_header(record.header).kind == "EpochStarted"
    assert (lead.log.size, lead.pipeline.state.epoch) == (1, 1)


def test_the_epoch_is_above_all_that_the_log_and_the_cluster_show() -> None:
    config = Memory()
    led(config)
    assert led(config).pipeline.state.epoch == 2
    assert led(config, Known(-1, 41)).pipeline.state.epoch == 42
    assert led(config, Known(0, 7)).pipeline.state.epoch == 43


def test_positions_are_known_of_what_was_there_and_of_what_is_added(
    agent: Callable[..., dict[str, Any]],
) -> None:
    config = Memory()
    observe(led(config), agent)
    lead = led(config)
    position = lead.positions.of("universe.ai/Agent/default/worker")
    assert position is not None
    assert position.seq == 2


def test_objects_from_records_that_the_log_lacks_are_refused_unless_loss_is_accepted() -> None:
    config = Memory()
    led(config)
    with pytest.raises(UsageError, match=r"Map/a/b .* comes from record 9, and the log holds 1"):
        led(config, Known(9, 5, "v1/ConfigMap/a/b"))
    assert len(config.store.records) == 1
    lead = led(config, Known(9, 5), accept_loss="restored from Tuesday's backup")
    payload = config.store.records[1].payload
    assert payload is not None
    recorded = canonical.decode(payload)
    assert recorded["acceptedLoss"] == "restored from Tuesday's backup"
    assert recorded["lostTo"] == 9
    assert lead.pipeline.state.epoch == 6


def test_a_log_that_does_not_verify_is_not_led_and_its_sink_is_closed() -> None:
    config = Memory()
    led(config)
    led(config)
    first = config.store.records[0]
    config.store.records[0] = Record(first.header, first.salt, b"\xa0")
    with pytest.raises(LogCorrupt):
        led(config)
    assert len(config.store.records) == 2
    with pytest.raises(Exception, match="closed"):
        config.opened[-1].append(2, [])


def test_of_two_who_take_over_at_once_one_is_refused() -> None:
    config = Memory()

    class Slow(MemorySink):
        def append(self, start: int, records: Any) -> None:
            if len(config.store.records) == start == 0:
                MemorySink.append(MemorySink(config.store), 0, records)
            super().append(start, records)

    config.open_writer = lambda _: Slow(config.store)  # type: ignore[method-assign, assignment]
    with pytest.raises(SinkConflict):
        led(config)
    assert len(config.store.records) == 1
