"""Quotas: who is admitted, what counts, and how much of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.conftest import World

GIB = 2**30


def limited(**amounts: str) -> dict[str, Any]:
    """Return resources with limits."""
    return {"limits": amounts}


def test_who_came_first_in_the_log_is_admitted_whatever_its_name(world: World) -> None:
    world.universe(quotas={"agents": 2})
    agents = [world.agent(name) for name in ("z", "m", "a")]
    assert world.runs(*agents) == [True, True, False]
    message = (
        "metadata.name: asks for 1 of quotas.agents of universe main, which is 2; "
        "it waits until there is room for all of this"
    )
    expected = ("False", "QuotaExceeded", message)
    assert world.condition(agents[2]) == expected


def test_all_its_namespaces_share_a_quota_and_others_do_not(world: World) -> None:
    world.universe(quotas={"agents": 1})
    places = ("team-a", "team-b", "elsewhere")
    agents = [world.agent("worker", namespace) for namespace in places]
    assert world.runs(*agents) == [True, False, True]


@pytest.mark.parametrize(
    ("quotas", "spec", "field"),
    [
        ({"cpu": "1500m"}, {}, "spec.resources.limits.cpu"),
        ({"memory": "1.5Gi"}, {}, "spec.resources.limits.memory"),
        ({"cpu": "3"}, {"resources": limited(cpu="2")}, "spec.resources.limits.cpu"),
        ({"memory": "3Gi"}, {"resources": limited(memory="2Gi")}, "spec.resources.limits.memory"),
    ],
)
def test_compute_is_summed_with_the_defaults_and_the_field_is_named(
    world: World, quotas: dict[str, str], spec: dict[str, Any], field: str
) -> None:
    world.universe(quotas=quotas)
    agents = [world.agent(name, **spec) for name in "ab"]
    assert world.runs(*agents) == [True, False]
    ((name, limit),) = quotas.items()
    assert world.condition(agents[1])[2].startswith(f"{field}: asks for ")
    assert f"quotas.{name} of universe main, which is {limit}" in world.condition(agents[1])[2]


@pytest.mark.parametrize(
    ("resources", "held"),
    [
        ({}, {"cpuMillis": 1_000, "memoryBytes": GIB}),
        (limited(cpu="250m", memory="64Mi"), {"cpuMillis": 250, "memoryBytes": 64 * 2**20}),
        (limited(cpu="0.0001", memory="100m"), {"cpuMillis": 1, "memoryBytes": 1}),
        ({"requests": {"cpu": "4"}}, {"cpuMillis": 4_000, "memoryBytes": GIB}),
        (
            limited(cpu="100000000000E", memory="100000000000E"),
            {"cpuMillis": 2**63 - 1, "memoryBytes": 2**63 - 1},
        ),
    ],
)
def test_what_an_agent_takes_is_counted_rounded_up(
    world: World, resources: dict[str, Any], held: dict[str, int]
) -> None:
    universe = world.universe()
    world.agent(resources=resources)
    assert world.total(universe) == {"agents": 1, **held}
    world.check()


def test_a_universes_own_defaults_count(world: World) -> None:
    universe = world.universe(defaults={"resources": limited(cpu="3")})
    world.agent()
    assert world.total(universe)["cpuMillis"] == 3_000


def test_a_request_counts_where_there_is_no_limit(make_world: type[World]) -> None:
    world = make_world({"resources": {}})
    universe = world.universe(quotas={"cpu": "1"})
    agent = world.agent(resources={"requests": {"cpu": "300m"}})
    assert world.runs(agent) == [True]
    assert world.total(universe) == {"agents": 1, "cpuMillis": 300}


@pytest.mark.parametrize(
    "resources",
    [{}, limited(cpu="0"), {"limits": {"cpu": "0m"}, "requests": {"cpu": "0"}}],
)
def test_a_quota_needs_a_limit_and_zero_is_none_to_kubernetes(
    make_world: type[World], resources: dict[str, Any]
) -> None:
    world = make_world({"resources": {}})
    universe = world.universe(quotas={"cpu": "10"})
    agent = world.agent(resources=resources)
    assert world.runs(agent) == [False]
    assert world.condition(agent)[1:] == (
        "QuotaNeedsLimit",
        "spec.resources.limits.cpu: required above 0 by quotas.cpu of universe main",
    )
    assert world.total(universe) == {}
    world.agent(resources=limited(cpu="1"))
    assert world.runs(agent) == [True]


def test_who_breaks_a_rule_holds_nothing_and_does_not_wait(world: World) -> None:
    universe = world.universe(quotas={"agents": 1}, allowed={"tools": []})
    refused = world.agent("refused", tools={"allow": ["shell"]})
    agent = world.agent("agent")
    assert world.runs(refused, agent) == [False, True]
    assert world.condition(refused)[1] == "ToolNotAllowed"
    assert world.total(universe) == {"agents": 1, "cpuMillis": 1_000, "memoryBytes": GIB}


def test_a_session_counts_and_takes_what_its_agent_takes(world: World) -> None:
    universe = world.universe(quotas={"cpu": "4", "sessions": 5})
    world.agent(resources=limited(cpu="2", memory="1Gi"))
    sessions = [world.session(name) for name in ("b", "a")]
    assert world.runs(*sessions) == [True, False]
    assert world.total(universe) == {
        "agents": 1,
        "cpuMillis": 4_000,
        "memoryBytes": 2 * GIB,
        "sessions": 1,
        "waiting": 1,
    }
    message = world.condition(sessions[1])[2]
    assert "the agent's spec.resources.limits.cpu: asks for 2 of" in message


@pytest.mark.parametrize("condition", ["Complete", "Failed"])
def test_a_session_that_has_ended_gives_its_room_back(world: World, condition: str) -> None:
    universe = world.universe(quotas={"sessions": 1})
    world.agent()
    ends, waits = world.session("ends"), world.session("waits")
    world.job(ends, active=1)
    assert world.runs(ends, waits) == [True, False]
    world.job(ends, conditions=[{"type": condition, "status": "True"}])
    assert world.runs(ends, waits) == [True, True]
    assert world.total(universe)["sessions"] == 1


def test_a_session_holds_nothing_while_its_agent_is_missing_or_refused(world: World) -> None:
    universe = world.universe(quotas={"sessions": 1, "agents": 1})
    orphan = world.session("orphan", "missing")
    world.agent("first")
    world.agent("waits")
    idle = world.session("idle", "waits")
    assert world.total(universe).get("sessions", 0) == 0
    assert world.condition(idle)[0] == "True"
    runs = world.session("runs", "first")
    assert world.runs(orphan, idle, runs) == [False, False, True]
    world.delete("universe.ai/Agent/team-a/first")
    assert world.runs(idle, runs) == [True, False]
    assert world.total(universe)["sessions"] == 1


def test_in_several_universes_there_must_be_room_in_each(world: World) -> None:
    wide = world.universe("wide", quotas={"agents": 3})
    narrow = world.universe("narrow", namespaces=["team-b"], quotas={"agents": 1})
    agents = [world.agent(name, "team-b") for name in "ab"]
    assert world.runs(*agents) == [True, False]
    assert "quotas.agents of universe narrow, which is 1" in world.condition(agents[1])[2]
    assert [world.total(each)["agents"] for each in (wide, narrow)] == [1, 1]
    world.agent("c", "team-a")
    assert world.runs(world.agent("d", "team-a")) == [True]
    assert world.total(wide)["agents"] == 3
