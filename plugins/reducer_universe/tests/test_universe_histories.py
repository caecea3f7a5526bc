"""Histories: whatever happens, in whatever order, replays, comes to rest, and survives crashes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.conftest import World

    Step = tuple[Any, ...]

SHELL = {"tools": {"allow": ["shell"]}}
PROVIDER = {
    "kind": "openai",
    "baseUrl": "https://models.example.org/v1",
    "model": "large",
    "apiKeySecretRef": {"name": "shared", "key": "key"},
}
AGENTS: list[dict[str, Any]] = [
    {},
    SHELL,
    {"resources": {"limits": {"cpu": "2"}}},
    {"suspend": True, "universeRef": "one"},
    {"role": "boss"},
    {"workspace": {"size": "1Gi"}, "network": {"allowEgressTo": ["10.0.0.1"]}},
]
RULES: list[dict[str, Any]] = [
    {},
    {"allowed": {"tools": []}},
    {"allowed": {"egress": ["10.0.0.0/8"], "images": ["ghcr.io/acme/*"]}},
    {"defaults": {"provider": PROVIDER, "storageClassName": "fast"}},
    {"defaults": {"resources": {"limits": {"cpu": "2"}}}, "namespaces": ["team-a"]},
    {"suspend": True},
]
QUOTAS: list[dict[str, Any]] = [
    {"quotas": {"agents": 1, "sessions": 1}},
    {"quotas": {"cpu": "3"}, "namespaces": ["team-*"]},
    {"quotas": {"agents": 2, "cpu": "2500m"}, "allowed": {"tools": []}},
    {"quotas": {"agents": -1}},
]
SESSIONS: list[dict[str, Any]] = [{}, {"suspend": True}, {"workspace": {"kind": "agent"}}]
STATUSES: list[dict[str, Any]] = [
    {"active": 1},
    {"conditions": [{"type": "Complete", "status": "True"}]},
]
PLACES = [("a", "team-a"), ("b", "team-a"), ("c", "team-b")]
FEW = settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])


def steps(
    universes: Sequence[dict[str, Any]], sessions: Sequence[dict[str, Any]] = SESSIONS
) -> st.SearchStrategy[list[Step]]:
    """Return histories with these universes and sessions; what has no spec goes."""
    specs = {"agent": AGENTS, "session": sessions, "universe": universes}
    shown = {kind: st.none() | st.sampled_from(each) for kind, each in specs.items()}
    place = st.sampled_from(PLACES)
    return st.lists(
        st.one_of(
            st.tuples(st.just("agent"), place, shown["agent"]),
            st.tuples(st.just("session"), place, shown["session"]),
            st.tuples(st.just("job"), place, st.sampled_from(STATUSES)),
            st.tuples(st.just("universe"), st.sampled_from(["one", "two"]), shown["universe"]),
        ),
        max_size=14,
    )


ANY = steps([*RULES, *QUOTAS])


def go(world: World, history: Sequence[Step]) -> World:
    """Let a history happen; what can't at that point does not."""
    for kind, place, spec in history:
        if kind == "universe":
            subject = f"universe.ai/Universe/{place}"
            if spec is not None:
                world.universe(place, **spec)
        else:
            name, namespace = place
            subject = f"universe.ai/{'Agent' if kind == 'agent' else 'Session'}/{namespace}/{name}"
            if kind == "job" and subject in world.objects and world.runs(subject) == [True]:
                world.job(subject, **spec)
            elif kind == "agent" and spec is not None:
                world.agent(name, namespace, **spec)
            elif kind == "session" and spec is not None:
                world.session(name, name, namespace, **spec)
        if spec is None and subject in world.objects:
            world.delete(subject)
    return world


@given(history=ANY)
@FEW
def test_replay_recomputes_every_plan_and_verdict(
    make_world: type[World], history: list[Step]
) -> None:
    go(make_world(), history).check()


@given(history=ANY)
@FEW
def test_every_history_has_come_to_rest(make_world: type[World], history: list[Step]) -> None:
    world = go(make_world(), history)
    world.told()
    world.sync(dict(world.objects))
    world.resume()
    assert world.told() == []
    for subject in world.objects:
        state = world.pipeline.state
        planned = state.plans.get(subject)
        lines = state.plan_lines(subject, world.pipeline.manifests(subject))
        assert lines == list(planned.entries.values() if planned else ())


@given(history=ANY)
@FEW
def test_what_all_hold_together_is_what_each_holds(
    make_world: type[World], history: list[Step]
) -> None:
    world = go(make_world(), history)
    slices = world.pipeline.state.slices
    sums: dict[str, dict[str, int]] = {}
    for subject in world.objects:
        verdict = slices.verdict(subject) or {"holds": {}, "refused": False}
        for holder, amounts in verdict["holds"].items():
            assert ("waiting" in amounts) is verdict["refused"]
            for unit, amount in amounts.items():
                units = sums.setdefault(holder, {})
                units[unit] = units.get(unit, 0) + amount
    for universe in ("universe.ai/Universe/one", "universe.ai/Universe/two"):
        assert world.total(universe) == sums.get(universe, {})


@given(history=ANY)
@FEW
def test_nobody_waits_for_room_that_is_there(make_world: type[World], history: list[Step]) -> None:
    """To be judged once more changes nothing, so that no release was missed."""
    world = go(make_world(), history)
    state = world.pipeline.state
    for subject in world.objects:
        verdict = state.slices.verdict(subject)
        since = verdict["since"] if verdict else 0
        assert state.judgement(subject, since) is None


@given(history=ANY)
@FEW
def test_what_happens_to_one_stops_no_other(make_world: type[World], history: list[Step]) -> None:
    """An agent may stop its own sessions, and a universe whom it governs."""
    world = make_world()
    for step in history:
        others = [each for each in sorted(world.objects) if not is_at(each, step[1])]
        ran = world.runs(*others)
        go(world, [step])
        if step[0] != "universe":
            stopped = [now < before for now, before in zip(world.runs(*others), ran, strict=True)]
            assert not any(stopped)


@given(history=ANY, data=st.data())
@FEW
def test_a_crash_at_any_record_ends_in_the_same_plans(
    make_world: type[World], history: list[Step], data: st.DataObject
) -> None:
    world = go(make_world(), history)
    size = data.draw(st.integers(0, len(world.history)))
    later = world.cut(size)
    if size > world.last_seen():
        assert later.plans() == world.plans()
    later.check()
    assert later.cut(len(later.history)).history == later.history


@given(history=steps(RULES, SESSIONS[:2]), data=st.data())
@FEW
def test_who_sees_all_there_is_after_a_crash_ends_in_the_same_plans(
    make_world: type[World], history: list[Step], data: st.DataObject
) -> None:
    """Without quotas, what is planned is a function of what is there."""
    world = go(make_world(), [step for step in history if step[0] != "job"])
    later = world.cut(data.draw(st.integers(0, len(world.history))))
    later.sync(world.objects)
    fresh = make_world()
    fresh.sync(world.objects)
    assert later.plans() == world.plans() == fresh.plans()


LONG: list[Step] = [
    ("agent", ("b", "team-a"), {}),
    ("universe", "one", {"quotas": {"agents": 1, "sessions": 1}}),
    ("agent", ("a", "team-a"), AGENTS[2]),
    ("session", ("b", "team-a"), {}),
    ("session", ("a", "team-a"), {}),
    ("job", ("b", "team-a"), STATUSES[0]),
    ("universe", "two", RULES[3]),
    ("agent", ("c", "team-b"), AGENTS[5]),
    ("universe", "one", {"quotas": {"agents": 2, "sessions": 1}}),
    ("agent", ("b", "team-a"), SHELL),
    ("universe", "two", RULES[1]),
    ("job", ("b", "team-a"), STATUSES[1]),
    ("universe", "one", QUOTAS[3]),
    ("universe", "two", RULES[5]),
    ("agent", ("a", "team-a"), None),
    ("universe", "two", None),
    ("universe", "one", RULES[4]),
]


def test_a_crash_at_every_record_of_a_long_history_ends_in_the_same_plans(world: World) -> None:
    go(world, LONG)
    kinds = [entry.kind for entry in world.history]
    assert (kinds.count("Judged"), kinds.count("Planned")) > (15, 12)
    ends: dict[int, dict[str, str]] = {}
    for size in range(len(kinds) + 1):
        later = world.cut(size)
        later.check()
        until = next((seq for seq in range(size, len(kinds)) if is_seen(kinds[seq])), len(kinds))
        assert later.plans() == ends.setdefault(until, world.cut(until).plans())


def is_seen(kind: str) -> bool:
    return kind.endswith(("Observed", "Deleted"))


def is_at(subject: str, place: tuple[str, str] | str) -> bool:
    return isinstance(place, str) or subject.endswith(f"/{place[1]}/{place[0]}")
