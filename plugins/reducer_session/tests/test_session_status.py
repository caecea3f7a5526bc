"""What the status of a session says: its phase, its times, and why it does not run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from rynxs_reducer_session.model import SessionStatus

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import World

COMPLETE = {"conditions": [{"type": "Complete", "status": "True"}]}
FAILED = {
    "conditions": [
        {"type": "Failed", "status": "True", "reason": "BackoffLimitExceeded", "message": "3 pods"}
    ]
}
SUSPENDED = {"conditions": [{"type": "Suspended", "status": "True"}]}
VOLUME = {"size": "1Gi"}


def test_a_session_that_waits_for_its_pod_is_pending(world: World) -> None:
    world.agent()
    world.session()
    assert world.status() == {
        "conditions": [
            {"message": "", "reason": "Valid", "status": "True", "type": "Accepted"},
            {"message": "", "reason": "Ready", "status": "True", "type": "AgentReady"},
        ],
        "finishedAt": None,
        "phase": "Pending",
        "startedAt": None,
    }


def test_a_session_that_runs_says_since_when(world: World) -> None:
    world.running()
    status = world.status()
    assert (status["phase"], status["startedAt"]) == ("Running", "2026-01-01T00:00:00Z")
    assert status["finishedAt"] is None


@pytest.mark.parametrize(
    ("end", "phase", "succeeded"),
    [
        (COMPLETE, "Succeeded", ("True", "Succeeded", "")),
        (FAILED, "Failed", ("False", "Failed", "3 pods")),
        (None, "Expired", ("False", "Expired", "it ran for 10 s")),
    ],
)
def test_a_session_that_has_ended_says_how_and_when(
    world: World, end: dict[str, Any] | None, phase: str, succeeded: tuple[str, str, str]
) -> None:
    world.running(timeout="10s")
    world.passes(9)
    if end is None:
        world.passes(1)
    else:
        world.saw(end)
    assert world.status()["phase"] == phase
    assert world.condition("Succeeded") == succeeded
    assert world.condition("AgentReady") is None
    assert world.status()["startedAt"] == "2026-01-01T00:00:00Z"
    assert world.status()["finishedAt"] == f"2026-01-01T00:00:{'09' if end else '10'}Z"


@pytest.mark.parametrize("change", ["suspended", "refused", "deleted"])
def test_how_a_session_ended_does_not_depend_on_its_agent(world: World, change: str) -> None:
    world.running()
    world.saw(COMPLETE)
    before = world.status()
    if change == "deleted":
        world.delete("Agent", "worker")
    else:
        world.agent(**({"suspend": True} if change == "suspended" else {"role": "boss"}))
    assert world.status() == before


def test_a_refused_session_says_why_and_nothing_else(world: World) -> None:
    world.session(timeout="soon")
    status = world.status()
    assert set(status) == {"conditions", "phase"}
    assert status["phase"] == "Refused"
    accepted = world.condition("Accepted")
    assert accepted is not None
    assert accepted[:2] == ("False", "Invalid")
    assert accepted[2].startswith("spec.timeout: ")


def test_without_its_agent_a_session_waits(world: World) -> None:
    world.session()
    assert world.status()["phase"] == "Pending"
    assert world.condition("AgentReady") == (
        "False", "AgentMissing", "spec.agentRef: there is no agent worker",
    )  # fmt: skip
    assert world.manifests() == {}


def test_an_agent_of_the_same_name_elsewhere_is_not_its_agent(world: World) -> None:
    world.session(agentRef="other")
    world.agent()
    assert world.condition("AgentReady") == (
        "False", "AgentMissing", "spec.agentRef: there is no agent other",
    )  # fmt: skip


@pytest.mark.parametrize(
    "refused",
    [
        pytest.param({"role": "boss"}, id="its spec is invalid"),
        pytest.param({"network": {"allowEgressTo": ["a.b.example"]}}, id="it can't be done"),
        pytest.param({"universeRef": "main"}, id="it names a universe that nobody judges by"),
    ],
)
def test_with_a_refused_agent_a_session_waits(world: World, refused: dict[str, Any]) -> None:
    world.agent(**refused)
    world.session()
    assert world.status()["phase"] == "Pending"
    assert world.condition("AgentReady") == (
        "False", "AgentRefused", "spec.agentRef: agent worker is refused",
    )  # fmt: skip
    assert world.manifests() == {}


def test_with_an_agent_that_a_governor_refuses_a_session_waits(
    worlds: Callable[..., World],
) -> None:
    world = worlds({"worker": {"refused": True}})
    world.agent()
    world.session()
    ready = world.condition("AgentReady")
    assert ready is not None
    assert (world.status()["phase"], ready[1]) == ("Pending", "AgentRefused")


def test_an_agent_may_name_a_universe_if_there_is_who_judges_by_it(
    worlds: Callable[..., World],
) -> None:
    world = worlds({"worker": {}})
    world.agent(universeRef="main")
    world.session()
    assert world.condition("AgentReady") == ("True", "Ready", "")
    assert "Job" in world.manifests()


def test_a_session_that_a_governor_refuses_says_so(worlds: Callable[..., World]) -> None:
    accepted = {"type": "Accepted", "status": "False", "reason": "QuotaExceeded", "message": "full"}
    world = worlds({"run": {"refused": True, "conditions": [accepted]}})
    world.agent()
    world.session()
    assert world.status()["phase"] == "Refused"
    assert world.condition("Accepted") == ("False", "QuotaExceeded", "full")
    assert world.manifests() == {}


def test_to_work_in_the_agents_workspace_the_agent_needs_one(world: World) -> None:
    world.agent()
    world.session(workspace={"kind": "agent"})
    assert world.status()["phase"] == "Pending"
    assert world.condition("AgentReady") == (
        "False", "NoWorkspace", "spec.workspace.kind: agent worker has no workspace",
    )  # fmt: skip
    assert world.manifests() == {}
    world.agent(workspace=VOLUME)
    assert world.condition("AgentReady") == ("True", "Ready", "")
    assert "Job" in world.manifests()


def test_a_run_in_the_agents_workspace_goes_on_when_the_agent_no_longer_has_one(
    world: World,
) -> None:
    world.agent(workspace=VOLUME)
    world.session(workspace={"kind": "agent"})
    world.saw({"active": 1})
    world.agent()
    assert "Job" in world.manifests()
    assert world.status()["phase"] == "Running"
    assert world.condition("AgentReady") == ("True", "Ready", "")


def test_with_a_suspended_agent_a_session_is_suspended(world: World) -> None:
    world.agent(suspend=True)
    world.session()
    assert world.status()["phase"] == "Suspended"
    assert world.condition("AgentReady") == (
        "False", "AgentSuspended", "spec.agentRef: agent worker is suspended",
    )  # fmt: skip


@pytest.mark.parametrize("suspended", [{"run": {"patch": {"spec": {"suspend": True}}}}, None])
def test_a_suspended_session_says_so(
    worlds: Callable[..., World], suspended: dict[str, Any] | None
) -> None:
    world = worlds(suspended)
    world.agent()
    world.session(suspend=suspended is None)
    assert world.status()["phase"] == "Suspended"
    assert world.condition("AgentReady") == ("True", "Ready", "")
    assert world.manifests()["Job"]["spec"]["suspend"] is True


def test_a_session_that_is_resumed_runs_once_its_job_does(world: World) -> None:
    world.running()
    world.session(suspend=True)
    assert world.status()["phase"] == "Suspended"
    world.saw(SUSPENDED)
    assert world.status()["startedAt"] is None
    world.session()
    assert world.status()["phase"] == "Pending"
    world.saw({"active": 1})
    assert world.status()["phase"] == "Running"


def test_every_status_has_the_shape_that_is_declared(world: World) -> None:
    world.session(retries=-1)
    SessionStatus.model_validate(world.status())
    world.running(timeout="10s", ttl="1s")
    SessionStatus.model_validate(world.status())
    for seconds in (10, 1):
        world.passes(seconds)
        SessionStatus.model_validate(world.status())


def test_a_session_that_is_gone_has_no_status(world: World) -> None:
    world.running()
    world.delete("Session", "run")
    assert world.status() == {}
