"""Conditions in force, and who refuses a subject."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from rynxs.engine.composition import Component, Composition
from rynxs.engine.conditions import conditions_in_force, refusal_of
from rynxs.engine.event import Event
from rynxs.engine.state import State
from rynxs.errors import PluginError
from tests.unit.engine.test_governing import A, B, CapReducer, cap, composed, events_of

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from rynxs.engine.pipeline import Pipeline
    from tests.unit.engine.conftest import Kit


def folded(made_of: Composition, pipeline: Pipeline, erased: Collection[int] = ()) -> State:
    state = State(made_of)
    for event in events_of(pipeline.take_entries()):
        encoded = None if event.seq in erased else event.encoded
        state.fold(Event(event.seq, 1, 0, event.kind, event.subject, encoded, event.cause))
    return state


def own_refusal(kit: Kit) -> Composition:
    class Picky(kit.Reducer):  # type: ignore[misc,name-defined]
        def status(self, *_: Any) -> Mapping[str, Any]:
            said = {"message": "size: no", "reason": "Picky", "status": "False", "type": "Accepted"}
            return {"conditions": [said]}

    return Composition(
        [Component(Picky(), {}), Component(CapReducer(), {})], [Component(kit.Renderer(), {})]
    )


def test_a_verdicts_condition_is_in_force_and_refuses(kit: Kit) -> None:
    pipeline = kit.pipeline(composed(kit))
    cap(pipeline, total=2)
    kit.observe(pipeline, "a", size=2)
    kit.observe(pipeline, "b", size=2)
    state = folded(composed(kit), pipeline)
    found = conditions_in_force(state, B)
    assert found is not None
    (condition,) = found
    assert (condition["status"], condition["reason"]) == ("False", "CapReached")
    assert refusal_of(state, B) == ("CapReached", "size: 2 more than the cap has left", True)
    assert str(refusal_of(state, B)) == "Accepted=False (CapReached)"
    assert refusal_of(state, A) is None


def test_what_a_reducer_refuses_itself_is_no_matter_of_the_verdict(kit: Kit) -> None:
    made_of = own_refusal(kit)
    pipeline = kit.pipeline(made_of)
    cap(pipeline, total=1)
    kit.observe(pipeline, "a", size=2)
    assert refusal_of(folded(made_of, pipeline), A) == ("Picky", "size: no", False)


def test_a_verdict_that_refuses_without_a_condition_refuses(kit: Kit) -> None:
    class Silent(CapReducer):
        def judge(self, *arguments: Any) -> Mapping[str, Any] | None:
            verdict = super().judge(*arguments)
            return verdict and {**verdict, "conditions": []}

    made_of = composed(kit, Silent())
    pipeline = kit.pipeline(made_of)
    cap(pipeline, total=1)
    kit.observe(pipeline, "a", size=2)
    state = folded(made_of, pipeline)
    assert conditions_in_force(state, A) == []
    assert refusal_of(state, A) == ("", "", True)
    assert str(refusal_of(state, A)) == "by its verdict"


def test_nobody_knows_the_conditions_under_an_erased_verdict(kit: Kit) -> None:
    pipeline = kit.pipeline(composed(kit))
    cap(pipeline, total=1)
    kit.observe(pipeline, "a", size=2)
    state = folded(composed(kit), pipeline, erased={3})
    assert conditions_in_force(state, A) is None
    assert refusal_of(state, A) is None


def test_a_reducer_that_can_not_say_its_status_is_named(kit: Kit) -> None:
    class Broken(kit.Reducer):  # type: ignore[misc,name-defined]
        def status(self, *_: Any) -> Mapping[str, Any]:
            raise ValueError("no")

    made_of = kit.composition(reducer=Broken())
    pipeline = kit.pipeline(made_of)
    kit.observe(pipeline, "a")
    with pytest.raises(PluginError, match=f"failed on {A} in status.*ValueError: no"):
        conditions_in_force(folded(made_of, pipeline), A)


@pytest.mark.parametrize(
    ("said", "fault"),
    [
        (["Accepted"], "found list, a status is a map"),
        ({"conditions": "no"}, "conditions: found str, allowed is a list"),
        ({"conditions": ["no"]}, r"conditions\[0\]: found str, a condition is a map"),
        (
            {"conditions": [{"status": "True", "reason": "R", "message": ""}]},
            r"conditions\[0\]\.type: found None, wanted is text",
        ),
        (
            {"conditions": [{"type": "T", "status": True, "reason": "R", "message": ""}]},
            r"conditions\[0\]\.status: found True, wanted is text",
        ),
    ],
)
def test_a_reducer_that_says_what_is_no_status_is_named(kit: Kit, said: Any, fault: str) -> None:
    class Odd(kit.Reducer):  # type: ignore[misc,name-defined]
        def status(self, *_: Any) -> Any:
            return said

    made_of = Composition([Component(Odd(), {})], [Component(kit.Renderer(), {})])
    pipeline = kit.pipeline(made_of)
    kit.observe(pipeline, "a", size=2)
    with pytest.raises(PluginError, match=f"reducer thing==1 .*{A} what is no status: {fault}"):
        folded(made_of, pipeline).status(A)
