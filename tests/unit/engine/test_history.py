"""Places found by reading a few records are those that a pass finds."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st

from rynxs.engine import history
from rynxs.eventlog import canonical
from rynxs.eventlog.log import Entry, Log
from rynxs.testing import MemorySink

if TYPE_CHECKING:
    from collections.abc import Sequence

Epochs = st.lists(
    st.tuples(st.integers(1, 20), st.sampled_from(["x", "y"]), st.integers(0, 3)), max_size=8
)


@cache
def started(version: str) -> bytes:
    part = {"name": "n", "settings": {}, "version": version}
    composition = {"reducers": [part], "renderers": []}
    members = {"identity": "somebody", "kernel": "rynxs==0", "origin": "log.example"}
    return canonical.encode({"composition": composition, **members})


def sink_of(epochs: Sequence[tuple[int, str, int]]) -> MemorySink:
    """Return a log of epochs, each of so many records, of a composition, and later than before."""
    sink, time_us = MemorySink(), 10
    entries = []
    for epoch, (count, version, later) in enumerate(epochs, 1):
        time_us += later
        entries.append(Entry("EpochStarted", "", started(version), epoch, time_us))
        entries += [Entry("ThingDone", "", b"\xa0", epoch, time_us)] * (count - 1)
    Log.open(sink).append(entries)
    return sink


@given(Epochs, st.integers(0, 200))
@settings(max_examples=60)
def test_the_last_epoch_is_the_one_that_a_pass_finds(
    epochs: list[tuple[int, str, int]], cut: int
) -> None:
    sink = sink_of(epochs)
    size = min(cut, sink.size())
    found = history.last_epoch(sink, size)
    passed = history.compositions(sink, size)
    assert (found and found.seq) == (passed[-1].seq if passed else None)


def test_of_an_epoch_that_does_not_start_as_it_should_nothing_is_said() -> None:
    sink = MemorySink()
    Log.open(sink).append([Entry("EpochStarted", "", started("x"), 1, 0)])
    Log.open(sink).append([Entry("ThingDone", "", b"\xa0", 2, 0)])
    assert history.last_epoch(sink, 2) is None
    assert history.last_epoch(sink, 1) is not None
    assert history.last_epoch(sink, 0) is None


@given(Epochs, st.integers(0, 40))
@settings(max_examples=60)
def test_a_time_names_the_records_at_or_before_it(
    epochs: list[tuple[int, str, int]], time_us: int
) -> None:
    sink = sink_of(epochs)
    times = [history.event_at(sink, seq).time_us for seq in range(sink.size())]
    expected = sum(time <= time_us for time in times)
    assert history.size_at_time(sink, sink.size(), time_us) == expected
