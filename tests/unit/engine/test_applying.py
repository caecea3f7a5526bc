"""What a shell tells the pipeline of the cluster, and plugins that fail on one subject."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from rynxs.engine import snapshot
from rynxs.engine.event import Event
from rynxs.engine.pipeline import Pipeline, Taken
from rynxs.errors import PluginError
from rynxs.eventlog import canonical
from rynxs.eventlog.chain import Chain, Tip
from rynxs.eventlog.merkle import Frontier
from rynxs.sources import fixed_sources

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rynxs.engine.contracts import View
    from rynxs.eventlog.log import Entry
    from tests.unit.engine.conftest import Kit

A, B = "example.org/Thing/default/a", "example.org/Thing/default/b"
IDENTIFIER = "v1/ConfigMap/default/a"


def payloads(entries: Sequence[Entry]) -> list[tuple[str, Any, int | None]]:
    return [(entry.kind, canonical.decode(entry.payload), entry.cause) for entry in entries]


def test_what_the_cluster_took_is_recorded_with_its_plan_and_known_by_the_next_writer(
    kit: Kit,
) -> None:
    pipeline = kit.pipeline()
    kit.observe(pipeline, "a")
    entries = pipeline.take_entries()
    assert pipeline.state.applied == {}
    pipeline.record_applied(A, 2, [Taken(IDENTIFIER, "applied", "u-1")])
    told = pipeline.take_entries()
    taken = {"action": "applied", "id": IDENTIFIER, "uid": "u-1"}
    assert payloads(told) == [("Applied", {"manifests": [taken]}, 2)]
    later = kit.pipeline()
    for seq, entry in enumerate([*entries, *told]):
        later.fold(
            Event(seq, 1, entry.time_us, entry.kind, entry.subject, entry.payload, entry.cause)
        )
    assert later.state.applied == {A: 2}
    kit.observe(later, "a", size=9)
    assert later.state.applied[A] < later.state.plans[A].seq


def test_a_snapshot_keeps_what_is_applied(kit: Kit) -> None:
    pipeline = kit.pipeline()
    kit.observe(pipeline, "a")
    pipeline.record_applied(A, 2, [])
    state, made_of = pipeline.state, kit.composition()
    chain = Chain(Tip(bytes(32), state.epoch, state.time_us), Frontier())
    chain.frontier.extend([bytes(32)] * state.size)
    restored = snapshot.decode(snapshot.encode(state, chain, made_of, bytes(16)), made_of)
    assert restored is not None
    assert restored.state.applied == {A: 2}


def test_a_failure_and_a_drift_are_recorded_with_the_plan_they_are_about(kit: Kit) -> None:
    pipeline = kit.pipeline()
    kit.observe(pipeline, "a")
    pipeline.take_entries()
    pipeline.record_failure(A, 2, IDENTIFIER, "403 Forbidden", 3)
    pipeline.record_drift(A, IDENTIFIER, ["data.size", "data.colour"], ["kubectl-edit"])
    drift = {
        "fields": ["data.colour", "data.size"],
        "id": IDENTIFIER,
        "managers": ["kubectl-edit"],
    }
    assert payloads(pipeline.take_entries()) == [
        ("ApplyFailed", {"attempt": 3, "id": IDENTIFIER, "reason": "403 Forbidden"}, 2),
        ("DriftObserved", drift, 2),
    ]


def test_an_epoch_is_above_every_epoch_seen_elsewhere(kit: Kit) -> None:
    pipeline = kit.pipeline()
    pipeline.start_epoch(seen=41, more={"acceptedLoss": True})
    (entry,) = pipeline.take_entries()
    assert entry.epoch == 42
    assert canonical.decode(entry.payload)["acceptedLoss"] is True
    pipeline.start_epoch(seen=7)
    assert pipeline.take_entries()[0].epoch == 43


def isolating(kit: Kit, **parts: Any) -> tuple[Pipeline, dict[str, str]]:
    failures: dict[str, str] = {}

    def failed(subject: str, error: PluginError) -> None:
        failures[subject] = str(error)

    made_of = kit.composition(**parts)
    return Pipeline(made_of, fixed_sources(1), "log.example", failed=failed), failures


def test_a_reducer_that_raises_on_one_subject_leaves_it_out_and_the_others_go_on(kit: Kit) -> None:
    class Picky(kit.Reducer):  # type: ignore[name-defined, misc]
        def reduce(self, current: Any, event: Event, view: View) -> Any:
            if event.kind == "ThingObserved" and event.payload["object"]["spec"].get("size") == 13:
                raise ValueError("unlucky")
            return super().reduce(current, event, view)

    pipeline, failures = isolating(kit, reducer=Picky())
    kit.observe(pipeline, "a", size=1)
    assert not kit.observe(pipeline, "a", size=13)
    kit.observe(pipeline, "b", size=2)
    assert "thing==1 failed on record" in failures[A]
    assert "unlucky" in failures[A]
    assert pipeline.manifests(A)[0].body["data"]["size"] == "1"
    assert pipeline.manifests(B)[0].body["data"]["size"] == "2"
    kinds = [(entry.kind, entry.subject) for entry in pipeline.take_entries()]
    assert kinds[1:] == [
        ("ThingObserved", A),
        ("Planned", A),
        ("ThingObserved", B),
        ("Planned", B),
    ]


def test_a_renderer_that_raises_leaves_the_last_plan_until_the_subjects_next_event(
    kit: Kit,
) -> None:
    class Picky(kit.Renderer):  # type: ignore[name-defined, misc]
        def render(
            self, subject: str, current: Mapping[str, Any], view: View
        ) -> Sequence[dict[str, Any]]:
            if current.get("size") == 13:
                raise ValueError("unlucky")
            rendered: Sequence[dict[str, Any]] = super().render(subject, current, view)
            return rendered

    pipeline, failures = isolating(kit, renderer=Picky())
    kit.observe(pipeline, "a", size=1)
    kit.observe(pipeline, "a", size=13)
    assert "renderer plain==1 failed on" in failures.pop(A)
    last = pipeline.state.plans[A].seq
    kit.observe(pipeline, "b", size=2)
    assert not failures
    assert pipeline.state.plans[A].seq == last
    kit.observe(pipeline, "a", size=3)
    assert pipeline.state.plans[A].seq > last


def test_without_isolation_a_plugin_that_raises_stops_the_run(kit: Kit) -> None:
    class Broken(kit.Renderer):  # type: ignore[name-defined, misc]
        def render(self, *_: Any) -> Sequence[dict[str, Any]]:
            raise ValueError("no")

    pipeline = kit.pipeline(kit.composition(renderer=Broken()))
    with pytest.raises(PluginError, match="plain==1 failed"):
        kit.observe(pipeline, "a")


def test_who_takes_the_lead_replans_all_if_the_composition_is_another(kit: Kit) -> None:
    class Bigger(kit.Renderer):  # type: ignore[name-defined, misc]
        version = "2"

    pipeline = kit.pipeline()
    kit.observe(pipeline, "a")
    entries = pipeline.take_entries()
    for made_of, kinds in (
        (kit.composition(), ["EpochStarted"]),
        (kit.composition(renderer=Bigger()), ["EpochStarted", "Planned"]),
    ):
        later = kit.pipeline(made_of)
        for seq, entry in enumerate(entries):
            event = Event(seq, 1, 1, entry.kind, entry.subject, entry.payload, entry.cause)
            later.fold(event)
        later.take_lead(seen=4)
        emitted = later.take_entries()
        assert [entry.kind for entry in emitted] == kinds
        assert {entry.epoch for entry in emitted} == {5}
