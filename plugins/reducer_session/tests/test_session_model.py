"""The spec and the status of a session, rule by rule."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from rynxs.engine.observation import problems
from rynxs_reducer_session.model import SessionSpec, SessionStatus
from rynxs_reducer_session.reducer import SESSION

TEXT = {"text": "count the sheep"}
BY_NAME = {"configMapKeyRef": {"name": "inputs", "key": "first.txt"}}
INPUT_SIZE_MAX = 196_608


def manifest(name: str = "run", **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "universe.ai/v1alpha1",
        "kind": "Session",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {"agentRef": "worker", "input": TEXT} | spec,
    }


def told(**spec: Any) -> list[str]:
    """Return the paths of what is wrong with a session's spec."""
    return [problem.path for problem in problems(SESSION, manifest(**spec))]


def test_a_small_spec_is_completed_with_every_default() -> None:
    spec = SessionSpec.model_validate(manifest()["spec"])
    assert spec.model_dump(mode="json", by_alias=True) == {
        "agentRef": "worker",
        "input": {"configMapKeyRef": None, "text": "count the sheep"},
        "retries": 0,
        "runtimeClassName": None,
        "suspend": False,
        "timeout": "1h",
        "ttl": None,
        "workspace": None,
    }


@pytest.mark.parametrize("missing", ["agentRef", "input"])
def test_an_agent_and_an_input_are_required(missing: str) -> None:
    whole = manifest()
    del whole["spec"][missing]
    assert [problem.path for problem in problems(SESSION, whole)] == [f"spec.{missing}"]


@pytest.mark.parametrize(
    ("given_input", "wrong"),
    [
        (TEXT, []),
        (BY_NAME, []),
        ({"text": ""}, []),
        ({}, ["spec.input"]),
        (TEXT | BY_NAME, ["spec.input"]),
        ({"text": None, "configMapKeyRef": None}, ["spec.input"]),
        ({"text": "x" * INPUT_SIZE_MAX}, []),
        ({"text": "x" * (INPUT_SIZE_MAX + 1)}, ["spec.input.text"]),
        ({"text": 5}, ["spec.input.text"]),
        ({"configMapKeyRef": {"name": "inputs"}}, ["spec.input.configMapKeyRef.key"]),
        (
            {"configMapKeyRef": {"name": "session-other", "key": "k"}},
            ["spec.input.configMapKeyRef.name"],
        ),
        (
            {"configMapKeyRef": {"name": "agent-other", "key": "k"}},
            ["spec.input.configMapKeyRef.name"],
        ),
        ({"configMapKeyRef": {"name": "a..b", "key": "k"}}, ["spec.input.configMapKeyRef.name"]),
        ({"configMapKeyRef": {"name": "a", "key": "../k"}}, ["spec.input.configMapKeyRef.key"]),
        ({"secretKeyRef": {"name": "a", "key": "k"}}, ["spec.input.secretKeyRef"]),
    ],
)
def test_exactly_one_input_is_given(given_input: dict[str, Any], wrong: list[str]) -> None:
    assert told(input=given_input) == wrong


def test_a_credential_in_the_input_is_refused_and_not_repeated() -> None:
    secret = "ghp_" + "a1B2" * 9
    (problem,) = problems(SESSION, manifest(input={"text": f"log in with {secret}"}))
    assert problem.path == "spec.input.text"
    assert secret not in problem.rule


@pytest.mark.parametrize(
    ("workspace", "wrong"),
    [
        ({"kind": "own", "size": "1Gi"}, []),
        ({"kind": "own", "size": "1Gi", "storageClassName": "fast"}, []),
        ({"kind": "agent"}, []),
        ({"kind": "own"}, ["spec.workspace"]),
        ({"kind": "own", "storageClassName": "fast"}, ["spec.workspace"]),
        ({"kind": "agent", "size": "1Gi"}, ["spec.workspace"]),
        ({"kind": "agent", "storageClassName": "fast"}, ["spec.workspace"]),
        ({"kind": "own", "size": "0"}, ["spec.workspace.size"]),
        ({"kind": "own", "size": "100m"}, ["spec.workspace.size"]),
        ({"kind": "none"}, ["spec.workspace.kind"]),
        ({"size": "1Gi"}, ["spec.workspace.kind"]),
    ],
)
def test_a_workspace_is_its_own_with_a_size_or_the_agents_without(
    workspace: dict[str, Any], wrong: list[str]
) -> None:
    assert told(workspace=workspace) == wrong


@pytest.mark.parametrize("field", ["timeout", "ttl"])
@pytest.mark.parametrize(
    ("duration", "is_one"),
    [
        ("1s", True),
        ("90s", True),
        ("1h30m", True),
        ("1d2h3m4s", True),
        ("366d", True),
        ("367d", False),
        ("0s", False),
        ("0h0m", False),
        ("", False),
        ("1", False),
        ("s", False),
        ("30m1h", False),
        ("1h 30m", False),
        ("1.5h", False),
        ("-1h", False),
        ("1H", False),
        ("1h\n", False),
        ("\u0661h", False),
        (60, False),
    ],
)
def test_a_duration_is_days_hours_minutes_and_seconds_in_this_order(
    field: str, duration: Any, is_one: bool
) -> None:
    assert told(**{field: duration}) == ([] if is_one else [f"spec.{field}"])


@pytest.mark.parametrize(
    ("field", "value", "fits"),
    [
        ("retries", 0, True),
        ("retries", 10, True),
        ("retries", 11, False),
        ("retries", -1, False),
        ("retries", True, False),
        ("retries", "1", False),
        ("runtimeClassName", "gvisor", True),
        ("runtimeClassName", "G_visor", False),
        ("agentRef", "a" * 63, True),
        ("agentRef", "other/worker", False),
        ("agentRef", "", False),
        ("suspend", "yes", False),
        ("priority", 1, False),
    ],
)
def test_the_other_fields_are_checked(field: str, value: Any, fits: bool) -> None:
    assert told(**{field: value}) == ([] if fits else [f"spec.{field}"])


@pytest.mark.parametrize(
    ("name", "fits"),
    [
        ("a", True),
        ("a-1", True),
        ("a" * 45, True),
        ("a" * 46, False),
        ("a.b", False),
        ("a-", False),
        ("-a", False),
        ("A", False),
        ("a\n", False),
    ],
)
def test_a_name_leaves_room_for_the_name_of_its_job(name: str, fits: bool) -> None:
    found = [problem.path for problem in problems(SESSION, manifest(name))]
    assert found == ([] if fits else ["metadata.name"])


@given(st.dictionaries(st.sampled_from([*SESSION.spec.model_fields, "ttl", "input"]), st.text()))
def test_any_spec_is_accepted_or_refused_and_nothing_else(spec: dict[str, Any]) -> None:
    for problem in problems(SESSION, manifest(**spec)):
        assert problem.path.startswith("spec")


def test_every_field_says_what_it_means() -> None:
    for model in (SessionSpec, SessionStatus):
        schema = model.model_json_schema(by_alias=True)
        for described in (schema, *schema["$defs"].values()):
            for name, member in described["properties"].items():
                assert member.get("description"), name


def test_the_api_server_is_told_the_rules_that_are_checked_here() -> None:
    schema = SessionSpec.model_json_schema(by_alias=True)
    stated = [rule["rule"] for rule in schema["x-kubernetes-validations"]]
    fixed = [name for name in schema["properties"] if name != "suspend"]
    assert all(any(f"oldSelf.{name}" in rule for rule in stated) for name in fixed)
    assert not any("suspend" in rule for rule in stated)
    assert schema["$defs"]["Input"]["x-kubernetes-validations"]
    assert schema["$defs"]["SessionWorkspace"]["x-kubernetes-validations"]


def test_a_status_with_an_unknown_phase_is_none() -> None:
    with pytest.raises(ValidationError):
        SessionStatus.model_validate({"phase": "Sleeping"})
