"""The spec of an Agent: what fits it, and what is said of what does not."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from rynxs_reducer_agent.model import AgentSpec, AgentStatus

IMAGE = {"repository": "example.org/agent", "tag": "v1"}
SPEC = {"role": "worker", "image": IMAGE}
DIGEST = f"sha256:{'a' * 64}"
MANAGER = {"role": "manager", "manages": ["a"], "team": "t"}


def problem(change: dict[str, Any]) -> str:
    """Return what is wrong with a spec, empty when nothing is."""
    try:
        AgentSpec.model_validate(SPEC | change)
    except ValidationError as error:
        return str(error)
    return ""


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


@pytest.mark.parametrize(
    ("change", "valid"),
    [
        ({"role": "boss"}, False),
        ({"workspace": {"size": 1024}}, True),
        ({"workspace": {"size": "1.5Gi", "storageClassName": "fast"}}, True),
        ({"workspace": {"size": "1Gi", "storageClassName": ""}}, True),
        ({"workspace": {"size": "1Gi", "storageClassName": "a..b"}}, False),
        ({"workspace": {"size": "1gb"}}, False),
        ({"workspace": {"size": True}}, False),
        ({"workspace": {"size": 0}}, False),
        ({"workspace": {"size": "1Gi\n"}}, False),
        ({"workspace": {"size": "100m"}}, False),
        ({"workspace": {}}, False),
        ({"resources": {"limits": {"cpu": 2, "memory": "1Gi"}}}, True),
        ({"resources": {"requests": {"cpu": 2}, "limits": {"cpu": "1500m"}}}, False),
        ({"network": {"allowEgressTo": ["api.example.com:443", "10.0.0.0/8"]}}, True),
        ({"network": {"allowEgressTo": ["fe80::1%eth0"]}}, False),
        ({"network": {"allowEgressTo": ["*.inference"]}}, False),
        ({"tools": {"allow": ["files", "mcp:search/*"]}}, True),
        ({"tools": {"allow": [""]}}, False),
        ({"tools": {"allow": ["*"]}}, False),
        ({"tools": {"allow": ["a*b"]}}, False),
        ({"provider": {"kind": "openai", "baseUrl": "http://m:80/v1", "model": "x"}}, True),
        ({"provider": {"kind": "openai", "baseUrl": "//m", "model": "x"}}, False),
        ({"team": "a b"}, False),
        ({"universeRef": "main.example"}, True),
        ({"universeRef": "Main"}, False),
        ({"serviceAccountToken": "yes"}, False),
        ({"replicas": 2}, False),
    ],
)
def test_the_spec_is_checked_field_by_field(change: dict[str, Any], valid: bool) -> None:
    assert (problem(change) == "") is valid


@pytest.mark.parametrize(
    ("repository", "valid"),
    [
        ("agent", True),
        ("acme/my_agent", True),
        ("example.org/a/b", True),
        ("localhost:5000/a/b", True),
        ("10.0.0.1:5000/a", True),
        ("a--b/c__d", True),
        ("", False),
        ("Example.org/a", False),
        ("example.org/", False),
        ("/a", False),
        ("a//b", False),
        ("a/b:1", False),
        ("a/b@sha256", False),
        # Without a path, what stands before the colon is the repository, and after it a tag.
        ("agent:5000", False),
        ("example.org:443", False),
        ("localhost:5000/", False),
    ],
)
def test_a_repository_is_an_image_name_without_tag(repository: str, valid: bool) -> None:
    assert (problem({"image": {**IMAGE, "repository": repository}}) == "") is valid


@pytest.mark.parametrize(
    ("tag", "is_tag", "is_pinned"),
    [
        ("v1", True, False),
        ("latest", True, False),
        (f"v1@{DIGEST}", True, True),
        (DIGEST, True, True),
        (f"@{DIGEST}", True, True),
        ("bad tag", False, False),
        ("a" * 129, False, False),
        (f"@@{DIGEST}", False, False),
        (f"v1@{DIGEST}0", False, False),
        (f"v1@{DIGEST.upper()}", False, False),
        ("v1@sha512:" + "a" * 128, False, False),
        (f"v1:v2@{DIGEST}", False, False),
    ],
)
def test_a_tag_may_be_a_digest_and_verify_demands_one(
    tag: str, is_tag: bool, is_pinned: bool
) -> None:
    assert (problem({"image": {**IMAGE, "tag": tag}}) == "") is is_tag
    found = problem({"image": {**IMAGE, "tag": tag, "verify": True}})
    assert (found == "") is is_pinned
    assert "verify demands a digest" in found or is_pinned or not is_tag


@pytest.mark.parametrize("policy", ["cosign", {"policy": "keyless"}, {}])
def test_verification_by_policy_is_refused_and_says_what_there_is(policy: Any) -> None:
    found = problem({"image": {**IMAGE, "tag": DIGEST, "verify": policy}})
    assert "verification by policy is not supported; true demands a digest" in found


@pytest.mark.parametrize(
    ("health", "valid"),
    [
        ({}, True),
        ({"path": "/", "port": 1}, True),
        ({"path": "/a/b-c_d.~e"}, True),
        ({"path": "healthz"}, False),
        ({"path": "/a?b"}, False),
        ({"path": "/a b"}, False),
        ({"port": 0}, False),
        ({"port": 65536}, False),
        ({"port": "http"}, False),
        ({"command": ["true"]}, False),
    ],
)
def test_health_is_a_path_and_a_port(health: Any, valid: bool) -> None:
    assert (problem({"image": {**IMAGE, "health": health}}) == "") is valid


def test_without_health_there_is_none_and_with_it_both_have_defaults() -> None:
    assert AgentSpec.model_validate(SPEC).image.health is None
    health = AgentSpec.model_validate(SPEC | {"image": {**IMAGE, "health": {}}}).image.health
    assert health is not None
    assert (health.path, health.port) == ("/healthz", 8080)


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"manages": ["a"]}, "a worker manages no agents"),
        ({"permissions": {"canAssignTasks": True}}, "a worker has no agents to command"),
        (
            {"team": "t", "permissions": {"canManageTeam": True}},
            "a worker has no agents to command",
        ),
        ({"permissions": {"canAccessAuditLogs": True}}, ""),
        (MANAGER, ""),
        (MANAGER | {"manages": ["A"]}, "manages.0"),
        (MANAGER | {"permissions": {"canAssignTasks": True, "canManageTeam": True}}, ""),
        (
            MANAGER | {"manages": [], "permissions": {"canAssignTasks": True}},
            "canAssignTasks needs agents in manages",
        ),
        (
            MANAGER | {"team": None, "permissions": {"canManageTeam": True}},
            "canManageTeam needs a team",
        ),
        ({"role": "director"}, ""),
        ({"role": "director", "team": "t", "permissions": {"canManageTeam": True}}, ""),
        ({"permissions": {"canDoAnything": True}}, "permissions.canDoAnything"),
    ],
)
def test_a_permission_needs_the_role_and_whom_it_is_over(change: dict[str, Any], rule: str) -> None:
    found = problem(change)
    assert rule in found
    assert bool(rule) is bool(found)


@pytest.mark.parametrize("model", [AgentSpec, AgentStatus])
def test_every_field_says_what_it_means(model: type[AgentSpec | AgentStatus]) -> None:
    schema = model.model_json_schema(by_alias=True)
    for part in (schema, *schema["$defs"].values()):
        for name, member in part["properties"].items():
            assert member.get("description"), name
