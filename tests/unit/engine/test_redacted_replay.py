"""Replay of a log in which payloads are erased."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from rynxs.engine.event import Event
from rynxs.engine.replay import Replay
from rynxs.engine.slices import UNKNOWN
from rynxs.engine.state import State
from rynxs.errors import LogCorrupt, NondeterminismError
from rynxs.eventlog import canonical
from tests.unit.engine.test_replay import events_of, nothing_recorded

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from rynxs.engine.contracts import View
    from tests.unit.engine.conftest import Kit

A, B = (f"example.org/Thing/default/{name}" for name in "ab")


def without(events: Sequence[Event], erased: Collection[int]) -> list[Event]:
    return [
        Event(e.seq, e.epoch, e.time_us, e.kind, e.subject, None, e.cause) if e.seq in erased else e
        for e in events
    ]


def checked(replay: Replay, events: Sequence[Event]) -> Replay:
    for event in events:
        replay.check(event, nothing_recorded)
    return replay


@pytest.fixture
def history(kit: Kit) -> list[Event]:
    """Epoch 0; a: 1 observed, 2 planned; 3 observed, 4 planned; 5 observed, 6 planned."""
    pipeline = kit.pipeline()
    for size in (1, 2, 3):
        kit.observe(pipeline, "a", size=size)
    return events_of(pipeline)


def test_a_slice_is_unknown_from_an_erased_observation_to_the_next(
    kit: Kit, history: list[Event]
) -> None:
    state = State(kit.composition())
    values = []
    for event in without(history, {3, 4}):
        state.fold(event)
        values.append(state.slices.value(A))
    one, three = {"name": "a", "size": 1}, {"name": "a", "size": 3}
    assert values == [None, one, one, UNKNOWN, UNKNOWN, three, three]


def test_plans_in_between_are_counted_and_the_next_is_compared_but_for_what_changed(
    kit: Kit, history: list[Event]
) -> None:
    replay = checked(Replay(kit.composition()), without(history, {3, 4}))
    assert (replay.erased, replay.redacted, replay.compared) == ([3, 4], [4], 2)
    replay = checked(Replay(kit.composition()), without(history, {3}))
    assert (replay.erased, replay.redacted, replay.compared) == ([3], [4], 2)


def test_a_difference_after_an_erased_plan_is_still_found(kit: Kit, history: list[Event]) -> None:
    class Changed(kit.Renderer):  # type: ignore[misc,name-defined]
        def render(self, subject: str, current: Mapping[str, Any], view: View) -> Any:
            (body,) = super().render(subject, current, view)
            body["data"]["size"] += "0" if current["size"] == 3 else ""
            return [body]

    with pytest.raises(NondeterminismError) as caught:
        checked(Replay(kit.composition(renderer=Changed())), without(history, {3, 4}))
    assert caught.value.seq == 6


def test_a_plan_made_of_another_subjects_unknown_slice_is_not_compared(kit: Kit) -> None:
    pipeline = kit.pipeline()
    kit.observe(pipeline, "b", size=1)  # 1, planned by 2
    kit.observe(pipeline, "a", uses=["b"])  # 3, planned by 4
    kit.observe(pipeline, "b", size=2)  # 5; b planned by 6, a by 7
    kit.observe(pipeline, "b", size=3)  # 8; b planned by 9, a by 10
    events = events_of(pipeline)
    assert [event.subject for event in events[6:8]] == [B, A]
    replay = checked(Replay(kit.composition()), without(events, {5}))
    assert replay.redacted == [6, 7]
    assert replay.compared == 4


def test_a_slice_for_which_a_reducer_read_an_unknown_one_is_unknown_too(kit: Kit) -> None:
    class Reading(kit.Reducer):  # type: ignore[misc,name-defined]
        def reduce(self, current: Any, event: Event, view: View) -> Any:
            after = super().reduce(current, event, view)
            return after | {"seen": view.get(B)} if after and event.subject == A else after

    made_of = kit.composition(reducer=Reading())
    pipeline = kit.pipeline(made_of)
    kit.observe(pipeline, "b", size=1)
    kit.observe(pipeline, "a", size=1)
    kit.observe(pipeline, "b", size=2)
    kit.observe(pipeline, "a", size=2)
    events = events_of(pipeline)
    erased = next(e.seq for e in events if e.kind == "ThingObserved" and e.subject == B)
    state = State(made_of)
    for event in without(events, {erased}):
        state.fold(event)
        if event.seq == 3:
            assert state.slices.unknown() == [A, B]
    assert state.slices.unknown() == []
    assert checked(Replay(made_of), without(events, {erased})).redacted == [2, 4]


def test_an_unknown_slice_counts_in_the_digest_as_null(kit: Kit, history: list[Event]) -> None:
    digests = set()
    for stop, erased in ((3, {1}), (1, set[int]()), (3, set[int]())):
        state = State(kit.composition())
        for event in without(history[:stop], erased):
            state.fold(event)
        digests.add(state.digest())
    assert len(digests) == 3


def test_what_speaks_of_the_log_itself_is_passed_to_no_reducer(
    kit: Kit, history: list[Event]
) -> None:
    class Deaf(kit.Reducer):  # type: ignore[misc,name-defined]
        def reduce(self, current: Any, event: Event, view: View) -> Any:
            assert event.kind == "ThingObserved"
            return super().reduce(current, event, view)

    state = State(kit.composition(reducer=Deaf()))
    for event in history:
        state.fold(event)
    for seq, kind in enumerate(("Redacted", "HoldPlaced", "HoldReleased"), len(history)):
        state.fold(Event(seq, 1, history[-1].time_us, kind, A, b"\xa0"))
    assert state.slices.value(A) == {"name": "a", "size": 3}


def test_a_subject_carried_over_without_a_predecessor_is_corruption(
    kit: Kit, history: list[Event]
) -> None:
    body = {"derived": False, "known": True, "newest": None, "slice": {"name": "a", "size": 9}}
    state = State(kit.composition())
    for event in history:
        state.fold(event)
    forged = Event(len(history), 1, 9_000_000, "Carried", A, canonical.encode(body))
    with pytest.raises(LogCorrupt, match="no predecessor has told of"):
        state.fold(forged)


@pytest.mark.parametrize(
    "forged",
    [{}, {"refused": True}, {"conditions": [{}], "holds": {}, "patch": {}, "refused": True}],
)
def test_a_verdict_that_is_carried_over_and_is_none_is_corruption(
    kit: Kit, forged: dict[str, Any]
) -> None:
    body = {"derived": False, "known": True, "newest": None, "slice": forged}
    state = State(kit.composition())
    state.to_carry = 1
    subject = "example.org/ThingVerdict/default/a"
    with pytest.raises(LogCorrupt, match=r"not of its shape .*slice"):
        state.fold(Event(0, 1, 9_000_000, "Carried", subject, canonical.encode(body)))
