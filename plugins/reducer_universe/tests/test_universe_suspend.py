"""The kill switch: one field of a universe stops all that it governs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.conftest import World


def is_stopped(world: World, subject: str) -> bool:
    """Tell whether a subject has no pod, as its network is then closed, and open otherwise."""
    kinds = {manifest.split("/")[-3] for manifest in world.ids(subject)}
    if "Job" in kinds:
        stopped = bool(world.body(subject, "Job")["spec"]["suspend"])
    else:
        stopped = not world.body(subject, "Deployment")["spec"]["replicas"]
    policy: dict[str, Any] = world.body(subject, "NetworkPolicy")["spec"]
    assert policy["policyTypes"] == ["Ingress", "Egress"]
    assert bool(policy["egress"]) is not stopped
    assert not (stopped and (policy["ingress"] or "CiliumNetworkPolicy" in kinds))
    return stopped


def settled(make_world: type[World]) -> tuple[World, list[str]]:
    world = make_world({"hostNames": "cilium"})
    world.universe()
    egress = {"allowEgressTo": ["10.0.0.0/8", "api.example.com"]}
    agents = [
        world.agent("worker", "team-a", network=egress),
        world.agent("stores", "team-b", workspace={"size": "1Gi"}),
        world.agent("names", "team-b", universeRef="main", resources={"limits": {"cpu": "2"}}),
    ]
    sessions = [world.session("waits"), world.session("runs")]
    world.job(sessions[1], active=1)
    return world, [*agents, *sessions]


def test_one_switch_stops_every_workload_and_closes_its_network(make_world: type[World]) -> None:
    world, subjects = settled(make_world)
    assert [is_stopped(world, each) for each in subjects] == [False] * 5
    universe = world.universe(suspend=True)
    assert [is_stopped(world, each) for each in subjects] == [True] * 5
    assert world.status(universe)["phase"] == "Suspended"
    for subject in subjects:
        status, reason, message = world.condition(subject, "Suspended")
        assert (status, reason) == ("True", "UniverseSuspended")
        assert "universe main" in message
        assert world.status(subject)["phase"] == "Suspended"


def test_resuming_returns_to_the_same_plans(make_world: type[World]) -> None:
    world, subjects = settled(make_world)
    before = world.plans()
    world.universe(suspend=True)
    assert all(world.plans()[subject] != before[subject] for subject in subjects)
    world.universe()
    assert world.plans() == before
    world.check()


def test_the_switch_writes_a_verdict_and_a_plan_of_each_and_nothing_of_others(
    make_world: type[World],
) -> None:
    world, subjects = settled(make_world)
    world.agent("outside", "elsewhere")
    world.told()
    world.universe(suspend=True)
    told = world.told()
    names = {subject.rpartition("/")[2] for subject in subjects}
    assert told[0] == ("UniverseObserved", "main")
    assert {name for kind, name in told[1:]} == names
    for kind in ("Judged", "Planned"):
        assert sorted(name for each, name in told if each == kind) == sorted(names)


def test_who_comes_while_it_is_off_does_not_start(world: World) -> None:
    world.universe(suspend=True)
    agent = world.agent()
    session = world.session()
    assert [is_stopped(world, each) for each in (agent, session)] == [True, True]


def test_one_of_several_universes_is_enough_and_all_must_resume(world: World) -> None:
    agent = world.agent()
    for name in "ab":
        world.universe(name, suspend=True)
    assert "universe a, b" in world.condition(agent, "Suspended")[2]
    world.universe("a")
    assert is_stopped(world, agent)
    world.universe("b")
    assert not is_stopped(world, agent)


@pytest.mark.parametrize("phase", ["Complete", "Failed"])
def test_a_session_that_has_ended_is_left_as_it_is(world: World, phase: str) -> None:
    world.universe()
    world.agent()
    session = world.session()
    world.job(session, conditions=[{"type": phase, "status": "True"}])
    before = world.plans()[session]
    world.universe(suspend=True)
    assert world.plans()[session] == before


def test_who_is_refused_stays_refused(world: World) -> None:
    world.universe(allowed={"tools": []}, suspend=True)
    agent = world.agent(tools={"allow": ["shell"]})
    assert world.runs(agent) == [False]
    assert world.condition(agent)[1] == "ToolNotAllowed"


def test_resuming_does_not_start_who_is_suspended_by_its_own_spec(world: World) -> None:
    world.universe(suspend=True)
    agent = world.agent(suspend=True)
    world.universe()
    assert is_stopped(world, agent)
