from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rynxs.engine.composition import Component, Composition
from rynxs.engine.event import Event
from rynxs.engine.replay import Replay
from rynxs.errors import LogCorrupt, NondeterminismError
from rynxs.eventlog import canonical

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rynxs.engine.contracts import View
    from rynxs.engine.pipeline import Pipeline
    from rynxs.engine.replay import RecordedManifest
    from rynxs.engine.state import State
    from tests.unit.engine.conftest import Kit

STEPS = st.lists(
    st.tuples(
        st.sampled_from("abc"),
        st.none()
        | st.fixed_dictionaries(
            {"size": st.integers(0, 2)},
            optional={
                "uses": st.lists(st.sampled_from("abc"), max_size=2),
                "keep": st.booleans(),
                "colour": st.sampled_from(["red", "blau ü"]),
            },
        ),
    ),
    max_size=12,
)


PLAN: dict[str, Any] = {
    "changed": [],
    "manifests": [],
    "reducer": "thing==1",
    "removed": [],
    "renderers": ["plain==1"],
    "retained": [],
}


def events_of(pipeline: Pipeline) -> list[Event]:
    return [
        Event(seq, e.epoch, e.time_us, e.kind, e.subject, e.payload, e.cause)
        for seq, e in enumerate(pipeline.take_entries())
    ]


def plans_of(state: State) -> dict[str, Any]:
    return {subject: (planned.seq, planned.entries) for subject, planned in state.plans.items()}


def nothing_recorded(subject: str, identifier: str, seq: int) -> None:
    return None


def check_all(replay: Replay, pipeline: Pipeline, recorded_manifest: RecordedManifest) -> None:
    for event in events_of(pipeline):
        replay.check(event, recorded_manifest)


def drive(kit: Kit, steps: Sequence[tuple[str, dict[str, Any] | None]]) -> Pipeline:
    pipeline = kit.pipeline()
    for name, spec in steps:
        subject = f"example.org/Thing/default/{name}"
        if spec is not None:
            kit.observe(pipeline, name, **spec)
        elif pipeline.state.observation(subject) is not None:
            pipeline.delete(subject, kit.actor)
    return pipeline


@given(STEPS)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_replay_reaches_the_live_state_and_recomputes_every_plan(
    kit: Kit, steps: list[tuple[str, dict[str, Any] | None]]
) -> None:
    pipeline = drive(kit, steps)
    replay = Replay(kit.composition())
    events = events_of(pipeline)
    for event in events:
        replay.check(event, nothing_recorded)
    assert replay.state.digest() == pipeline.state.digest()
    assert replay.state.live() == pipeline.state.live()
    assert plans_of(replay.state) == plans_of(pipeline.state)
    assert replay.state.unplanned == pipeline.state.unplanned
    assert replay.compared == sum(event.kind == "Planned" for event in events)


@given(STEPS)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_doing_the_same_again_appends_nothing(
    kit: Kit, steps: list[tuple[str, dict[str, Any] | None]]
) -> None:
    pipeline = drive(kit, steps)
    pipeline.take_entries()
    last = dict(steps)
    for name, spec in last.items():
        if spec is not None:
            assert not kit.observe(pipeline, name, **spec)
    assert pipeline.take_entries() == []


def test_a_changed_renderer_is_caught_with_seq_subject_and_field(kit: Kit) -> None:
    class Changed(kit.Renderer):  # type: ignore[misc,name-defined]
        def render(self, subject: str, current: Mapping[str, Any], view: View) -> Any:
            (body,) = super().render(subject, current, view)
            body["data"]["size"] += "0"
            return [body]

    pipeline = drive(kit, [("a", {"size": 1})])
    recorded = pipeline.manifests("example.org/Thing/default/a")[0].body
    replay = Replay(kit.composition(renderer=Changed()))
    with pytest.raises(NondeterminismError) as caught:
        check_all(replay, pipeline, lambda *_: recorded)
    assert caught.value.seq == 2
    assert caught.value.subject == "example.org/Thing/default/a"
    assert caught.value.recorded != caught.value.recomputed
    assert caught.value.fields == ("v1/ConfigMap/default/a: data.size: '1' -> '10'",)


def test_a_missing_and_an_added_manifest_are_named(kit: Kit) -> None:
    class Renamed(kit.Renderer):  # type: ignore[misc,name-defined]
        def render(self, subject: str, current: Mapping[str, Any], view: View) -> Any:
            (body,) = super().render(subject, current, view)
            body["metadata"]["name"] = "other"
            return [body]

    replay = Replay(kit.composition(renderer=Renamed()))
    pipeline = drive(kit, [("a", {})])
    with pytest.raises(NondeterminismError) as caught:
        check_all(replay, pipeline, nothing_recorded)
    assert caught.value.fields == (
        "v1/ConfigMap/default/a: recorded only",
        "v1/ConfigMap/default/other: recomputed only",
    )


@pytest.mark.parametrize(
    ("member", "forged"),
    [
        ("changed", []),
        ("removed", ["v1/ConfigMap/default/x"]),
        ("retained", ["x"]),
        ("reducer", "other==1"),
        ("renderers", []),
        ("manifests", []),
        ("extra", 1),
    ],
)
def test_every_member_of_a_recorded_plan_is_compared(kit: Kit, member: str, forged: Any) -> None:
    pipeline = drive(kit, [("a", {})])
    *history, planned = events_of(pipeline)
    body = canonical.encode(planned.payload | {member: forged})
    forged_plan = Event(planned.seq, 1, 1_000_000, "Planned", planned.subject, body)
    replay = Replay(kit.composition())
    for event in history:
        replay.check(event, nothing_recorded)
    with pytest.raises(NondeterminismError, match=member if member != "manifests" else "ConfigMap"):
        replay.check(forged_plan, nothing_recorded)


def test_plans_of_another_version_are_reported_as_such_not_as_nondeterminism(kit: Kit) -> None:
    newer = kit.Renderer()
    newer.version = "2"  # type: ignore[misc]
    replay = Replay(kit.composition(renderer=newer))
    for event in events_of(drive(kit, [("a", {}), ("b", {})])):
        replay.check(event, nothing_recorded)
    assert replay.compared == 0
    (incomparable,) = replay.incomparable()
    assert incomparable.needs == ("plain==1",)
    assert incomparable.seqs == [2, 4]


def test_plans_of_other_settings_are_not_compared(kit: Kit) -> None:
    replay = Replay(kit.composition(settings={"other": 1}))
    for event in events_of(drive(kit, [("a", {})])):
        replay.check(event, nothing_recorded)
    assert replay.incomparable()[0].needs == ("plain==1 with the settings recorded for it",)


def test_plans_are_not_compared_with_those_of_a_composition_that_has_more(kit: Kit) -> None:
    class Second(kit.Renderer):  # type: ignore[misc,name-defined]
        name = "second"

        def render(self, *_: Any) -> Sequence[dict[str, Any]]:
            return []

    more = [Component(each, {}) for each in (kit.Renderer(), Second())]
    replay = Replay(Composition([Component(kit.Reducer(), {})], more))
    for event in events_of(drive(kit, [("a", {})])):
        replay.check(event, nothing_recorded)
    assert replay.compared == 0
    (incomparable,) = replay.incomparable()
    assert (incomparable.needs, incomparable.seqs) == (("thing==1", "plain==1"), [2])


@pytest.mark.parametrize(
    ("kind", "subject", "payload"),
    [
        ("EpochStarted", "", {}),
        ("Planned", "example.org/Thing/default/a", {}),
        ("Planned", "example.org/Thing/default/a", {"manifests": [1]}),
        ("Planned", "example.org/Thing/default/a", {"manifests": None}),
        ("TailQuarantined", "", {}),
        ("ThingObserved", "example.org/Thing/default/a", {}),
        ("ThingDeleted", "example.org/Thing/default/a", {"actor": 1}),
        ("EpochStarted", "", {"origin": "a\nb"}),
        ("Planned", "example.org/Thing/default/a", PLAN | {"removed": ["\x1b[2J"]}),
        ("Planned", "example.org/Thing/default/a", PLAN | {"changed": [{"kind": "X"}]}),
        ("Planned", "example.org/Thing/default/a", PLAN | {"manifests": [{"id": "[/bold]"}]}),
    ],
)
def test_a_kernel_event_of_another_shape_is_corruption_not_a_crash(
    kit: Kit, kind: str, subject: str, payload: dict[str, Any]
) -> None:
    replay = Replay(kit.composition())
    event = Event(0, 1, 1, kind, subject, canonical.encode(payload))
    with pytest.raises(LogCorrupt, match="not of its shape"):
        replay.check(event, nothing_recorded)


def test_a_payload_that_does_not_decode_is_corruption_with_its_seq(kit: Kit) -> None:
    with pytest.raises(LogCorrupt) as corrupt:
        Replay(kit.composition()).feed(Event(5, 1, 1, "EpochStarted", "", b"\xff"))
    assert corrupt.value.seq == 5


def test_events_of_kinds_that_nobody_owns_are_kept_out_of_the_state(kit: Kit) -> None:
    replay = Replay(kit.composition())
    body = {
        "actor": {"authenticated": False, "name": "x"},
        "deleting": False,
        "object": {
            "apiVersion": "example.org/v1",
            "kind": "Other",
            "metadata": {"name": "x", "namespace": "default", "uid": None},
        },
    }
    event = canonical.encode(body)
    replay.feed(Event(0, 1, 1, "OtherObserved", "example.org/Other/default/x", event))
    assert replay.state.slices.items() == []
    assert replay.state.live() == ["example.org/Other/default/x"]


def test_a_plan_of_no_subject_is_corruption(kit: Kit) -> None:
    event = Event(0, 1, 1, "Planned", "", canonical.encode(PLAN))
    with pytest.raises(LogCorrupt, match="a plan of no subject"):
        Replay(kit.composition()).check(event, nothing_recorded)


@pytest.mark.parametrize(
    "metadata",
    [
        {"name": "b", "namespace": "default", "uid": None},
        {"name": "a", "namespace": "/etc", "uid": None},
        {"name": "a", "uid": None},
    ],
)
def test_an_observation_of_another_object_than_its_header_names_is_corruption(
    kit: Kit, metadata: dict[str, Any]
) -> None:
    body = {
        "actor": {"authenticated": False, "name": "x"},
        "deleting": False,
        "object": {"apiVersion": "example.org/v1", "kind": "Thing", "metadata": metadata},
    }
    event = Event(0, 1, 1, "ThingObserved", "example.org/Thing/default/a", canonical.encode(body))
    with pytest.raises(LogCorrupt):
        Replay(kit.composition()).feed(event)
