"""Governors: verdicts on other reducers' subjects, recorded, and what follows from them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rynxs.engine import snapshot
from rynxs.engine.composition import Component, Composition
from rynxs.engine.contracts import Reducer
from rynxs.engine.event import Event
from rynxs.engine.observation import Actor
from rynxs.engine.pipeline import Pipeline
from rynxs.engine.replay import Replay
from rynxs.engine.resource import Resource, SpecModel
from rynxs.engine.upgrade import Upgrade
from rynxs.errors import NondeterminismError, PluginError
from rynxs.eventlog import canonical
from rynxs.eventlog.chain import Chain, Tip
from rynxs.eventlog.merkle import Frontier
from rynxs.sources import fixed_sources

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from rynxs.engine.contracts import Occasion, View
    from rynxs.eventlog.log import Entry
    from tests.unit.engine.conftest import Kit

THING_KIND = "example.org/Thing"
A, B, C = (f"{THING_KIND}/default/{name}" for name in "abc")


class CapSpec(SpecModel):
    total: int
    colour: str = "none"


CAP = Resource("example.org", "Cap", "caps", "Cluster", ("v1",), CapSpec)


class CapReducer(Reducer):
    """The things of a cap may be so large in sum; it gives colour to those that have none."""

    name = "cap"
    version = "1"
    governs: ClassVar[frozenset[str]] = frozenset({THING_KIND})

    @property
    def resources(self) -> Sequence[Resource]:
        return (CAP,)

    def reduce(
        self, current: Mapping[str, Any] | None, event: Event, view: View
    ) -> Mapping[str, Any] | None:
        if event.kind == "CapDeleted":
            return None
        return event.payload["object"]["spec"] if event.kind == "CapObserved" else current

    def dependents(self, subject: str, view: View) -> Iterable[str]:
        things = [each for each, _ in view.of_kind(THING_KIND)]
        if not subject.startswith(THING_KIND):
            return things
        verdicts = {each: view.verdict(each) for each in things if each != subject}
        waiting = [(v["since"], each) for each, v in verdicts.items() if v and v["refused"]]
        return [each for _, each in sorted(waiting)]

    def judge(
        self,
        subject: str,
        current: Mapping[str, Any] | None,
        view: View,
        occasion: Occasion,
    ) -> Mapping[str, Any] | None:
        cap, verdict = view.get("example.org/Cap/one"), view.verdict(subject)
        if cap is None or current is None:
            return None
        size, held = current.get("size", 1), (verdict or {}).get("holds", {}).get("one", {})
        others = view.total("one").get("size", 0) - held.get("size", 0)
        fits = others + size <= cap["total"] or held.get("size", -1) >= size
        since = verdict["since"] if verdict and verdict["refused"] else occasion.seq
        condition = {
            "message": "" if fits else f"size: {size} more than the cap has left",
            "reason": "Fits" if fits else "CapReached",
            "status": "True" if fits else "False",
            "type": "Accepted",
        }
        return {
            "conditions": [condition],
            "holds": {"one": {"size": size}} if fits else {},
            "patch": {} if "colour" in current else {"colour": cap.get("colour", "none")},
            "refused": not fits,
            "since": since if not fits else None,
        }


def composed(kit: Kit, governor: Reducer | None = None) -> Composition:
    reducers = [Component(kit.Reducer(), {}), Component(governor or CapReducer(), {})]
    return Composition(reducers, [Component(kit.Renderer(), {})])


def cap(pipeline: Pipeline, **spec: Any) -> None:
    manifest = {
        "apiVersion": "example.org/v1",
        "kind": "Cap",
        "metadata": {"name": "one"},
        "spec": spec,
    }
    pipeline.observe(CAP, manifest, Actor("tester"))


def told(entries: Sequence[Entry]) -> list[tuple[str, str]]:
    return [(entry.kind, entry.subject.rpartition("/")[2]) for entry in entries]


def planned(pipeline: Pipeline) -> dict[str, list[str]]:
    return {
        subject: [manifest.digest for manifest in pipeline.manifests(subject)]
        for subject in pipeline.state.live()
    }


def events_of(entries: Sequence[Entry]) -> list[Event]:
    return [
        Event(seq, e.epoch, e.time_us, e.kind, e.subject, e.payload, e.cause)
        for seq, e in enumerate(entries)
    ]


def nothing_recorded(subject: str, identifier: str, seq: int) -> None:
    return None


def test_without_a_verdict_nothing_is_recorded_beside_plans(kit: Kit) -> None:
    pipeline = kit.pipeline(composed(kit))
    kit.observe(pipeline, "a")
    assert told(pipeline.take_entries())[1:] == [("ThingObserved", "a"), ("Planned", "a")]


def test_a_verdict_is_recorded_before_the_plan_that_follows_from_it(kit: Kit) -> None:
    pipeline = kit.pipeline(composed(kit))
    cap(pipeline, total=10, colour="blue")
    kit.observe(pipeline, "a")
    entries = pipeline.take_entries()
    assert told(entries)[2:] == [("ThingObserved", "a"), ("Judged", "a"), ("Planned", "a")]
    assert [entry.cause for entry in entries[3:]] == [2, 3]
    assert pipeline.manifests(A)[0].body["data"]["colour"] == "blue"


def test_a_refused_subject_asks_for_nothing_and_the_others_are_left_alone(kit: Kit) -> None:
    pipeline = kit.pipeline(composed(kit))
    cap(pipeline, total=3)
    kit.observe(pipeline, "a", size=2)
    kit.observe(pipeline, "b", size=2)
    assert (len(pipeline.manifests(A)), len(pipeline.manifests(B))) == (1, 0)
    (condition,) = pipeline.status(B)["conditions"]
    assert (condition["status"], condition["reason"]) == ("False", "CapReached")


def test_what_is_released_goes_to_who_waits_longest(kit: Kit) -> None:
    pipeline = kit.pipeline(composed(kit))
    cap(pipeline, total=2)
    for name in "acb":
        kit.observe(pipeline, name, size=2)
    pipeline.take_entries()
    pipeline.delete(A, kit.actor)
    assert told(pipeline.take_entries()) == [
        ("ThingDeleted", "a"),
        ("Judged", "a"),
        ("Planned", "a"),
        ("Judged", "c"),
        ("Planned", "c"),
    ]


def test_who_was_accepted_is_not_evicted_by_a_smaller_cap(kit: Kit) -> None:
    pipeline = kit.pipeline(composed(kit))
    cap(pipeline, total=4)
    kit.observe(pipeline, "a", size=2)
    kit.observe(pipeline, "b", size=2)
    pipeline.take_entries()
    cap(pipeline, total=1)
    assert told(pipeline.take_entries()) == [("CapObserved", "one")]
    kit.observe(pipeline, "b", size=2, uses=["a"])
    assert len(pipeline.manifests(B)) == 1


def test_a_changed_cap_replans_exactly_those_whose_plan_it_changes(kit: Kit) -> None:
    pipeline = kit.pipeline(composed(kit))
    cap(pipeline, total=9)
    kit.observe(pipeline, "a")
    kit.observe(pipeline, "b", colour="red")
    pipeline.take_entries()
    cap(pipeline, total=9, colour="green")
    assert told(pipeline.take_entries()) == [
        ("CapObserved", "one"),
        ("Judged", "a"),
        ("Planned", "a"),
    ]


STEPS = st.lists(
    st.one_of(
        st.tuples(
            st.sampled_from("abc"),
            st.one_of(st.none(), st.fixed_dictionaries({"size": st.integers(0, 3)})),
        ),
        st.tuples(
            st.just("cap"),
            st.fixed_dictionaries(
                {"total": st.integers(0, 5), "colour": st.sampled_from(["red", "blue"])}
            ),
        ),
    ),
    max_size=12,
)


def driven(kit: Kit, steps: Sequence[tuple[str, Any]]) -> Pipeline:
    pipeline = kit.pipeline(composed(kit))
    for name, spec in steps:
        subject = f"{THING_KIND}/default/{name}"
        if name == "cap":
            cap(pipeline, **spec)
        elif spec is not None:
            kit.observe(pipeline, name, **spec)
        elif pipeline.state.observation(subject) is not None:
            pipeline.delete(subject, kit.actor)
    return pipeline


@given(STEPS)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_replay_recomputes_every_verdict_and_reaches_the_live_state(
    kit: Kit, steps: list[tuple[str, Any]]
) -> None:
    pipeline = driven(kit, steps)
    events = events_of(pipeline.take_entries())
    replay = Replay(composed(kit))
    for event in events:
        replay.check(event, nothing_recorded)
    assert replay.state.digest() == pipeline.state.digest()
    assert replay.compared == sum(event.kind == "Planned" for event in events)
    assert replay.verdicts == sum(event.kind == "Judged" for event in events)
    assert replay.state.slices.total("one") == pipeline.state.slices.total("one")
    upgrade = Upgrade(composed(kit))
    for event in events:
        upgrade.check(event, nothing_recorded)
    upgrade.finish()
    assert upgrade.differences == []


@given(STEPS, st.integers(0, 40))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_crash_at_any_record_ends_in_the_same_state(
    kit: Kit, steps: list[tuple[str, Any]], cut: int
) -> None:
    pipeline = driven(kit, steps)
    events = events_of(pipeline.take_entries())
    kept = events[:cut]
    last_seen = max((e.seq for e in events if e.kind.endswith(("Observed", "Deleted"))), default=0)
    later = kit.pipeline(composed(kit))
    for event in kept:
        later.fold(event)
    later.resume()
    if len(kept) > last_seen:
        assert planned(later) == planned(pipeline)
    again = kit.pipeline(composed(kit))
    for event in [*kept, *events_of(later.take_entries())]:
        again.fold(Event(again.state.size, *_rest(event)))
    again.resume()
    assert again.take_entries() == []


def _rest(event: Event) -> tuple[Any, ...]:
    return event.epoch, event.time_us, event.kind, event.subject, event.encoded, event.cause


@given(STEPS)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_snapshot_goes_on_where_the_state_was(kit: Kit, steps: list[tuple[str, Any]]) -> None:
    pipeline = driven(kit, steps)
    state, made_of = pipeline.state, composed(kit)
    chain = Chain(Tip(bytes(32), state.epoch, state.time_us), Frontier())
    chain.frontier.extend([bytes(32)] * state.size)
    restored = snapshot.decode(snapshot.encode(state, chain, made_of, bytes(16)), made_of)
    assert restored is not None
    assert restored.state.digest() == state.digest()
    assert restored.state.slices.total("one") == state.slices.total("one")
    assert (restored.state.affected, restored.state.judged) == (state.affected, state.judged)


def test_a_verdict_that_another_governor_would_give_is_told_by_replay(kit: Kit) -> None:
    class Lenient(CapReducer):
        def judge(self, *arguments: Any) -> Mapping[str, Any] | None:
            verdict = super().judge(*arguments)
            return verdict if verdict is None else {**verdict, "refused": False}

    pipeline = kit.pipeline(composed(kit))
    cap(pipeline, total=1)
    kit.observe(pipeline, "a", size=2)
    events = events_of(pipeline.take_entries())
    replay = Replay(composed(kit, Lenient()))
    for event in events[:3]:
        replay.check(event, nothing_recorded)
    with pytest.raises(NondeterminismError, match=r"verdict\.refused"):
        replay.check(events[3], nothing_recorded)
    upgrade = Upgrade(composed(kit, Lenient()))
    for event in events:
        upgrade.check(event, nothing_recorded)
    upgrade.finish()
    assert [difference.subject for difference in upgrade.differences] == [A]


@pytest.mark.parametrize(
    ("returned", "message"),
    [
        ({"refused": True}, "conditions"),
        ({"conditions": [], "holds": {"one": {"size": -1}}, "patch": {}, "refused": False}, "size"),
    ],
)
def test_what_is_no_verdict_names_its_governor(
    kit: Kit, returned: dict[str, Any], message: str
) -> None:
    class Broken(CapReducer):
        def judge(self, *_: Any) -> Mapping[str, Any] | None:
            return returned

    with pytest.raises(PluginError, match=f"cap==1 returned what is no verdict.*{message}"):
        kit.observe(kit.pipeline(composed(kit, Broken())), "a")


def test_a_governor_that_raises_is_named_with_the_subject(kit: Kit) -> None:
    class Broken(CapReducer):
        def judge(self, *_: Any) -> Mapping[str, Any] | None:
            raise ValueError("no idea")

    with pytest.raises(PluginError, match=f"governor cap==1 failed on {A}: ValueError: no idea"):
        kit.observe(kit.pipeline(composed(kit, Broken())), "a")


def test_a_kind_has_one_governor(kit: Kit) -> None:
    class Other(CapReducer):
        name = "other"
        resources = (Resource("example.org", "Else", "elses", "Cluster", ("v1",), CapSpec),)

    reducers = [Component(each, {}) for each in (CapReducer(), Other())]
    with pytest.raises(PluginError, match="Thing is governed by cap==1 and by other==1"):
        Composition(reducers, [])


def test_an_erased_verdict_makes_later_ones_unknown_not_different(kit: Kit) -> None:
    pipeline = kit.pipeline(composed(kit))
    cap(pipeline, total=5)
    kit.observe(pipeline, "a", size=1)
    kit.observe(pipeline, "b", size=1)
    events = events_of(pipeline.take_entries())
    assert (events[3].kind, events[6].kind) == ("Judged", "Judged")
    erased = events[3]
    events[3] = Event(3, erased.epoch, erased.time_us, "Judged", A, None, erased.cause)
    replay = Replay(composed(kit))
    for event in events:
        replay.check(event, nothing_recorded)
    assert (replay.redacted, replay.redacted_verdicts) == ([4], [3, 6])
    assert (replay.compared, replay.verdicts) == (1, 0)


def test_plans_and_verdicts_of_another_version_are_told_apart(kit: Kit) -> None:
    class Newer(CapReducer):
        version = "2"

    pipeline = kit.pipeline(composed(kit))
    cap(pipeline, total=1)
    kit.observe(pipeline, "a", size=1)
    kit.observe(pipeline, "b", size=1)
    replay = Replay(composed(kit, Newer()))
    for event in events_of(pipeline.take_entries()):
        replay.check(event, nothing_recorded)
    (part,) = replay.incomparable()
    assert (part.needs, part.seqs, part.verdicts) == (("cap==1",), [4], [3, 6])
    assert (replay.compared, replay.verdicts) == (0, 0)


class TimedReducer(Reducer):
    """A thing is late after a second; it reads the things that it uses."""

    watches: ClassVar[Mapping[str, Sequence[str]]] = {"v1/ConfigMap": ("phase",)}
    name = "thing"
    version = "1"

    def __init__(self, kit: Kit) -> None:
        self._resource = kit.resource

    @property
    def resources(self) -> Sequence[Resource]:
        return (self._resource,)

    def reduce(
        self, current: Mapping[str, Any] | None, event: Event, view: View
    ) -> Mapping[str, Any] | None:
        if event.kind == "ThingObserved":
            spec = event.payload["object"]["spec"]
            name = event.payload["object"]["metadata"]["name"]
            return {"due": event.time_us + 1_000_000, "name": name, **spec}
        if event.kind == "DeadlineReached":
            return {**(current or {}), "due": None, "colour": "late"}
        if event.kind == "StatusObserved":
            return {**(current or {}), "colour": event.payload["status"]["phase"]}
        return None if event.kind == "ThingDeleted" else current

    def reads(self, subject: str, current: Mapping[str, Any]) -> Iterable[str]:
        return [f"{THING_KIND}/default/{name}" for name in current.get("uses", ())]

    def deadline(self, subject: str, current: Mapping[str, Any]) -> int | None:
        due: int | None = current["due"]
        return due


def timed(kit: Kit) -> Composition:
    return Composition([Component(TimedReducer(kit), {})], [Component(kit.Renderer(), {})])


def at(kit: Kit, pipeline: Pipeline, now_us: int) -> Pipeline:
    """A later process on the same history."""
    later = Pipeline(timed(kit), fixed_sources(now_us), "log.example")
    for event in events_of(pipeline.take_entries()):
        later.fold(event)
    later.resume()
    return later


def test_a_deadline_is_recorded_once_and_only_when_it_is_reached(kit: Kit) -> None:
    pipeline = kit.pipeline(timed(kit))
    kit.observe(pipeline, "a")
    pipeline.reach_deadlines()
    assert [entry.kind for entry in pipeline.take_entries()][3:] == []
    kit.observe(pipeline, "b")
    history = kit.pipeline(timed(kit))
    kit.observe(history, "a")
    later = at(kit, history, 2_000_000)
    later.reach_deadlines()
    later.reach_deadlines()
    entries = later.take_entries()
    assert [entry.kind for entry in entries] == ["EpochStarted", "DeadlineReached", "Planned"]
    assert canonical.decode(entries[1].payload) == {"deadlineUs": 2_000_000}
    assert later.manifests(A)[0].body["data"]["colour"] == "late"


def test_a_status_is_recorded_when_what_is_watched_of_it_differs(kit: Kit) -> None:
    pipeline = kit.pipeline(timed(kit))
    kit.observe(pipeline, "a")
    identifier = "v1/ConfigMap/default/a"
    pipeline.take_entries()
    for number, phase in enumerate(("new", "new", "old")):
        pipeline.observe_status(A, identifier, {"phase": phase, "probed": number})
    entries = pipeline.take_entries()
    assert [entry.kind for entry in entries] == ["StatusObserved", "Planned"] * 2
    assert entries[0].cause == 2


@pytest.mark.parametrize("first", ["a", "b"])
def test_what_a_plan_reads_replans_it_whichever_came_first(kit: Kit, first: str) -> None:
    pipeline = kit.pipeline(timed(kit))
    specs: dict[str, dict[str, Any]] = {"a": {"uses": ["b"]}, "b": {"size": 7}}
    for name in sorted(specs, key=lambda name: name != first):
        kit.observe(pipeline, name, **specs[name])
    assert pipeline.manifests(A)[0].body["data"]["used"] == "7"
    pipeline.take_entries()
    kit.observe(pipeline, "b", size=8)
    assert told(pipeline.take_entries()) == [
        ("ThingObserved", "b"),
        ("Planned", "b"),
        ("Planned", "a"),
    ]
    kit.observe(pipeline, "a")
    pipeline.take_entries()
    kit.observe(pipeline, "b", size=9)
    assert told(pipeline.take_entries()) == [("ThingObserved", "b"), ("Planned", "b")]


def test_a_verdict_that_was_left_out_is_told_at_the_plan_that_needed_it(kit: Kit) -> None:
    pipeline = kit.pipeline(composed(kit))
    cap(pipeline, total=1)
    kit.observe(pipeline, "a", size=2)
    refused = events_of(pipeline.take_entries())
    assert [event.kind for event in refused[2:]] == ["ThingObserved", "Judged"]
    free = kit.pipeline(kit.composition())
    kit.observe(free, "a", size=2)
    planned_anyway = free.take_entries()[-1]
    forged = [
        *refused[:3],
        Event(3, 1, 1_000_000, "Planned", A, planned_anyway.payload, 2),
    ]
    replay = Replay(composed(kit))
    for event in forged[:3]:
        replay.check(event, nothing_recorded)
    with pytest.raises(NondeterminismError, match="a verdict is due before this plan"):
        replay.check(forged[3], nothing_recorded)
