"""Universes that share namespaces, and universes that are asked for by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.conftest import World

DIGEST = f"sha256:{'a' * 64}"
ACME = "ghcr.io/acme/agent"


@pytest.mark.parametrize("first", ["a", "b"])
def test_of_every_rule_the_strictest_applies_whichever_universe_came_first(
    world: World, first: str
) -> None:
    rules = {
        "a": {"images": ["ghcr.io/acme/*"], "tools": ["files", "fetch"]},
        "b": {"images": ["@sha256:*"], "tools": ["fetch", "shell"]},
    }
    for name in sorted(rules, key=lambda name: name != first):
        world.universe(name, allowed=rules[name])
    agents = {
        world.agent("tagged", image={"repository": ACME, "tag": "v1"}): False,
        world.agent("foreign", image={"repository": "evil.example/a", "tag": DIGEST}): False,
        world.agent("pinned", image={"repository": ACME, "tag": DIGEST}): True,
        world.agent(
            "reads", image={"repository": ACME, "tag": DIGEST}, tools={"allow": ["files"]}
        ): False,
        world.agent(
            "fetches", image={"repository": ACME, "tag": DIGEST}, tools={"allow": ["fetch"]}
        ): True,
    }
    assert {agent: world.runs(agent)[0] for agent in agents} == agents


def test_every_universe_whose_rule_is_broken_is_named(world: World) -> None:
    for name in "ab":
        world.universe(name, allowed={"tools": []})
    _, _, message = world.condition(world.agent(tools={"allow": ["shell"]}))
    assert [f"universe {name}" in message for name in "ab"] == [True, True]


@pytest.mark.parametrize(
    ("one", "other", "overlaps"),
    [
        (["team-*"], ["team-a"], True),
        (["team-*"], ["team-a*"], True),
        (["*"], ["lab"], True),
        (["lab", "team-a"], ["team-a", "x"], True),
        (["team-a"], ["team-b"], False),
        (["team-a*"], ["team-b*"], False),
        (["team"], ["team-*"], False),
    ],
)
def test_universes_that_may_share_a_namespace_both_say_so(
    world: World, one: list[str], other: list[str], overlaps: bool
) -> None:
    universes = [world.universe("one", namespaces=one), world.universe("other", namespaces=other)]
    for universe, name in zip(universes, ("other", "one"), strict=True):
        kinds = [condition["type"] for condition in world.status(universe)["conditions"]]
        assert ("Overlapping" in kinds) is overlaps
        if overlaps:
            status, _, message = world.condition(universe, "Overlapping")
            assert status == "True"
            assert message.startswith(f"spec.namespaces: {name} may govern")


def test_a_universe_that_is_gone_or_refused_overlaps_nobody(world: World) -> None:
    one, other = world.universe("one"), world.universe("other", namespaces=["Wrong"])
    assert [each["type"] for each in world.status(one)["conditions"]] == ["Accepted"]
    world.universe("other")
    assert world.condition(one, "Overlapping")[0] == "True"
    world.delete(other)
    assert [each["type"] for each in world.status(one)["conditions"]] == ["Accepted"]


def test_a_universe_governs_whether_it_is_named_or_not(world: World) -> None:
    world.universe(allowed={"tools": []})
    tools = {"allow": ["shell"]}
    unnamed = world.agent("unnamed", tools=tools)
    named = world.agent("named", universeRef="main", tools=tools)
    fits = world.agent("fits", universeRef="main")
    assert world.runs(unnamed, named, fits) == [False, False, True]


def test_who_names_a_universe_that_does_not_govern_it_is_refused_until_it_does(
    world: World,
) -> None:
    agent = world.agent(universeRef="wanted")
    assert world.condition(agent)[1:] == (
        "UniverseMismatch",
        (
            "spec.universeRef: universe wanted does not govern namespace team-a "
            "(none is there that would)"
        ),
    )
    world.universe("other")
    assert world.condition(agent)[2].endswith("team-a (other would)")
    wanted = world.universe("wanted", namespaces=["lab"])
    assert world.runs(agent) == [False]
    world.universe("wanted", namespaces=["lab", "team-a"])
    assert world.runs(agent) == [True]
    world.delete(wanted)
    assert world.runs(agent) == [False]
    world.check()


def test_who_names_a_universe_is_told_nothing_of_others_that_do_not_concern_it(
    world: World,
) -> None:
    world.agent(universeRef="wanted")
    world.told()
    world.universe("elsewhere", namespaces=["lab"])
    assert world.told() == [("UniverseObserved", "elsewhere")]
