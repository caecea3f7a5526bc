"""Who waits for room: whom it goes to, and how little is written about it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.conftest import World

WAITING = 200


def limited(cpu: str) -> dict[str, Any]:
    return {"resources": {"limits": {"cpu": cpu}}}


def crowd(world: World, namespace: str = "team-a") -> list[str]:
    """Observe agents, all of which are to wait; forget what was recorded of that."""
    waiting = [world.agent(f"w{number:03}", namespace) for number in range(WAITING)]
    assert not any(world.runs(*waiting))
    world.told()
    return waiting


def kinds(world: World) -> dict[str, int]:
    """Return how many records of each kind were made since this was last asked."""
    told = [kind for kind, _ in world.told()]
    return {kind: told.count(kind) for kind in sorted(set(told))}


def test_what_is_given_back_goes_to_who_waits_longest(world: World) -> None:
    world.universe(quotas={"agents": 1})
    first, *waiting = (world.agent(name) for name in ("first", "z", "a", "m"))
    world.told()
    for place in range(3):
        world.delete([first, *waiting][place])
        assert world.runs(*waiting[place:]) == [True, *[False] * (2 - place)]
    world.check()


def test_a_release_tells_who_leaves_and_who_enters(world: World) -> None:
    world.universe(quotas={"agents": 1})
    first = world.agent("first")
    world.agent("second")
    world.agent("third")
    world.told()
    world.delete(first)
    assert world.told() == [
        ("AgentDeleted", "first"),
        ("Judged", "first"),
        ("Planned", "first"),
        ("Judged", "second"),
        ("Planned", "second"),
    ]


def test_much_that_is_given_back_lets_in_as_many_as_fit(world: World) -> None:
    world.universe(quotas={"cpu": "4"})
    large = world.agent("large", **limited("4"))
    waiting = [
        world.agent(name, **limited(cpu)) for name, cpu in (("c", "3"), ("b", "2"), ("a", "1"))
    ]
    world.delete(large)
    assert world.runs(*waiting) == [True, False, True]


def test_a_raised_quota_serves_in_the_same_order(world: World) -> None:
    world.universe(quotas={"agents": 0})
    waiting = [world.agent(name) for name in ("c", "a", "b")]
    world.universe(quotas={"agents": 2})
    assert world.runs(*waiting) == [True, True, False]


def test_who_shrinks_makes_room(world: World) -> None:
    world.universe(quotas={"cpu": "2"})
    shrinks, waits = world.agent("shrinks", **limited("2")), world.agent("waits", **limited("1"))
    world.agent("shrinks", **limited("1"))
    assert world.runs(shrinks, waits) == [True, True]


def test_who_is_refused_by_a_new_rule_makes_room(world: World) -> None:
    world.universe(quotas={"agents": 1})
    refused, waits = world.agent("refused", tools={"allow": ["shell"]}), world.agent("waits")
    world.universe(quotas={"agents": 1}, allowed={"tools": []})
    assert world.runs(refused, waits) == [False, True]


def test_who_leaves_the_queue_is_not_served(world: World) -> None:
    universe = world.universe(quotas={"agents": 1})
    first, gone, last = (world.agent(name) for name in ("first", "gone", "last"))
    world.delete(gone)
    world.delete(first)
    assert world.runs(last) == [True]
    assert "waiting" not in world.total(universe)


@pytest.mark.parametrize("grown", ["2", "3"])
def test_a_place_in_the_queue_is_from_when_one_began_to_wait(world: World, grown: str) -> None:
    world.universe(quotas={"cpu": "5"})
    early, holds = world.agent("early", **limited("1")), world.agent("holds", **limited("4"))
    waits = world.agent("waits", **limited("3"))
    world.agent("early", **limited(grown))
    assert world.runs(early, holds, waits) == [False, True, False]
    world.delete(holds)
    assert world.runs(waits) == [True]
    assert world.runs(early) == [grown == "2"]


def test_agents_are_served_before_sessions(world: World) -> None:
    world.universe(quotas={"cpu": "2"})
    blocks = world.agent("blocks", **limited("1"))
    world.agent("runs", **limited("1"))
    session = world.session("run", "runs")
    agent = world.agent("waits", **limited("1"))
    world.delete(blocks)
    assert world.runs(agent, session) == [True, False]


def test_an_arrival_writes_of_itself_only(world: World) -> None:
    world.universe(quotas={"agents": 1, "cpu": "10"})
    world.agent("holds")
    crowd(world)
    world.agent("arrives")
    assert kinds(world) == {"AgentObserved": 1, "Judged": 1}
    world.agent("outside", "elsewhere")
    assert kinds(world) == {"AgentObserved": 1, "Planned": 1}


@pytest.mark.parametrize(
    "quotas",
    [
        {"agents": 1},
        {"cpu": "1"},
        {"memory": "1Gi"},
        {"agents": 1, "sessions": 0},
        {"agents": 1, "cpu": "1500m", "memory": "1.5Gi"},
    ],
)
def test_a_release_writes_of_who_leaves_and_who_enters_only(
    world: World, quotas: dict[str, Any]
) -> None:
    world.universe(quotas=quotas)
    holds = world.agent("holds")
    waiting = crowd(world)
    world.delete(holds)
    assert kinds(world) == {"AgentDeleted": 1, "Judged": 2, "Planned": 2}
    assert world.runs(*waiting) == [True, *[False] * (WAITING - 1)]


def test_a_release_that_helps_nobody_writes_of_nobody_else(world: World) -> None:
    """One quota gets room while another has none, and the other way round."""
    world.universe(quotas={"agents": 3, "cpu": "3"})
    _, slim, other = (
        world.agent(name, **limited(cpu))
        for name, cpu in (("fat", "2"), ("slim", "500m"), ("other", "500m"))
    )
    waiting = crowd(world)
    world.delete(slim)
    assert kinds(world) == {"AgentDeleted": 1, "Judged": 1, "Planned": 1}
    world.agent("small", **limited("250m"))
    assert kinds(world) == {"AgentObserved": 1, "Judged": 1, "Planned": 1}
    world.agent("other", **limited("250m"))
    assert kinds(world) == {"AgentObserved": 1, "Judged": 1, "Planned": 1}
    world.delete(other)
    assert kinds(world) == {"AgentDeleted": 1, "Judged": 1, "Planned": 1}
    assert not any(world.runs(*waiting))


def test_a_release_in_one_of_several_universes_writes_of_nobody_else(world: World) -> None:
    world.universe("wide", quotas={"agents": 2})
    world.universe("narrow", namespaces=["team-b"], quotas={"agents": 1})
    away, holds = world.agent("away", "team-a"), world.agent("holds", "team-b")
    waiting = crowd(world, "team-b")
    world.delete(away)
    assert kinds(world) == {"AgentDeleted": 1, "Judged": 1, "Planned": 1}
    world.delete(holds)
    assert kinds(world) == {"AgentDeleted": 1, "Judged": 2, "Planned": 2}
    assert world.runs(*waiting[:2]) == [True, False]
    world.agent("away", "team-a")
    assert kinds(world) == {"AgentObserved": 1, "Judged": 1, "Planned": 1}


def test_the_end_of_a_session_writes_of_it_and_of_who_enters(world: World) -> None:
    world.universe(quotas={"sessions": 1})
    world.agent()
    ends = world.session("ends")
    waiting = [world.session(f"w{number:03}") for number in range(WAITING)]
    world.told()
    world.end(ends)
    counted = kinds(world)
    assert counted["Judged"] == 2
    assert sum(counted.values()) <= 6
    assert world.runs(*waiting) == [True, *[False] * (WAITING - 1)]
    world.check()


def test_who_waits_is_told_every_quota_that_it_asks(world: World) -> None:
    world.universe("a", quotas={"agents": 0, "cpu": "10"})
    world.universe("b", quotas={"memory": "1Ti"})
    _, reason, message = world.condition(world.agent())
    assert reason == "QuotaExceeded"
    assert message == (
        "metadata.name: asks for 1 of quotas.agents of universe a, which is 0; "
        "spec.resources.limits.cpu: asks for 1 of quotas.cpu of universe a, which is 10; "
        "spec.resources.limits.memory: asks for 1Gi of quotas.memory of universe b, which is 1Ti; "
        "it waits until there is room for all of this"
    )
