"""What a session asks for: its Job, what that is told, and how the spec stands in it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import World

LARGEST_INPUT = "\N{OX}" * 196_608
CONFIG_MAP_BYTES_MAX = 1024 * 1024


def test_everything_a_pod_needs_and_is_confined_by_comes_before_it(world: World) -> None:
    world.agent()
    assert list(world.session(workspace={"kind": "own", "size": "1Gi"})) == [
        "ConfigMap",
        "PersistentVolumeClaim",
        "NetworkPolicy",
        "Job",
    ]


@pytest.mark.parametrize(
    ("stated", "field", "value"),
    [
        ({}, "backoffLimit", 0),
        ({"retries": 3}, "backoffLimit", 3),
        ({}, "activeDeadlineSeconds", 3_600),
        ({"timeout": "1d2h3m4s"}, "activeDeadlineSeconds", 93_784),
        ({}, "suspend", False),
        ({"suspend": True}, "suspend", True),
    ],
)
def test_the_spec_stands_in_the_job(
    world: World, stated: dict[str, Any], field: str, value: Any
) -> None:
    world.agent()
    assert world.session(**stated)["Job"]["spec"][field] == value


def test_the_job_is_not_left_to_the_cluster_to_collect(world: World) -> None:
    """A Job that went by itself would be asked for again; a deadline of the session's ends it."""
    world.agent()
    assert "ttlSecondsAfterFinished" not in world.session(ttl="1m")["Job"]["spec"]


def test_a_pod_that_failed_is_replaced_and_not_started_again(world: World) -> None:
    world.agent()
    assert world.pod(world.session(retries=1))["restartPolicy"] == "Never"


@pytest.mark.parametrize("runtime_class", [None, "sandbox"])
def test_a_runtime_class_is_named_only_when_asked_for(
    world: World, runtime_class: str | None
) -> None:
    world.agent()
    pod = world.pod(world.session(runtimeClassName=runtime_class))
    assert pod.get("runtimeClassName") == runtime_class


def test_its_pod_is_as_the_agents_save_for_what_is_of_a_session(world: World) -> None:
    provider = {
        "kind": "openai",
        "baseUrl": "https://models.example.org/v1",
        "model": "large",
        "apiKeySecretRef": {"name": "provider", "key": "key"},
    }
    agent = world.agent(provider=provider, serviceAccountToken=True, resources={"limits": {}})
    session = world.session()
    for field in ("image", "resources", "securityContext", "imagePullPolicy"):
        assert world.container(session)[field] == world.container(agent)[field]
    same = {"serviceAccountName", "automountServiceAccountToken", "securityContext"}
    assert {name: world.pod(session)[name] for name in same} == {
        name: world.pod(agent)[name] for name in same
    }
    own, inherited = world.environment(session), world.environment(agent)
    assert {name: own[name] for name in inherited} == inherited
    assert own.keys() - inherited.keys() == {"RYNXS_SESSION", "RYNXS_SESSION_INPUT"}
    assert own["RYNXS_SESSION"] == "run"


def test_it_has_no_account_of_its_own_and_is_not_served(world: World) -> None:
    world.agent()
    assert not {"ServiceAccount", "Service"} & world.session().keys()


def test_it_is_not_asked_for_its_health(world: World) -> None:
    world.agent(image={"repository": "example.org/agent", "tag": "v1", "health": {}})
    assert not [each for each in world.container(world.session()) if each.endswith("Probe")]


def test_it_may_read_the_audit_log_if_its_agent_may(worlds: Callable[..., World]) -> None:
    offered = {"url": "s3://log/rynxs", "credentialsSecret": "log-reader"}
    world = worlds({"auditLog": offered})
    world.agent(permissions={"canAccessAuditLogs": True})
    session = world.session()
    assert world.environment(session)["RYNXS_LOG"] == "s3://log/rynxs"
    assert world.container(session)["envFrom"] == [{"secretRef": {"name": "log-reader"}}]


def test_the_agents_spec_is_in_a_config_map_of_its_own(world: World) -> None:
    world.agent(tools={"allow": ["search"]})
    session = world.session()
    assert session["ConfigMap"]["metadata"]["name"] == "session-run"
    told = json.loads(session["ConfigMap"]["data"]["spec.json"])
    assert told["tools"] == {"allow": ["search"]}
    volumes = {each["name"]: each for each in world.pod(session)["volumes"]}
    assert volumes["config"]["configMap"] == {"name": "session-run"}


def read_input(world: World, session: dict[str, Any]) -> tuple[str, str]:
    """Return the ConfigMap and the key whose value is where the environment says the input is."""
    folder, _, file = world.environment(session)["RYNXS_SESSION_INPUT"].rpartition("/")
    mounts = {each["mountPath"]: each for each in world.container(session)["volumeMounts"]}
    assert mounts[folder]["readOnly"] is True
    volumes = {each["name"]: each for each in world.pod(session)["volumes"]}
    source = volumes[mounts[folder]["name"]]["configMap"]
    (item,) = source["items"]
    assert item["path"] == file
    return source["name"], item["key"]


@pytest.mark.parametrize("text", ["count the sheep", "", "two\nlines\n", "\N{OX} \N{SHEEP}"])
def test_an_input_by_value_is_in_its_own_config_map(world: World, text: str) -> None:
    world.agent()
    session = world.session(input={"text": text})
    name, key = read_input(world, session)
    assert name == session["ConfigMap"]["metadata"]["name"]
    assert session["ConfigMap"]["data"][key] == text


def test_an_input_by_reference_is_read_where_it_is(world: World) -> None:
    world.agent()
    session = world.session(input={"configMapKeyRef": {"name": "inputs", "key": "first"}})
    assert read_input(world, session) == ("inputs", "first")
    assert set(session["ConfigMap"]["data"]) == {"spec.json"}


def test_the_largest_input_fits_into_a_config_map_beside_a_large_spec(world: World) -> None:
    """An API server refuses a ConfigMap whose data has more than 1 MiB."""
    world.agent(
        tools={"allow": [f"{number:03}{'t' * 124}" for number in range(256)]},
        network={"allowEgressTo": [f"{'n' * 60}.{'s' * 63}:{port + 1}" for port in range(256)]},
    )
    data = world.session(input={"text": LARGEST_INPUT})["ConfigMap"]["data"]
    sizes = {key: len(value.encode()) for key, value in data.items()}
    assert sizes["spec.json"] > 60_000
    assert sum(sizes.values()) <= CONFIG_MAP_BYTES_MAX


def test_the_name_of_a_job_tells_nothing_of_the_input(world: World) -> None:
    """It stands in records that are not erased with the input."""
    inputs = [{"text": "a"}, {"text": "b"}, {"configMapKeyRef": {"key": "k", "name": "n"}}]
    names, templates = set(), []
    world.agent()
    for each in inputs:
        job = world.session("again", input=each)["Job"]
        names.add(job["metadata"]["name"])
        templates.append(job["spec"]["template"])
        world.delete("Session", "again")
    assert len(names) == 1
    assert templates[0] == templates[1]


def test_a_refused_session_gets_nothing(world: World) -> None:
    world.agent()
    assert world.session(timeout="soon") == {}
