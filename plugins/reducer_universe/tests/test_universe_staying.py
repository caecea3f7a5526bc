"""Who was admitted stays: nobody is evicted but by asking for more, or for something else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.conftest import World


def limited(**amounts: str) -> dict[str, Any]:
    """Return resources with limits."""
    return {"limits": amounts}


def test_a_lowered_quota_evicts_nobody_and_writes_nothing(world: World) -> None:
    world.universe(quotas={"agents": 3, "cpu": "3", "memory": "3Gi"})
    agents = [world.agent(name) for name in "abc"]
    world.told()
    world.universe(quotas={"agents": 1, "cpu": "0", "memory": "1"})
    assert world.told() == [("UniverseObserved", "main")]
    assert world.runs(*agents) == [True] * 3
    world.agent("a", tools={"allow": ["files"]})
    assert world.runs(*agents) == [True] * 3


def test_a_universe_that_comes_late_evicts_nobody_and_lets_nobody_else_in(world: World) -> None:
    agents = [world.agent(name) for name in "ab"]
    session = world.session("run", "a")
    universe = world.universe(quotas={"agents": 1, "sessions": 0, "cpu": "1"})
    assert world.runs(*agents, session) == [True] * 3
    late = world.agent("c")
    assert world.runs(late) == [False]
    world.universe(quotas={"agents": 1, "sessions": 0, "cpu": "2"})
    assert world.runs(*agents, session, late) == [True, True, True, False]
    assert world.total(universe)["agents"] == 2
    world.check()


def test_a_second_universe_that_comes_late_evicts_nobody(world: World) -> None:
    world.universe("first", quotas={"agents": 5})
    agents = [world.agent(name) for name in "ab"]
    world.universe("second", quotas={"agents": 1})
    assert world.runs(*agents, world.agent("c")) == [True, True, False]


def test_who_ran_without_a_limit_stays_until_it_drops_one(make_world: type[World]) -> None:
    world = make_world({"resources": {}})
    without = world.agent("without")
    drops = world.agent("drops", resources=limited(cpu="1"))
    world.universe(quotas={"cpu": "1"})
    world.universe(quotas={"cpu": "1"}, allowed={"tools": []})
    world.agent("without", resources=limited(memory="1Gi"))
    assert world.runs(without, drops) == [True, True]
    world.agent("drops")
    assert world.runs(without, drops) == [True, False]
    assert world.condition(drops)[1] == "QuotaNeedsLimit"


def test_who_waits_and_drops_its_limit_is_told_so(make_world: type[World]) -> None:
    world = make_world({"resources": {}})
    universe = world.universe(quotas={"cpu": "1"})
    holds, waits = (world.agent(name, resources=limited(cpu="1")) for name in ("holds", "waits"))
    world.agent("waits")
    assert world.condition(waits)[1] == "QuotaNeedsLimit"
    world.delete(holds)
    assert world.runs(waits) == [False]
    assert world.total(universe) == {}


def test_larger_defaults_of_a_universe_evict_nobody(world: World) -> None:
    universe = world.universe(quotas={"cpu": "6"})
    agents = [world.agent(name) for name in "abc"]
    states = world.agent("states", resources=limited(cpu="2"))
    session = world.session("run", "a")
    defaults = {"resources": limited(cpu="2")}
    world.universe(quotas={"cpu": "6"}, defaults=defaults)
    assert world.runs(*agents, states, session) == [True] * 5
    assert world.total(universe)["cpuMillis"] == 10_000
    assert world.runs(world.agent("late", resources=limited(cpu="1m"))) == [False]
    world.agent("a", resources=limited(cpu="3"))
    world.agent("b", tools={"allow": ["files"]})
    assert world.runs(*agents, states) == [False, True, True, True]
    world.check()


def test_larger_or_missing_defaults_of_the_settings_evict_nobody(make_world: type[World]) -> None:
    world = make_world()
    world.universe(quotas={"cpu": "2"})
    agents = [world.agent(name) for name in "ab"]
    for resources in (limited(cpu="5"), {}):
        later = make_world({"resources": resources})
        later.history = list(world.history)
        later.resume()
        assert later.runs(*agents, later.agent("late")) == [True, True, False]


def test_who_asks_for_more_needs_room_for_it(world: World) -> None:
    universe = world.universe(quotas={"cpu": "4"})
    grows, other = (world.agent(name, resources=limited(cpu="1")) for name in ("grows", "other"))
    world.agent("grows", resources=limited(cpu="3"))
    assert world.runs(grows, other) == [True, True]
    assert world.total(universe)["cpuMillis"] == 4_000
    world.agent("grows", resources=limited(cpu="3001m"))
    assert world.runs(grows, other) == [False, True]
    assert "asks for 3001m of quotas.cpu" in world.condition(grows)[2]
    world.told()
    world.resume()
    world.universe("beside", namespaces=["elsewhere"])
    assert world.told() == [("EpochStarted", ""), ("UniverseObserved", "beside")]


def test_who_asks_for_less_keeps_its_place_although_the_quota_is_lower_by_now(
    world: World,
) -> None:
    universe = world.universe(quotas={"cpu": "4"})
    agent = world.agent(resources=limited(cpu="4"))
    world.universe(quotas={"cpu": "1"})
    world.agent(resources=limited(cpu="3"))
    assert world.runs(agent) == [True]
    assert world.total(universe)["cpuMillis"] == 3_000
    world.agent(resources=limited(cpu="3500m"))
    assert world.runs(agent) == [False]


@pytest.mark.parametrize("who", ["agent", "universe"])
def test_who_is_suspended_keeps_its_hold(world: World, who: str) -> None:
    universe = world.universe(quotas={"agents": 1})
    agent, waits = world.agent("a"), world.agent("b")
    if who == "agent":
        world.agent("a", suspend=True)
    else:
        world.universe(quotas={"agents": 1}, suspend=True)
    assert world.status(agent)["phase"] == "Suspended"
    assert world.runs(agent, waits) == [True, False]
    assert world.total(universe)["agents"] == 1


def test_a_session_of_a_suspended_agent_keeps_its_hold(world: World) -> None:
    universe = world.universe(quotas={"sessions": 1})
    world.agent()
    world.session()
    world.agent(suspend=True)
    assert world.total(universe)["sessions"] == 1


def test_a_limit_of_zero_gets_nobody_past_a_quota(world: World) -> None:
    """Kubernetes takes it for none at all."""
    universe = world.universe(quotas={"cpu": "2", "memory": "4Gi"})
    agent = world.agent()
    world.agent(resources=limited(cpu="0", memory="0"))
    assert world.runs(agent) == [False]
    assert world.condition(agent)[1] == "QuotaNeedsLimit"
    assert world.total(universe) == {}


def test_a_request_in_place_of_a_limit_is_another_wish(world: World) -> None:
    """The default limit is larger than the one that was admitted."""
    world.universe(quotas={"cpu": "4"}, defaults={"resources": limited(cpu="4")})
    agents = [world.agent(name, resources=limited(cpu="1")) for name in "abcd"]
    assert world.runs(*agents) == [True] * 4
    for name in "abcd":
        world.agent(name, resources={"requests": {"cpu": "1"}})
    assert sum(world.runs(*agents)) <= 1
