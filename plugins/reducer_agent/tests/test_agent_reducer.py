"""What the reducer makes of an Agent: its slice, what it refuses, and its status."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from pydantic import ValidationError

from rynxs.api import Event
from rynxs.engine.observation import problems
from rynxs.engine.slices import Slices
from rynxs.eventlog import canonical
from rynxs_reducer_agent.model import AgentSpec
from rynxs_reducer_agent.plugin import rynxs_reducer
from rynxs_reducer_agent.reducer import AGENT, AgentReducer
from rynxs_reducer_agent.settings import AgentSettings

SPEC = {"role": "worker", "image": {"repository": "example.org/agent", "tag": "v1"}}
SUBJECT = "universe.ai/Agent/default/worker"
HOST = {"network": {"allowEgressTo": ["10.0.0.0/8", "api.example.com:443"]}}
READS_LOG = {"permissions": {"canAccessAuditLogs": True}}
AUDIT_LOG = {"url": "s3://log/", "allowEgressTo": ["minio.storage:9000"]}
SEEN = {"apps/v1/Deployment/default/agent-worker": {"readyReplicas": 1}}


def payload(**change: Any) -> dict[str, Any]:
    return {
        "actor": {"authenticated": False, "name": "tester"},
        "deleting": False,
        "object": {
            "apiVersion": "universe.ai/v1alpha1",
            "kind": "Agent",
            "metadata": {"name": "worker", "namespace": "default", "uid": None},
            "spec": copy.deepcopy(SPEC),
        },
    } | change


def reducer(**settings: Any) -> AgentReducer:
    return AgentReducer(AgentSettings.model_validate(settings))


def reduce(kind: str, body: dict[str, Any], current: Any = None) -> Any:
    event = Event(7, 1, 1, kind, SUBJECT, canonical.encode(body))
    return reducer().reduce(current, event, Slices())


def observed(spec: dict[str, Any], **settings: Any) -> Any:
    body = payload()
    body["object"]["spec"] |= spec
    event = Event(7, 1, 1, "AgentObserved", SUBJECT, canonical.encode(body))
    return reducer(**settings).reduce(None, event, Slices())


def verdict(**change: Any) -> dict[str, Any]:
    return {"conditions": [], "holds": {}, "patch": {}, "refused": False} | change


def status(current: Any, given: Any = None, seen: Any = None) -> dict[str, Any]:
    """Return an agent's status under a verdict."""
    view = Slices()
    view.put(SUBJECT, current)
    view.put_verdict(SUBJECT, given)
    return dict(reducer().status(SUBJECT, current, view, seen or {}))


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
    assert after["metadata"] == {"name": "worker", "namespace": "default", "uid": None}


def test_a_deleted_agent_has_no_slice() -> None:
    assert reduce("AgentDeleted", {}, current={"metadata": {}}) is None


@pytest.mark.parametrize("kind", ["Applied", "StatusObserved", "DeadlineReached"])
def test_other_events_of_the_subject_change_nothing(kind: str) -> None:
    current = reduce("AgentObserved", payload())
    assert reduce(kind, {}, current) is current


def test_a_refused_observation_has_no_spec_and_says_why() -> None:
    body = payload(refused=[{"path": "spec.x", "rule": "unknown field"}])
    del body["object"]["spec"]
    after = reduce("AgentObserved", body)
    assert set(after) == {"conditions", "deleting", "metadata"}
    assert after["conditions"][0]["status"] == "False"
    assert after["conditions"][0]["message"] == "spec.x: unknown field"


def test_a_spec_that_a_cluster_let_through_is_checked_again() -> None:
    after = observed({"role": "boss"})
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


def test_egress_targets_are_parsed_in_their_order() -> None:
    targets = ["models.inference:8080", "198.51.100.0/24"]
    after = observed({"network": {"allowEgressTo": targets}})
    assert after["egress"] == [
        {"namespace": "inference", "port": 8080, "service": "models"},
        {"cidr": "198.51.100.0/24", "port": None},
    ]


def test_a_host_name_is_refused_with_the_field_and_what_to_do() -> None:
    after = observed(HOST)
    (condition,) = after["conditions"]
    assert "spec" not in after
    assert (condition["status"], condition["reason"]) == ("False", "Unsupported")
    assert condition["message"].startswith("spec.network.allowEgressTo[1]: ")
    assert "settings.reducers.agent.hostNames" in condition["message"]


def test_a_host_name_is_taken_where_the_settings_name_who_can_allow_it() -> None:
    after = observed(HOST, hostNames="cilium")
    assert after["egress"][1] == {"host": "api.example.com", "port": 443}
    assert after["hostNames"] == "cilium"
    assert after["conditions"][0]["status"] == "True"


def test_what_is_said_of_many_host_names_fits_a_condition() -> None:
    targets = [f"a{number}.example.com" for number in range(256)]
    message = observed({"network": {"allowEgressTo": targets}})["conditions"][0]["message"]
    assert "spec.network.allowEgressTo[255]" in message
    assert len(message) <= 32_768


def test_an_agent_may_read_the_audit_log_only_where_one_is_offered() -> None:
    refused = observed(READS_LOG)
    assert "spec" not in refused
    message = refused["conditions"][0]["message"]
    assert message.startswith("spec.permissions.canAccessAuditLogs: ")
    assert "settings.reducers.agent.auditLog" in message
    assert observed(READS_LOG, auditLog=AUDIT_LOG)["auditLog"] == {
        "credentialsSecret": None,
        "egress": [{"namespace": "storage", "port": 9000, "service": "minio"}],
        "url": "s3://log/",
    }
    assert observed({}, auditLog=AUDIT_LOG)["auditLog"] is None


def test_all_that_is_not_supported_is_told_at_once() -> None:
    message = observed(HOST | READS_LOG)["conditions"][0]["message"]
    assert "spec.network.allowEgressTo[1]: " in message
    assert "spec.permissions.canAccessAuditLogs: " in message


def test_default_resources_come_from_the_settings_and_leave_the_spec_as_it_is() -> None:
    own = {"limits": {"cpu": "2"}, "requests": {}}
    after = observed({"resources": own}, resources={"limits": {"cpu": "1", "memory": "1Gi"}})
    assert after["spec"]["resources"] == own
    assert after["defaults"]["resources"] == {
        "limits": {"cpu": "1", "memory": "1Gi"},
        "requests": {},
    }
    assert observed({})["defaults"]["resources"]["limits"] == {"cpu": "1", "memory": "1Gi"}


@pytest.mark.parametrize(
    ("settings", "path"),
    [
        ({"hostNames": "calico"}, "hostNames"),
        ({"auditLog": {}}, "auditLog.url"),
        ({"auditLog": {"url": ""}}, "auditLog.url"),
        ({"auditLog": AUDIT_LOG | {"allowEgressTo": ["a..b"]}}, "auditLog.allowEgressTo"),
        ({"auditLog": AUDIT_LOG | {"allowEgressTo": ["s3.example.com"]}}, "has a host name"),
        ({"resources": {"limits": {"cpu": "1"}, "requests": {"cpu": "2"}}}, "resources"),
        ({"unknown": 1}, "unknown"),
    ],
)
def test_settings_that_nobody_could_act_on_are_refused(settings: Any, path: str) -> None:
    with pytest.raises(ValidationError, match=path):
        AgentSettings.model_validate(settings)


def test_the_audit_log_may_have_a_host_name_where_agents_may() -> None:
    reachable = AUDIT_LOG | {"allowEgressTo": ["s3.example.com:443"]}
    after = observed(READS_LOG, auditLog=reachable, hostNames="cilium")
    assert after["auditLog"]["egress"] == [{"host": "s3.example.com", "port": 443}]


@pytest.mark.parametrize(
    ("spec", "given", "seen", "phase", "ready"),
    [
        ({}, None, {}, "Active", False),
        ({}, None, SEEN, "Active", True),
        ({}, None, {name: {} for name in SEEN}, "Active", False),
        ({}, None, {name: {"readyReplicas": 0} for name in SEEN}, "Active", False),
        ({"suspend": True}, None, SEEN, "Suspended", False),
        ({}, verdict(), SEEN, "Active", True),
        ({}, verdict(refused=True), SEEN, "Refused", False),
        ({}, verdict(patch={"spec": {"suspend": True}}), SEEN, "Suspended", False),
        ({"universeRef": "main"}, verdict(), SEEN, "Active", True),
        ({"universeRef": "main"}, None, SEEN, "Refused", False),
        ({"role": "boss"}, None, SEEN, "Refused", False),
    ],
)
def test_its_status_says_whether_it_is_to_run_and_is_ready(
    spec: dict[str, Any], given: Any, seen: Any, phase: str, ready: bool
) -> None:
    found = status(observed(spec), given, seen)
    assert (found["phase"], found["ready"]) == (phase, ready)


def test_who_asks_for_a_universe_that_nobody_judges_is_told_what_to_pick() -> None:
    (condition,) = status(observed({"universeRef": "main"}))["conditions"]
    assert (condition["status"], condition["reason"]) == ("False", "NoUniverses")
    assert "plugins.reducers" in condition["message"]


def test_the_hook_gives_the_reducer_of_the_agent_kind() -> None:
    plugin = rynxs_reducer()
    made = plugin.create(AgentSettings())
    assert (plugin.name, made.name) == ("agent", "agent")
    assert list(made.resources) == [AGENT]
    assert list(made.dependents(SUBJECT, Slices())) == []
