"""Defaults: what a universe gives to agents and sessions that do not state it themselves."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.conftest import World

PROVIDER = {
    "kind": "openai",
    "baseUrl": "https://models.example.org/v1",
    "model": "large",
    "apiKeySecretRef": {"name": "shared", "key": "key"},
}


def told_spec(world: World, subject: str) -> Any:
    """Return the spec that the pods of a subject are told."""
    return json.loads(world.body(subject, "ConfigMap")["data"]["spec.json"])


def storage_class(world: World, subject: str) -> str | None:
    claim: dict[str, Any] = world.body(subject, "PersistentVolumeClaim")["spec"]
    return claim.get("storageClassName")


def limits(world: World, agent: str) -> Any:
    (container,) = world.body(agent, "Deployment")["spec"]["template"]["spec"]["containers"]
    return container["resources"]["limits"]


def test_an_agent_without_provider_gets_the_default_with_its_secret(world: World) -> None:
    world.universe(defaults={"provider": PROVIDER})
    agent = world.agent()
    assert told_spec(world, agent)["provider"] == PROVIDER
    (container,) = world.body(agent, "Deployment")["spec"]["template"]["spec"]["containers"]
    (key,) = [entry for entry in container["env"] if entry["name"] == "RYNXS_PROVIDER_API_KEY"]
    assert key["valueFrom"]["secretKeyRef"] == {"name": "shared", "key": "key"}


def test_the_defaults_secret_may_be_used_through_the_default_only(world: World) -> None:
    world.universe(defaults={"provider": PROVIDER})
    same = world.agent("same", provider=PROVIDER)
    own = world.agent("own", provider={**PROVIDER, "baseUrl": "https://evil.example"})
    assert world.runs(same, own) == [False, False]
    for agent in (same, own):
        assert world.condition(agent)[1] == "SecretNotAllowed"
    world.universe(defaults={"provider": PROVIDER}, allowed={"secrets": ["shared"]})
    assert world.runs(same, own) == [True, True]


def test_a_session_may_use_the_default_of_its_agent_before_and_after_its_start(
    world: World,
) -> None:
    world.universe(defaults={"provider": PROVIDER})
    world.agent()
    session = world.session()
    before = world.plans()[session]
    world.job(session, active=1)
    assert world.runs(session) == [True]
    assert world.plans()[session] == before


def test_a_default_that_another_universe_gives_must_be_allowed_by_this_one(world: World) -> None:
    world.universe("gives", defaults={"provider": PROVIDER})
    world.universe("strict")
    agent = world.agent()
    _, reason, message = world.condition(agent)
    assert (world.runs(agent), reason) == ([False], "SecretNotAllowed")
    assert "universe strict" in message
    assert "universe gives" not in message
    world.universe("strict", allowed={"secrets": ["shared"]})
    assert world.runs(agent) == [True]
    world.universe("strict", defaults={"provider": PROVIDER})
    assert world.runs(agent) == [True]


def test_a_provider_without_a_secret_needs_no_leave(world: World) -> None:
    world.universe("gives", defaults={"provider": {**PROVIDER, "apiKeySecretRef": None}})
    world.universe("strict")
    assert world.runs(world.agent()) == [True]


def test_of_several_defaults_the_first_universe_by_name_gives_it(world: World) -> None:
    for name in "cba":
        resources = {"limits": {"cpu": {"a": "1", "b": "2", "c": "3"}[name]}}
        world.universe(name, defaults={"storageClassName": f"class-{name}", "resources": resources})
    agent = world.agent(workspace={"size": "1Gi"})
    assert storage_class(world, agent) == "class-a"
    assert limits(world, agent)["cpu"] == "1"
    world.delete("universe.ai/Universe/a")
    assert storage_class(world, agent) == "class-b"
    assert limits(world, agent)["cpu"] == "2"


def test_the_storage_class_is_given_to_whom_states_none(world: World) -> None:
    world.universe(defaults={"storageClassName": "fast"})
    classes = {
        world.agent("plain", workspace={"size": "1Gi"}): "fast",
        world.agent("own", workspace={"size": "1Gi", "storageClassName": "slow"}): "slow",
        world.agent("none", workspace={"size": "1Gi", "storageClassName": ""}): "",
        world.session("run", "plain", workspace={"kind": "own", "size": "1Gi"}): "fast",
    }
    assert {each: storage_class(world, each) for each in classes} == classes
    assert world.agent("without") in world.plans()
    shared = world.session("shared", "plain", workspace={"kind": "agent"})
    assert not any("PersistentVolumeClaim" in each for each in world.ids(shared))


def test_resources_come_from_the_spec_then_the_universe_then_the_settings(
    make_world: type[World],
) -> None:
    world = make_world({"resources": {"limits": {"cpu": "1", "memory": "1Gi", "a.example/x": 1}}})
    world.universe(defaults={"resources": {"limits": {"cpu": "2", "memory": "2Gi"}}})
    agent = world.agent(resources={"limits": {"cpu": "3"}})
    assert limits(world, agent) == {"a.example/x": "1", "cpu": "3", "memory": "2Gi"}


def test_a_default_never_contradicts_what_an_agent_states(world: World) -> None:
    resources = {"requests": {"cpu": "2"}, "limits": {"cpu": "3", "memory": "1Gi"}}
    world.universe(defaults={"resources": resources})
    small = world.agent("small", resources={"limits": {"cpu": "1"}})
    large = world.agent("large", resources={"requests": {"memory": "4Gi"}})
    assert told_spec(world, small)["resources"]["requests"]["cpu"] == "1"
    assert limits(world, large)["memory"] == "4Gi"


def test_a_session_goes_on_with_the_provider_that_it_was_given(world: World) -> None:
    world.universe(defaults={"provider": PROVIDER})
    world.agent()
    session = world.session()
    world.job(session, active=1)
    world.universe(defaults={"provider": {**PROVIDER, "model": "newer"}})
    assert world.runs(session) == [True]
    world.universe()
    assert world.runs(session) == [True]
