from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from rynxs.api import Event
from rynxs.engine.observation import problems
from rynxs.eventlog import canonical
from rynxs_reducer_agent.egress import parse_egress
from rynxs_reducer_agent.model import AgentSpec
from rynxs_reducer_agent.plugin import AgentSettings, rynxs_reducer
from rynxs_reducer_agent.reducer import AGENT, AgentReducer

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

SPEC = {"role": "worker", "image": {"repository": "example.org/agent", "tag": "v1"}}
DIGEST = "sha256:" + "a" * 64
SUBJECT = "universe.ai/Agent/default/worker"


class NoView:
    """An agent's slice depends on no other subject."""

    def get(self, subject: str) -> Mapping[str, Any] | None:
        raise AssertionError(subject)

    def of_kind(self, group_kind: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
        raise AssertionError(group_kind)


def payload(name: str = "worker", **change: Any) -> dict[str, Any]:
    return {
        "actor": {"authenticated": False, "name": "tester"},
        "deleting": False,
        "object": {
            "apiVersion": "universe.ai/v1alpha1",
            "kind": "Agent",
            "metadata": {"name": name, "namespace": "default", "uid": None},
            "spec": copy.deepcopy(SPEC),
        },
    } | change


def reduce(kind: str, body: dict[str, Any], current: Any = None) -> Any:
    event = Event(7, 1, 1, kind, SUBJECT, canonical.encode(body))
    return AgentReducer().reduce(current, event, NoView())


def test_an_observed_agent_is_accepted_with_every_default_filled_in() -> None:
    after = reduce("AgentObserved", payload())
    assert after["conditions"] == [
        {"message": "", "reason": "Valid", "status": "True", "type": "Accepted"}
    ]
    assert after["spec"]["permissions"] == {
        "canAccessAuditLogs": False,
        "canAssignTasks": False,
        "canManageTeam": False,
    }
    assert after["spec"]["suspend"] is False
    assert set(after["spec"]) == {f.alias for f in AgentSpec.model_fields.values()}


def test_the_spec_of_the_first_design_applies_unchanged() -> None:
    AgentSpec.model_validate(
        {
            "role": "worker",
            "team": "t",
            "manages": [],
            "permissions": {
                "canAssignTasks": False,
                "canAccessAuditLogs": False,
                "canManageTeam": False,
            },
            "image": {"repository": "ghcr.io/rynxs/agent", "tag": "v0.1.0", "verify": False},
            "workspace": {"size": "1Gi"},
        }
    )


def test_a_deleted_agent_has_no_slice() -> None:
    assert reduce("AgentDeleted", {}, current={"metadata": {}}) is None


def test_other_events_of_the_subject_change_nothing() -> None:
    current = reduce("AgentObserved", payload())
    assert reduce("Applied", {}, current) is current


def test_a_refused_observation_has_no_spec_and_says_why() -> None:
    body = payload(refused=[{"path": "spec.x", "rule": "unknown field"}])
    del body["object"]["spec"]
    after = reduce("AgentObserved", body)
    assert "spec" not in after
    assert after["conditions"][0]["status"] == "False"
    assert after["conditions"][0]["message"] == "spec.x: unknown field"


def test_a_spec_that_a_cluster_let_through_is_checked_again() -> None:
    body = payload()
    body["object"]["spec"]["role"] = "boss"
    after = reduce("AgentObserved", body)
    assert "spec" not in after
    assert after["conditions"][0]["message"].startswith("spec.role: ")


@pytest.mark.parametrize(
    ("name", "fits"),
    [("a", True), ("a" * 57, True), ("a" * 58, False), ("a.b", False), ("a-", False)],
)
def test_a_name_leaves_room_for_the_names_of_what_is_rendered(name: str, fits: bool) -> None:
    manifest = payload()["object"]
    manifest["metadata"]["name"] = name
    assert (problems(AGENT, manifest) == []) is fits


@pytest.mark.parametrize(
    ("target", "parsed"),
    [
        ("198.51.100.7", {"cidr": "198.51.100.7/32", "port": None}),
        ("198.51.100.7:443", {"cidr": "198.51.100.7/32", "port": 443}),
        ("10.0.0.0/8", {"cidr": "10.0.0.0/8", "port": None}),
        ("10.0.0.0/8:80", {"cidr": "10.0.0.0/8", "port": 80}),
        ("2001:db8::1", {"cidr": "2001:db8::1/128", "port": None}),
        ("[2001:db8::/32]:443", {"cidr": "2001:db8::/32", "port": 443}),
        ("[2001:db8::1]", {"cidr": "2001:db8::1/128", "port": None}),
        ("models.inference", {"namespace": "inference", "port": None, "service": "models"}),
        ("models.inference:8080", {"namespace": "inference", "port": 8080, "service": "models"}),
        (
            "models.inference.svc.cluster.local:8080",
            {"namespace": "inference", "port": 8080, "service": "models"},
        ),
    ],
)
def test_an_egress_target_is_what_a_network_policy_can_express(
    target: str, parsed: dict[str, Any]
) -> None:
    assert parse_egress(target) == parsed


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        ("api.example.com", "host name"),
        ("localhost", "host name"),
        ("api.example.com:443", "host name"),
        ("10.0.0.1/8", "host bits"),
        ("10.0.0.0/8:0", "port 0"),
        ("10.0.0.0/8:65536", "port 65536"),
        ("https://example.com/", "not an egress target"),
        ("a..b", "not an egress target"),
        ("", "not an egress target"),
        ("*", "not an egress target"),
    ],
)
def test_what_a_network_policy_cannot_express_is_refused_with_a_reason(
    target: str, reason: str
) -> None:
    with pytest.raises(ValueError, match=reason):
        parse_egress(target)


@given(st.text(max_size=40))
def test_any_text_is_an_egress_target_or_refused(text: str) -> None:
    try:
        parsed = parse_egress(text)
    except ValueError:
        return
    assert set(parsed) in ({"cidr", "port"}, {"namespace", "port", "service"})


@pytest.mark.parametrize(
    ("change", "valid"),
    [
        ({"image": {"repository": "example.org/a", "tag": "v1", "verify": True}}, False),
        (
            {
                "image": {
                    "repository": "example.org/a",
                    "tag": "v1@sha256:" + "a" * 64,
                    "verify": True,
                }
            },
            True,
        ),
        ({"image": {"repository": "example.org/a", "tag": DIGEST}}, True),
        ({"image": {"repository": "Example.org/a", "tag": "v1"}}, False),
        ({"image": {"repository": "localhost:5000/a/b", "tag": "v1"}}, True),
        ({"image": {"repository": "a", "tag": "bad tag"}}, False),
        ({"role": "manager", "manages": ["a", "b"]}, True),
        ({"manages": ["a"]}, False),
        ({"workspace": {"size": 1024}}, True),
        ({"workspace": {"size": "1.5Gi", "storageClassName": "fast"}}, True),
        ({"workspace": {"size": "1gb"}}, False),
        ({"workspace": {"size": True}}, False),
        ({"resources": {"limits": {"cpu": 2, "memory": "1Gi"}}}, True),
        ({"resources": {"limits": {"gpu": 1}}}, False),
        ({"resources": {"limits": {"nvidia.com/gpu": 1}}}, True),
        ({"resources": {"requests": {"cpu": 2}, "limits": {"cpu": "1500m"}}}, False),
        ({"resources": {"requests": {"memory": "1Gi"}, "limits": {"memory": "1G"}}}, False),
        ({"resources": {"requests": {"cpu": "500m"}, "limits": {"cpu": 1}}}, True),
        ({"resources": {"limits": {"cpu": 0.5}}}, False),
        ({"workspace": {"size": 0}}, False),
        ({"workspace": {"size": "1Gi\n"}}, False),
        ({"network": {"allowEgressTo": ["fe80::1%eth0"]}}, False),
        ({"workspace": {"size": "100m"}}, False),
        ({"workspace": {"size": "1Gi", "storageClassName": ""}}, True),
        ({"workspace": {"size": "1Gi", "storageClassName": "a..b"}}, False),
        ({"tools": {"allow": ["files", "mcp:search/*"]}}, True),
        ({"tools": {"allow": [""]}}, False),
        ({"provider": {"kind": "openai", "baseUrl": "http://m:80/v1", "model": "x"}}, True),
        ({"provider": {"kind": "openai", "baseUrl": "http://m:99999", "model": "x"}}, False),
        ({"provider": {"kind": "openai", "baseUrl": "//m", "model": "x"}}, False),
    ],
)
def test_the_spec_is_checked_field_by_field(change: dict[str, Any], valid: bool) -> None:
    try:
        AgentSpec.model_validate(SPEC | change)
    except ValidationError:
        assert not valid
    else:
        assert valid


def test_every_field_says_what_it_means() -> None:
    schema = AgentSpec.model_json_schema(by_alias=True)
    for model in (schema, *schema["$defs"].values()):
        for name, member in model["properties"].items():
            assert member.get("description"), name


def test_the_hook_gives_the_reducer_of_the_agent_kind() -> None:
    plugin = rynxs_reducer()
    reducer = plugin.create(AgentSettings())
    assert (plugin.name, reducer.name) == ("agent", "agent")
    assert list(reducer.resources) == [AGENT]
    assert list(reducer.dependents(SUBJECT, NoView())) == []
