"""What a world's history may do, and what breaks it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest

from rynxs.engine.event import EPOCH_STARTED, PLANNED, TAIL_QUARANTINED
from rynxs.eventlog import canonical
from rynxs.eventlog.checkpoint import Checkpoint
from rynxs.eventlog.log import Entry, Log
from rynxs.operator.stamp import Stamp, stamped
from rynxs.simulation.invariants import Invariants
from rynxs.simulation.objects import Objects
from rynxs.simulation.world import World
from rynxs.testing.memory import MemorySink

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rynxs.eventlog.record import Record
    from rynxs.simulation.machine import OsProcess

ORIGIN = "simulation.rynxs/log"
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
    made = Invariants(World(0), ORIGIN)
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


def test_what_is_signed_is_durable(invariants: Invariants) -> None:
    for size, broken in ((4, False), (9, True)):
        signed = f"{Checkpoint(ORIGIN, size, bytes(32)).text()}\n\N{EM DASH} key AQIDBHg=\n"
        invariants.published(PROCESS, "checkpoint", signed.encode())
        assert ("which are not all durable" in invariants.broken) is broken


MAP = "v1/ConfigMap/default/a-0"
SUBJECT = "simulation.rynxs/Thing/default/a"


def body(**wrong: Any) -> dict[str, Any]:
    """Return the ConfigMap as the first plan's writer makes it, but for something in its stamp."""
    right = {"origin": ORIGIN, "subject": SUBJECT, "seq": 1, "epoch": 1, "digest": "d"}
    bare = {"metadata": {"name": "a-0", "namespace": "default"}}
    return stamped({"apiVersion": "v1", "kind": "ConfigMap", **bare}, Stamp(**{**right, **wrong}))


@pytest.fixture
def planned() -> Invariants:
    """What is known of a log in which a ConfigMap is planned (1), and then no more (2)."""
    made = Invariants(World(0), ORIGIN)
    made.objects = Objects(lambda: None)
    sink = MemorySink()
    plan = {"digest": "d", "id": MAP, "retain": False}
    entries = [
        Entry(EPOCH_STARTED, "", canonical.encode({}), 1, 1),
        Entry(PLANNED, SUBJECT, canonical.encode({"manifests": [plan]}), 1, 1),
        Entry(PLANNED, SUBJECT, canonical.encode({"manifests": []}), 1, 1),
    ]
    Log.open(sink).append(entries)
    made.durable(PROCESS, 0, sink.records, is_acknowledged=True)
    return made


def test_what_is_planned_may_be_made(planned: Invariants) -> None:
    planned.writes("replica-0", "create", MAP, body())
    assert (planned.broken, planned.effects) == ("", 1)


@pytest.mark.parametrize(
    ("written", "said"),
    [
        (body(seq=7), "record 7 is not durable"),
        (body(seq=0), "record 0 is EpochStarted"),
        (body(seq=2), "record 2 plans another one"),
        (body(digest="e"), "record 1 plans another one"),
        (body(subject="other"), "record 1 is Planned"),
        (body(epoch=2), "its stamp is of epoch 2"),
        (body(origin="other"), "does not bear the log's stamp"),
        ({"metadata": {"name": "a-0"}}, "does not bear the log's stamp"),
    ],
)
def test_what_is_not_planned_so_may_not_be_made(
    planned: Invariants, written: dict[str, Any], said: str
) -> None:
    planned.writes("replica-0", "create", MAP, written)
    assert said in planned.broken


def test_only_what_a_durable_plan_is_without_may_be_deleted(planned: Invariants) -> None:
    assert planned.objects is not None
    planned.objects.make(body(), "rynxs")
    planned.writes("replica-0", "delete", MAP, {})
    assert not planned.broken
    del planned.records[2]
    planned.writes("replica-0", "delete", MAP, {})
    assert "no durable plan is without it" in planned.broken


def test_an_older_epoch_may_not_change_what_a_newer_one_wrote(planned: Invariants) -> None:
    assert planned.objects is not None
    begin(planned, 2)
    planned.objects.make(body(epoch=2), "rynxs")
    planned.writes("replica-1", "apply", MAP, body(epoch=2))
    assert not planned.broken
    planned.writes("replica-0", "apply", MAP, body())
    assert planned.broken.endswith("which epoch 2 has written by now")


def test_an_object_that_an_older_epoch_makes_late_is_counted(planned: Invariants) -> None:
    assert planned.objects is not None
    begin(planned, 2)
    identifier = planned.objects.make(body(), "rynxs")
    planned.writes("replica-1", "delete", MAP, {})
    planned.objects.delete(identifier)
    planned.writes("replica-0", "create", MAP, body())
    assert (planned.broken, planned.late) == ("", 1)


def begin(invariants: Invariants, epoch: int) -> None:
    """Let another replica begin an epoch."""
    sink = MemorySink()
    entries = [Entry(EPOCH_STARTED, "", canonical.encode({}), 1, 1)] * 3
    last = Entry(EPOCH_STARTED, "", canonical.encode({}), epoch, 1)
    Log.open(sink).append([*entries, last])
    other = cast("OsProcess", SimpleNamespace(name="replica-1"))
    invariants.durable(other, 3, sink.records[3:], is_acknowledged=True)
