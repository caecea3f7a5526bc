"""What a world's history may do, and what breaks it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest

from rynxs.engine.event import EPOCH_STARTED, TAIL_QUARANTINED
from rynxs.eventlog import canonical
from rynxs.eventlog.log import Entry, Log
from rynxs.simulation.invariants import Invariants
from rynxs.simulation.world import World
from rynxs.testing.memory import MemorySink

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rynxs.eventlog.record import Record
    from rynxs.simulation.machine import OsProcess

PROCESS = cast("OsProcess", SimpleNamespace(name="replica-0"))
FIRST = ((EPOCH_STARTED, {"n": 0}), ("ThingObserved", {"n": 1}))
LAST = (("ThingObserved", {"n": 2}), ("ThingDeleted", {"n": 3}))


def records(*events: tuple[str, dict[str, Any]]) -> Sequence[Record]:
    sink = MemorySink()
    Log.open(sink).append([Entry(kind, "", canonical.encode(body), 1, 1) for kind, body in events])
    return sink.records


def set_aside(seq: int) -> tuple[tuple[str, dict[str, Any]], ...]:
    told = {"id": "x", "reason": "torn", "seq": seq, "size": 9}
    return ((EPOCH_STARTED, {"n": 4}), (TAIL_QUARANTINED, told))


@pytest.fixture
def invariants() -> Invariants:
    """What is known of a log of two batches of two records, of which a bit has flipped."""
    made = Invariants(World(0), "simulation.rynxs/log")
    made.is_damaged = True
    for start in (0, 2):
        batch = records(*FIRST, *LAST)[start : start + 2]
        made.durable(PROCESS, start, batch, is_acknowledged=True)
    return made


def append(invariants: Invariants, start: int, *after: tuple[str, dict[str, Any]]) -> str:
    before = (*FIRST, *LAST)[:start]
    batch = records(*before, *after)[start:]
    invariants.durable(PROCESS, start, batch, is_acknowledged=True)
    return invariants.broken


def test_a_rotten_last_batch_may_be_set_aside_if_that_is_recorded(invariants: Invariants) -> None:
    assert not append(invariants, 2, *set_aside(2))
    assert invariants.acknowledged == 4


def test_a_last_batch_that_is_replaced_without_a_word_is_a_fork(invariants: Invariants) -> None:
    assert "a fork" in append(invariants, 2, *FIRST)


def test_what_is_set_aside_is_no_other_than_what_is_replaced(invariants: Invariants) -> None:
    assert "a fork" in append(invariants, 2, *set_aside(1))


def test_only_what_lies_behind_the_start_of_the_last_batch_may_be_missing(
    invariants: Invariants,
) -> None:
    assert [invariants.may_set_aside(start) for start in (0, 1, 2, 3)] == [False, False, True, True]


def test_nothing_but_the_last_batch_may_be_set_aside(invariants: Invariants) -> None:
    assert "a fork" in append(invariants, 0, *set_aside(0))


def test_a_batch_in_which_no_bit_has_flipped_may_not_be_set_aside(invariants: Invariants) -> None:
    invariants.is_damaged = False
    assert "a fork" in append(invariants, 2, *set_aside(2))
