"""Finding a field, and the record it came with."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from rynxs.engine.diff import ABSENT
from rynxs.engine.event import Event
from rynxs.engine.state import State
from rynxs.engine.timeline import Timeline
from rynxs.errors import UsageError
from tests.unit.engine.test_governing import B, cap, composed
from tests.unit.engine.test_replay import events_of

if TYPE_CHECKING:
    from collections.abc import Collection

    from rynxs.engine.composition import Composition
    from rynxs.engine.pipeline import Pipeline
    from tests.unit.engine.conftest import Kit

A = "example.org/Thing/default/a"
SIZE = "v1/ConfigMap/default/a:data.size"


def told(
    kit: Kit,
    pipeline: Pipeline,
    erased: Collection[int] = (),
    made_of: Composition | None = None,
    subject: str = A,
) -> Timeline:
    timeline = Timeline(subject, with_conditions=made_of is not None)
    state = State(made_of or kit.composition())
    for event in events_of(pipeline):
        encoded = None if event.seq in erased else event.encoded
        again = Event(event.seq, 1, 0, event.kind, event.subject, encoded, event.cause)
        state.fold(again)
        timeline.take(again, state)
    return timeline


def test_a_field_is_found_by_id_by_kind_and_in_the_slice(kit: Kit) -> None:
    pipeline = kit.pipeline()
    kit.observe(pipeline, "a", size=1, colour="red")
    kit.observe(pipeline, "a", size=2, colour="red")
    timeline = told(kit, pipeline)
    assert timeline.find(SIZE) == (SIZE, "2", 4)
    assert timeline.find("ConfigMap.data.size") == (SIZE, "2", 4)
    assert timeline.find("ConfigMap.data.colour").seq == 2
    assert timeline.find("slice.size") == ("slice.size", 2, 3)
    assert timeline.find("slice.colour").seq == 1
    assert timeline.find("ConfigMap.metadata.name").value == "a"


def test_a_field_that_has_gone_is_absent_since_it_went(kit: Kit) -> None:
    pipeline = kit.pipeline()
    kit.observe(pipeline, "a", size=1, uses=["b"])
    kit.observe(pipeline, "a", size=1)
    pipeline.delete(A, kit.actor)
    timeline = told(kit, pipeline)
    assert timeline.find("slice.uses[0]") == ("slice.uses[0]", ABSENT, 3)
    assert timeline.find(SIZE) == (SIZE, ABSENT, 6)


def test_a_value_that_is_equal_and_of_another_type_has_changed(kit: Kit) -> None:
    pipeline = kit.pipeline()
    kit.observe(pipeline, "a", keep=True)
    kit.observe(pipeline, "a", keep=False)
    timeline = told(kit, pipeline)
    assert timeline.find("slice.keep") == ("slice.keep", False, 3)


def test_an_unknown_field_names_near_ones(kit: Kit) -> None:
    pipeline = kit.pipeline()
    kit.observe(pipeline, "a", size=1)
    with pytest.raises(UsageError, match=r"no field 'slice\.sise'; near are slice\.size"):
        told(kit, pipeline).find("slice.sise")


def test_a_manifest_that_stands_only_in_an_erased_plan_is_told_to_be_redacted(kit: Kit) -> None:
    pipeline = kit.pipeline()
    kit.observe(pipeline, "a", size=1)
    kit.observe(pipeline, "a", size=2)  # 3, planned by 4
    kit.observe(pipeline, "a", size=2, colour="none")  # 5; 6 plans the same manifest
    with pytest.raises(UsageError, match="redacted, only its digest is left"):
        told(kit, pipeline, {4}).find(SIZE)


def governed(kit: Kit) -> Pipeline:
    """Cap 1; a: 2 observed, 3 judged, 4 planned; b: 5 observed, 6 judged and refused."""
    pipeline = kit.pipeline(composed(kit))
    cap(pipeline, total=2)
    kit.observe(pipeline, "a", size=2)
    kit.observe(pipeline, "b", size=2)
    return pipeline


def test_a_verdicts_fields_and_conditions_are_found_with_the_record_that_judged(kit: Kit) -> None:
    timeline = told(kit, governed(kit), made_of=composed(kit), subject=B)
    assert timeline.find("verdict.refused") == ("verdict.refused", True, 6)
    assert timeline.find("verdict.conditions[0].reason").value == "CapReached"
    found = timeline.find("conditions.Accepted")
    assert (found.value["status"], found.seq) == ("False", 6)
    assert timeline.refused_since == 6


def test_a_refusal_lasts_from_the_first_of_its_verdicts_to_the_one_that_lifts_it(kit: Kit) -> None:
    pipeline = governed(kit)
    kit.observe(pipeline, "b", size=3)  # 7; its reason changes with 8
    timeline = told(kit, pipeline, made_of=composed(kit), subject=B)
    assert timeline.find("conditions.Accepted").seq == 8
    assert timeline.refused_since == 6
    pipeline = governed(kit)
    cap(pipeline, total=9)  # 7; 8 lifts it
    timeline = told(kit, pipeline, made_of=composed(kit), subject=B)
    assert timeline.find("conditions.Accepted.status") == ("conditions.Accepted.status", "True", 8)
    assert timeline.refused_since is None


def test_an_erased_verdict_is_told_to_be_redacted_not_to_be_gone(kit: Kit) -> None:
    for field in ("verdict.refused", "conditions.Accepted"):
        with pytest.raises(UsageError, match=r"not known since record 6, .* is redacted"):
            told(kit, governed(kit), {6}, made_of=composed(kit), subject=B).find(field)
