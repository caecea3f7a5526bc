"""Finding a field, and the record it came with."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from rynxs.engine.diff import ABSENT
from rynxs.engine.event import Event
from rynxs.engine.state import State
from rynxs.engine.timeline import Timeline
from rynxs.errors import UsageError
from tests.unit.engine.test_replay import events_of

if TYPE_CHECKING:
    from collections.abc import Collection

    from rynxs.engine.pipeline import Pipeline
    from tests.unit.engine.conftest import Kit

A = "example.org/Thing/default/a"
SIZE = "v1/ConfigMap/default/a:data.size"


def told(kit: Kit, pipeline: Pipeline, erased: Collection[int] = ()) -> Timeline:
    timeline, state = Timeline(A), State(kit.composition())
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
