"""What a change of a universe leads to: records of whom it concerns, and of nobody else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.conftest import World

STATED = {
    "limits": {"cpu": "1", "memory": "1Gi"},
    "requests": {"cpu": "1", "memory": "1Gi"},
}


@pytest.mark.parametrize(
    ("change", "replanned"),
    [
        ({"defaults": {"resources": {"limits": {"cpu": "2"}}}}, ["plain", "run"]),
        ({"defaults": {"storageClassName": "fast"}}, ["stores"]),
        ({"allowed": {"images": ["ghcr.io/acme/*"]}}, []),
        ({"allowed": {"images": ["ghcr.io/acme/agent:v1"]}}, ["pinned"]),
        ({"allowed": {"egress": ["10.0.0.0/8"]}}, []),
        ({"quotas": {"agents": 100, "sessions": 100, "cpu": "100", "memory": "100Gi"}}, []),
        ({"quotas": {"agents": 0, "sessions": 0, "cpu": "0", "memory": "0"}}, []),
        ({"namespaces": ["team-*", "lab"]}, []),
    ],
)
def test_a_changed_universe_replans_exactly_those_whose_plan_it_changes(
    world: World, change: dict[str, Any], replanned: list[str]
) -> None:
    world.universe()
    world.agent("plain")
    world.agent("stores", resources=STATED, workspace={"size": "1Gi"})
    world.agent(
        "pinned",
        resources=STATED,
        image={"repository": "ghcr.io/acme/agent", "tag": f"v1@sha256:{'a' * 64}"},
        network={"allowEgressTo": ["10.0.0.1"]},
    )
    world.agent("outside", "elsewhere")
    world.session("run", "plain")
    before = world.plans()
    world.told()
    world.universe(**change)
    told = world.told()
    assert [name for kind, name in told if kind == "Planned"] == replanned
    assert {name for kind, name in told if kind == "Judged"} <= set(replanned)
    changed = [subject for subject, plan in world.plans().items() if plan != before[subject]]
    assert sorted(subject.rpartition("/")[2] for subject in changed) == sorted(replanned)
    world.check()


def test_what_is_observed_again_appends_nothing(world: World) -> None:
    world.universe(quotas={"agents": 1})
    world.agent("first")
    world.agent("waits")
    world.session("run", "first")
    world.told()
    world.sync(dict(world.objects))
    world.resume()
    assert world.told() == []


@pytest.mark.parametrize("wrong", [{"quotas": {"agents": -1}}, {"namespaces": []}, {"alowed": {}}])
def test_an_invalid_change_keeps_the_rules_accepted_before_and_says_so(
    world: World, wrong: dict[str, Any]
) -> None:
    universe = world.universe(allowed={"tools": []})
    agent = world.agent(tools={"allow": ["shell"]})
    world.told()
    world.universe(**wrong)
    assert world.told() == [("UniverseObserved", "main")]
    assert world.runs(agent) == [False]
    status, reason, message = world.condition(universe)
    assert (status, reason) == ("False", "Invalid")
    assert message.startswith("spec.")
    assert message.endswith("the spec accepted before still governs")
    assert world.status(universe)["phase"] == "Active"
    world.universe()
    assert world.runs(agent) == [True]
    assert world.condition(universe) == ("True", "Valid", "")


def test_a_universe_that_was_never_valid_governs_nobody(world: World) -> None:
    universe = world.universe(namespaces=["Wrong"], suspend=True)
    assert world.runs(world.agent()) == [True]
    assert world.status(universe)["phase"] == "Refused"
    assert "still governs" not in world.condition(universe)[2]


def test_a_universe_that_is_made_anew_does_not_inherit_the_spec_of_the_one_before(
    world: World,
) -> None:
    world.delete(world.universe(allowed={"tools": []}))
    world.universe(namespaces=["Wrong"])
    assert world.runs(world.agent(tools={"allow": ["shell"]})) == [True]


def test_deleting_a_universe_frees_whom_it_governed(world: World) -> None:
    agent = world.agent("free", tools={"allow": ["shell"]})
    session = world.session("run", "free")
    before = world.plans()
    universe = world.universe(
        allowed={"tools": []},
        defaults={"resources": {"limits": {"cpu": "9"}}},
        quotas={"sessions": 0},
        suspend=True,
    )
    assert world.runs(agent, session) == [False, False]
    world.delete(universe)
    assert world.plans() == before
    assert [each["type"] for each in world.status(agent)["conditions"]] == ["Accepted"]
    assert world.total(universe) == {}
    world.check()


def test_leaving_a_namespace_frees_who_is_in_it(world: World) -> None:
    universe = world.universe(namespaces=["team-a", "team-b"], suspend=True)
    stays, leaves = world.agent("stays", "team-a"), world.agent("leaves", "team-b")
    world.told()
    world.universe(namespaces=["team-a"], suspend=True)
    assert world.told() == [
        ("UniverseObserved", "main"),
        ("Judged", "leaves"),
        ("Planned", "leaves"),
    ]
    assert [world.status(each)["phase"] for each in (stays, leaves)] == ["Suspended", "Active"]
    assert world.total(universe)["agents"] == 1


def test_a_universe_counts_what_it_has_accepted(world: World) -> None:
    universe = world.universe(allowed={"tools": []})
    for name in "ab":
        world.agent(name)
    world.agent("refused", tools={"allow": ["shell"]})
    world.agent("elsewhere", "lab")
    world.session("run", "a")
    world.end(world.session("done", "a"))
    status = world.status(universe)
    assert (status["agents"], status["sessions"]) == (2, 1)


def test_a_label_of_a_universe_changes_nothing_for_whom_it_governs(world: World) -> None:
    universe = world.universe(quotas={"agents": 1})
    world.agent("a")
    world.agent("b")
    world.told()
    world.observe(*world.objects[universe], labels={"a": "b"})
    assert world.told() == [("UniverseObserved", "main")]
