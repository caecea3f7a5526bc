from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from rynxs.engine.composition import Component, Composition
from rynxs.engine.event import Event
from rynxs.errors import PluginError, UsageError
from rynxs.eventlog import canonical
from rynxs.eventlog.sink import Incident

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rynxs.engine.composition import Composition as CompositionType
    from rynxs.engine.contracts import View
    from rynxs.engine.pipeline import Pipeline
    from rynxs.engine.resource import Resource
    from rynxs.eventlog.log import Entry
    from tests.unit.engine.conftest import Kit

A, B = "example.org/Thing/default/a", "example.org/Thing/default/b"


def kinds(entries: Sequence[Entry]) -> list[str]:
    return [entry.kind for entry in entries]


def resumed(kit: Kit, history: Sequence[Entry], made_of: CompositionType | None = None) -> Pipeline:
    """A pipeline of a later process that has folded a history."""
    pipeline = kit.pipeline(made_of)
    for seq, entry in enumerate(history):
        pipeline.fold(
            Event(seq, entry.epoch, entry.time_us, entry.kind, entry.subject, entry.payload)
        )
    pipeline.resume()
    return pipeline


def test_the_first_event_of_a_process_starts_its_epoch(kit: Kit) -> None:
    pipeline = kit.pipeline()
    assert kit.observe(pipeline, "a")
    entries = pipeline.take_entries()
    assert kinds(entries) == ["EpochStarted", "ThingObserved", "Planned"]
    started = canonical.decode(entries[0].payload)
    assert started["origin"] == "log.example"
    assert started["identity"] == "fixed"
    assert started["composition"] == kit.composition().as_json()
    assert [entry.cause for entry in entries] == [None, None, 1]
    assert {entry.epoch for entry in entries} == {1}


def test_the_next_process_takes_the_next_epoch_when_it_has_something_to_say(kit: Kit) -> None:
    first = kit.pipeline()
    kit.observe(first, "a")
    history = first.take_entries()
    second = resumed(kit, history)
    assert not kit.observe(second, "a")
    assert second.take_entries() == []
    assert kit.observe(second, "a", size=5)
    entries = second.take_entries()
    assert kinds(entries) == ["EpochStarted", "ThingObserved", "Planned"]
    assert {entry.epoch for entry in entries} == {2}


def test_equality_is_judged_in_append_order_with_the_pending_batch(kit: Kit) -> None:
    pipeline = kit.pipeline()
    answers = [kit.observe(pipeline, "a", size=size) for size in (1, 2, 1, 1)]
    assert answers == [True, True, True, False]
    assert kinds(pipeline.take_entries()).count("ThingObserved") == 3


def test_another_actor_alone_is_no_new_observation(kit: Kit) -> None:
    pipeline = kit.pipeline()
    kit.observe(pipeline, "a")
    other = kit.actor._replace(name="somebody else")
    assert not pipeline.observe(kit.resource, kit.thing("a"), other)


def test_an_observation_that_changes_no_plan_still_leaves_the_plan_alone(kit: Kit) -> None:
    pipeline = kit.pipeline()
    kit.observe(pipeline, "a")
    pipeline.take_entries()
    labelled = kit.thing("a")
    labelled["metadata"]["labels"] = {"irrelevant": "yes"}
    assert pipeline.observe(kit.resource, labelled, kit.actor)
    assert kinds(pipeline.take_entries()) == ["ThingObserved"]


def test_a_plan_is_handed_out_only_after_its_record_is_durable(kit: Kit) -> None:
    pipeline = kit.pipeline()
    kit.observe(pipeline, "a")
    kit.observe(pipeline, "b")
    entries = pipeline.take_entries()
    assert kinds(entries)[2::2] == ["Planned", "Planned"]
    assert pipeline.acknowledge(0) == []
    assert pipeline.acknowledge(2) == []
    assert [plan.subject for plan in pipeline.acknowledge(3)] == [A]
    assert [plan.subject for plan in pipeline.acknowledge(len(entries))] == [B]
    assert pipeline.acknowledge(len(entries)) == []


def test_a_plan_records_all_digests_and_in_full_only_what_changed(kit: Kit) -> None:
    pipeline = kit.pipeline()
    kit.observe(pipeline, "a", size=1)
    first = canonical.decode(pipeline.take_entries()[-1].payload)
    kit.observe(pipeline, "a", size=1, diary="not rendered")
    second = canonical.decode(pipeline.take_entries()[-1].payload)
    assert [body["data"]["size"] for body in first["changed"]] == ["1"]
    assert second["changed"] == []
    assert second["manifests"] == first["manifests"]
    assert (first["reducer"], first["renderers"]) == ("thing==1", ["plain==1"])


def test_a_change_replans_exactly_the_subject_and_its_dependents(kit: Kit) -> None:
    pipeline = kit.pipeline()
    kit.observe(pipeline, "a", size=1)
    kit.observe(pipeline, "b", uses=["a"])
    kit.observe(pipeline, "c")
    pipeline.take_entries()
    kit.observe(pipeline, "a", size=9)
    entries = pipeline.take_entries()
    assert [(e.kind, e.subject) for e in entries] == [
        ("ThingObserved", A),
        ("Planned", A),
        ("Planned", B),
    ]
    assert [entry.cause for entry in entries] == [None, 7, 7]
    assert canonical.decode(entries[2].payload)["changed"][0]["data"]["used"] == "9"


def test_a_deleted_subject_plans_the_removal_of_all_but_what_is_retained(kit: Kit) -> None:
    pipeline = kit.pipeline()
    kit.observe(pipeline, "a")
    kit.observe(pipeline, "b", keep=True)
    pipeline.acknowledge(len(pipeline.take_entries()))
    pipeline.delete(A, kit.actor)
    pipeline.delete(B, kit.actor)
    entries = pipeline.take_entries()
    assert kinds(entries) == ["ThingDeleted", "Planned", "ThingDeleted", "Planned"]
    plans = pipeline.acknowledge(100)
    assert [plan.removed for plan in plans] == [["v1/ConfigMap/default/a"], []]
    assert [plan.retained for plan in plans] == [[], ["v1/ConfigMap/default/b"]]
    assert pipeline.state.live() == []
    assert kit.observe(pipeline, "a")


def test_a_refused_object_is_recorded_and_nothing_is_planned_for_it(kit: Kit) -> None:
    pipeline = kit.pipeline()
    assert kit.observe(pipeline, "a", size="large")
    assert kinds(pipeline.take_entries()) == ["EpochStarted", "ThingObserved"]


def test_what_a_crash_left_unplanned_is_planned_by_the_next_process(kit: Kit) -> None:
    first = kit.pipeline()
    kit.observe(first, "a")
    without_plan = first.take_entries()[:2]
    second = resumed(kit, without_plan)
    entries = second.take_entries()
    assert kinds(entries) == ["EpochStarted", "Planned"]
    assert entries[1].cause == 1


@pytest.mark.parametrize("changed", ["version", "settings"])
def test_a_changed_composition_replans_every_subject(kit: Kit, changed: str) -> None:
    first = kit.pipeline()
    kit.observe(first, "a")
    kit.observe(first, "b")
    history = first.take_entries()
    newer = kit.Renderer()
    settings = {}
    if changed == "version":
        newer.version = "2"  # type: ignore[misc]
    else:
        settings = {"new": True}
    second = resumed(kit, history, kit.composition(renderer=newer, settings=settings))
    entries = second.take_entries()
    assert kinds(entries) == ["EpochStarted", "Planned", "Planned"]
    assert [entry.cause for entry in entries] == [None, 5, 5]
    assert canonical.decode(entries[1].payload)["changed"] == []


def test_an_incident_is_recorded_once(kit: Kit) -> None:
    incident = Incident("0-abc", 7, 100, "the batch is cut")
    first = kit.pipeline()
    first.record_incidents([incident])
    history = first.take_entries()
    assert kinds(history) == ["EpochStarted", "TailQuarantined"]
    second = resumed(kit, history)
    second.record_incidents([incident])
    assert second.take_entries() == []


def test_time_never_goes_back(kit: Kit) -> None:
    later = Event(0, 1, 9_000_000, "EpochStarted", "", canonical.encode(started(kit)))
    pipeline = kit.pipeline()
    pipeline.fold(later)
    kit.observe(pipeline, "a")
    assert {entry.time_us for entry in pipeline.take_entries()} == {9_000_000}


def test_a_log_keeps_the_name_that_its_first_record_gave_it(kit: Kit) -> None:
    pipeline = kit.pipeline()
    body = started(kit) | {"origin": "older.example"}
    pipeline.fold(Event(0, 1, 1, "EpochStarted", "", canonical.encode(body)))
    assert pipeline.origin == "older.example"


def test_a_personal_payload_is_salted_and_others_are_not(kit: Kit) -> None:
    pipeline = kit.pipeline()
    kit.observe(pipeline, "a", diary="dear diary")
    kit.observe(pipeline, "b")
    entries = pipeline.take_entries()
    salts = {(e.kind, e.subject): e.salt for e in entries}
    assert {len(salts[kind, A]) for kind in ("ThingObserved", "Planned")} == {16}
    assert {salts[kind, B] for kind in ("ThingObserved", "Planned")} == {b""}
    assert salts["ThingObserved", A] != salts["Planned", A]


def test_a_failing_reducer_is_named_with_the_record(kit: Kit) -> None:
    class Failing(kit.Reducer):  # type: ignore[misc,name-defined]
        def reduce(self, current: object, event: Event, view: View) -> Any:
            raise KeyError("oops")

    with pytest.raises(PluginError, match=r"reducer thing==1 failed on record 1 .*KeyError"):
        kit.observe(kit.pipeline(kit.composition(reducer=Failing())), "a")


@pytest.mark.parametrize(
    ("rendered", "text"),
    [
        (ValueError("oops"), "renderer plain==1 failed on .*/a: ValueError: oops"),
        ([{"kind": "ConfigMap"}], "not a manifest: apiVersion: "),
        (
            [{"apiVersion": "v1", "kind": "X", "metadata": {"name": "a", "namespace": ""}}],
            "not a manifest: metadata.namespace: ",
        ),
        (
            [{"apiVersion": "v1", "kind": "X", "metadata": {"name": "a"}, "x": {1}}],
            "not a manifest",
        ),
        ([{"apiVersion": "v1", "kind": "X", "metadata": {"name": "a"}}] * 2, "rendered twice"),
    ],
)
def test_a_failing_renderer_is_named_with_the_subject(kit: Kit, rendered: Any, text: str) -> None:
    class Failing(kit.Renderer):  # type: ignore[misc,name-defined]
        def render(self, subject: str, current: Mapping[str, Any], view: View) -> Any:
            if isinstance(rendered, Exception):
                raise rendered
            return rendered

    with pytest.raises(PluginError, match=text):
        kit.observe(kit.pipeline(kit.composition(renderer=Failing())), "a")


def test_two_reducers_of_one_kind_are_refused(kit: Kit) -> None:
    with pytest.raises(PluginError, match=r"example\.org/Thing is owned by thing==1 and by thing"):
        Composition([Component(kit.Reducer(), {}), Component(kit.Reducer(), {})], [])


def started(kit: Kit) -> dict[str, Any]:
    return {
        "composition": kit.composition().as_json(),
        "identity": "fixed",
        "kernel": "rynxs==0",
        "origin": "log.example",
    }


def test_a_kind_whose_events_a_header_could_not_name_is_refused(kit: Kit) -> None:
    class Long(kit.Reducer):  # type: ignore[misc,name-defined]
        @property
        def resources(self) -> Sequence[Resource]:
            return (replace(kit.resource, kind="K" * 56),)

    with pytest.raises(PluginError, match="is too long"):
        kit.composition(reducer=Long())


def test_a_payload_over_the_limit_is_refused_before_it_changes_the_state(kit: Kit) -> None:
    class Huge(kit.Renderer):  # type: ignore[misc,name-defined]
        def render(self, subject: str, current: Mapping[str, Any], view: View) -> Any:
            (body,) = super().render(subject, current, view)
            return [body | {"data": {"large": "x" * 5_000_000}}]

    pipeline = kit.pipeline(kit.composition(renderer=Huge()))
    with pytest.raises(UsageError, match=f"Planned of {A}: payload of .* the limit is 4194304"):
        kit.observe(pipeline, "a")


def test_a_reducer_that_makes_no_json_is_named_before_anything_is_written(kit: Kit) -> None:
    class Loose(kit.Reducer):  # type: ignore[misc,name-defined]
        def reduce(self, current: object, event: Event, view: View) -> Any:
            return {"name": "a", "set": {1, 2}}

    pipeline = kit.pipeline(kit.composition(reducer=Loose()))
    with pytest.raises(PluginError, match=r"reducer thing==1 made .* \$\.slice\.set: found set"):
        kit.observe(pipeline, "a")


def test_a_renderer_that_changes_its_input_is_found_out(kit: Kit) -> None:
    class Meddling(kit.Renderer):  # type: ignore[misc,name-defined]
        def render(self, subject: str, current: Any, view: View) -> Any:
            current["size"] = 99
            return super().render(subject, current, view)

    pipeline = kit.pipeline(kit.composition(renderer=Meddling()))
    with pytest.raises(PluginError, match="one of plain==1 changed the slice"):
        kit.observe(pipeline, "a", size=1)
