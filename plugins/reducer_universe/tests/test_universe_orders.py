"""Without quotas, what is planned depends on what there is, and not on what came first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

if TYPE_CHECKING:
    from tests.conftest import World

    Object = tuple[str, str, Any, str | None]

PROVIDER = {
    "kind": "openai",
    "baseUrl": "https://models.example.org/v1",
    "model": "large",
    "apiKeySecretRef": {"name": "shared", "key": "key"},
}
BASE = {"role": "worker", "image": {"repository": "ghcr.io/acme/agent", "tag": "v1"}}
INPUT = {"text": "hello"}
UNIVERSES: list[dict[str, Any]] = [
    {"namespaces": ["team-*"]},
    {"namespaces": ["team-a", "elsewhere"], "suspend": True},
    {"namespaces": ["*"], "defaults": {"provider": PROVIDER}},
    {"namespaces": ["team-*"], "defaults": {"resources": {"limits": {"cpu": "2"}}}},
    {"namespaces": ["team-b"], "defaults": {"storageClassName": "fast"}},
    {"namespaces": ["team-*"], "allowed": {"tools": ["files"], "secrets": ["*"]}},
    {"namespaces": ["*"], "allowed": {"images": ["ghcr.io/other/*"]}},
    {"namespaces": ["*"], "allowed": {"runtimeClasses": []}},
    {"namespaces": ["Wrong"]},
]
AGENTS: list[dict[str, Any]] = [
    BASE,
    {**BASE, "tools": {"allow": ["files"]}, "workspace": {"size": "1Gi"}},
    {**BASE, "tools": {"allow": ["shell"]}},
    {**BASE, "provider": PROVIDER},
    {**BASE, "universeRef": "one", "suspend": True},
    {**BASE, "role": "boss"},
]
SESSIONS: list[dict[str, Any]] = [
    {"input": INPUT},
    {"input": INPUT, "workspace": {"kind": "agent"}},
    {"input": INPUT, "workspace": {"kind": "own", "size": "1Gi"}},
    {"input": INPUT, "runtimeClassName": "gvisor"},
]
PLACES = [("a", "team-a"), ("b", "team-b"), ("c", "elsewhere")]
FEW = settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])


@st.composite
def objects(draw: st.DrawFn) -> list[Object]:
    """Return some objects of all kinds, each once, in any order."""
    found: list[Object | None] = []
    for name in ("one", "two", "three"):
        spec = draw(st.none() | st.sampled_from(UNIVERSES))
        found.append(("Universe", name, spec, None) if spec else None)
    for name, namespace in PLACES:
        spec = draw(st.none() | st.sampled_from(AGENTS))
        found.append(("Agent", name, spec, namespace) if spec else None)
        spec = draw(st.none() | st.sampled_from(SESSIONS))
        found.append(("Session", name, {**spec, "agentRef": name}, namespace) if spec else None)
    return draw(st.permutations([each for each in found if each is not None]))


def shown(world: World, listed: list[Object]) -> World:
    for each in listed:
        world.observe(*each)
    return world


def outcome(world: World) -> dict[str, tuple[str, Any]]:
    """Return the plan and the status of each object."""
    return {subject: (plan, world.status(subject)) for subject, plan in world.plans().items()}


@given(listed=objects(), data=st.data())
@FEW
def test_every_order_of_arrival_gives_the_same_plans_and_statuses(
    make_world: type[World], listed: list[Object], data: st.DataObject
) -> None:
    world = shown(make_world(), listed)
    other = shown(make_world(), data.draw(st.permutations(listed)))
    assert outcome(other) == outcome(world)
    other.check()


@given(listed=objects(), data=st.data())
@FEW
def test_what_is_deleted_and_made_again_gives_the_same_plans_and_statuses(
    make_world: type[World], listed: list[Object], data: st.DataObject
) -> None:
    world = shown(make_world(), listed)
    before = outcome(world)
    gone = data.draw(st.permutations(sorted(world.objects)))
    kept = gone[: data.draw(st.integers(0, len(gone)))]
    again = [world.objects[subject] for subject in gone if subject not in kept]
    for subject in gone:
        if subject not in kept:
            world.delete(subject)
    shown(world, data.draw(st.permutations(again)))
    assert outcome(world) == before
    world.check()


@given(listed=objects())
@FEW
def test_what_is_gone_leaves_nothing_behind(make_world: type[World], listed: list[Object]) -> None:
    world = shown(make_world(), listed)
    for subject in sorted(world.objects):
        world.delete(subject)
    assert world.pipeline.state.slices.items() == []
    assert not any(planned.entries for planned in world.pipeline.state.plans.values())
