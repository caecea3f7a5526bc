"""Troubles: what stands in the way of a subject now, as conditions of its status."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from rynxs.errors import PluginError
from rynxs.operator.troubles import Troubles, is_passing

if TYPE_CHECKING:
    from rynxs.engine.pipeline import Pipeline
    from tests.unit.engine.conftest import Kit

A = "example.org/Thing/default/a"
CONFIG = "v1/ConfigMap/default/a"


@pytest.fixture
def pipeline(kit: Kit) -> Pipeline:
    """One with a thing that was observed and planned."""
    made = kit.pipeline()
    kit.observe(made, "a")
    return made


def said(troubles: Troubles, pipeline: Pipeline) -> list[tuple[str, str, str]]:
    found = troubles.conditions(A, pipeline.state)
    return [(each["type"], each["status"], each["reason"]) for each in found]


def planned(pipeline: Pipeline) -> int:
    return pipeline.state.plans[A].seq


def test_a_plan_is_being_applied_until_it_is(pipeline: Pipeline) -> None:
    troubles = Troubles()
    assert said(troubles, pipeline) == [("Applied", "False", "Applying")]
    assert is_passing({"conditions": troubles.conditions(A, pipeline.state)})
    pipeline.record_applied(A, planned(pipeline), [])
    assert said(troubles, pipeline) == [("Applied", "True", "Applied")]
    assert not is_passing({"conditions": troubles.conditions(A, pipeline.state)})
    assert not is_passing({})


def test_what_the_cluster_refuses_is_told_until_it_is_taken_or_there_is_another_plan(
    kit: Kit, pipeline: Pipeline
) -> None:
    troubles = Troubles()
    troubles.not_applied(A, planned(pipeline), CONFIG, "403 Forbidden: may not")
    (condition,) = troubles.conditions(A, pipeline.state)
    assert condition["reason"] == "ApplyFailed"
    assert condition["message"] == f"{CONFIG}: 403 Forbidden: may not"
    kit.observe(pipeline, "a", size=2)
    assert said(troubles, pipeline) == [("Applied", "False", "Applying")]
    troubles.not_applied(A, planned(pipeline), CONFIG, "again")
    troubles.applied(A)
    pipeline.record_applied(A, planned(pipeline), [])
    assert said(troubles, pipeline) == [("Applied", "True", "Applied")]


def test_nothing_is_applied_where_nothing_is_asked_for_unless_that_is_refused(
    kit: Kit, pipeline: Pipeline
) -> None:
    troubles = Troubles()
    assert troubles.conditions("example.org/Thing/default/never", pipeline.state) == []
    pipeline.delete(A, kit.actor)
    assert said(troubles, pipeline) == []
    troubles.not_applied(A, planned(pipeline), CONFIG, "it stays")
    assert said(troubles, pipeline) == [("Applied", "False", "ApplyFailed")]


def test_a_failing_plugin_is_told_until_the_object_is_tried_again_or_gone(
    pipeline: Pipeline,
) -> None:
    troubles = Troubles()
    troubles.plugin_failed(A, PluginError("it broke " + "x" * 5_000))
    degraded, _ = troubles.conditions(A, pipeline.state)
    assert (degraded["type"], degraded["status"]) == ("Degraded", "True")
    assert degraded["message"].startswith("it broke")
    assert len(degraded["message"]) == 2_000
    failure = troubles.observed(A)
    assert failure is not None
    assert said(troubles, pipeline) == [("Applied", "False", "Applying")]
    troubles.plugin_failed(A, PluginError("it broke anew"))
    troubles.still_failing(A, failure)
    assert troubles.degraded == {A: "it broke anew"}
    troubles.not_applied(A, planned(pipeline), CONFIG, "no")
    troubles.gone(A)
    assert said(troubles, pipeline) == [("Applied", "False", "Applying")]
