"""A session's Job over its life: what may change of it, what may not, and when it goes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.conftest import Manifest, World

ACTIVE = {"active": 1}
SUSPENDED = {"conditions": [{"type": "Suspended", "status": "True"}]}
COMPLETE = {"conditions": [{"type": "Complete", "status": "True"}]}
FAILED = {"conditions": [{"type": "Failed", "status": "True", "reason": "BackoffLimitExceeded"}]}
EXPIRED = {"conditions": [{"type": "Failed", "status": "True", "reason": "DeadlineExceeded"}]}
CHANGES = [
    {"tools": {"allow": ["search"]}},
    {"image": {"repository": "example.org/agent", "tag": "v2"}},
    {"team": "red"},
    {"serviceAccountToken": True},
    {"resources": {"limits": {"cpu": 2}}},
    {"workspace": {"size": "2Gi"}},
]


def closed(policy: Manifest) -> bool:
    spec = policy["spec"]
    return (spec["policyTypes"], spec["ingress"], spec["egress"]) == (["Ingress", "Egress"], [], [])


def job_name(rendered: dict[str, Manifest]) -> str:
    return str(rendered["Job"]["metadata"]["name"])


def without_suspend(job: Manifest) -> Manifest:
    return {**job, "spec": {**job["spec"], "suspend": None}}


@pytest.mark.parametrize("changed", CHANGES)
def test_before_the_start_another_template_is_another_job(
    world: World, changed: dict[str, Any]
) -> None:
    world.agent()
    before = world.session()
    world.agent(**changed)
    after = world.of_session()
    assert before["Job"]["spec"]["template"] != after["Job"]["spec"]["template"]
    assert job_name(before) != job_name(after)
    world.agent()
    assert world.of_session() == before


def test_the_jobs_name_says_of_what_session_it_is_and_fits(world: World) -> None:
    world.agent()
    session = world.session("s" * 45)
    assert job_name(session).startswith(f"session-{'s' * 45}-")
    assert len(job_name(session)) <= 63


@pytest.mark.parametrize("seen", [[ACTIVE], [ACTIVE, SUSPENDED]])
@pytest.mark.parametrize("changed", CHANGES)
def test_after_the_start_a_changed_agent_changes_nothing(
    world: World, changed: dict[str, Any], seen: list[dict[str, Any]]
) -> None:
    world.agent()
    before = world.session()
    for status in seen:
        world.saw(status)
    world.agent(**changed)
    assert world.of_session() == before


@pytest.mark.parametrize("suspended", ["session", "agent"])
@pytest.mark.parametrize("started", [False, True])
def test_what_is_suspended_has_the_same_job_suspended_and_a_closed_network(
    world: World, suspended: str, started: bool
) -> None:
    world.agent()
    before = world.session()
    if started:
        world.saw(ACTIVE)
    getattr(world, suspended)(suspend=True)
    after = world.of_session()
    assert after["Job"]["spec"]["suspend"] is True
    assert without_suspend(after["Job"]) == without_suspend(before["Job"])
    assert closed(after["NetworkPolicy"])
    assert not closed(before["NetworkPolicy"])
    getattr(world, suspended)()
    assert world.of_session() == before


def test_a_session_that_is_resumed_goes_on_with_the_agent_as_it_was(world: World) -> None:
    world.agent()
    before = world.session()
    world.saw(ACTIVE)
    world.agent(suspend=True, tools={"allow": ["search"]})
    world.agent(tools={"allow": ["search"]})
    assert world.of_session() == before


@pytest.mark.parametrize("end", [COMPLETE, FAILED, EXPIRED])
def test_what_has_ended_is_suspended_and_its_network_closed(
    world: World, end: dict[str, Any]
) -> None:
    world.agent(workspace={"size": "1Gi"})
    before = world.session(workspace={"kind": "own", "size": "1Gi"})
    world.saw(ACTIVE)
    world.saw(end)
    after = world.of_session()
    assert list(after) == list(before)
    assert after["Job"]["spec"]["suspend"] is True
    assert without_suspend(after["Job"]) == without_suspend(before["Job"])
    assert closed(after["NetworkPolicy"])


@pytest.mark.parametrize("end", [COMPLETE, FAILED, EXPIRED])
@pytest.mark.parametrize("seen", [[], [ACTIVE]])
def test_what_has_ended_never_runs_again(
    world: World, end: dict[str, Any], seen: list[dict[str, Any]]
) -> None:
    """It stays to be looked at while its agent is away, or is another one."""
    world.agent()
    world.session()
    for status in (*seen, end):
        world.saw(status)
    kept = world.of_session()
    world.delete("Agent", "worker")
    assert world.of_session() == kept
    world.agent(tools={"allow": ["search"]})
    assert world.of_session() == kept
    assert kept["Job"]["spec"]["suspend"] is True
    world.session(suspend=True)
    world.session(suspend=False)
    assert world.of_session()["Job"]["spec"]["suspend"] is True


def test_once_its_time_to_live_is_over_there_is_nothing(world: World) -> None:
    world.agent()
    world.session(ttl="1s", workspace={"kind": "own", "size": "1Gi"})
    world.saw(COMPLETE)
    world.passes(1)
    assert world.of_session() == {}
    world.agent(tools={"allow": ["search"]})
    world.session(ttl="1s", workspace={"kind": "own", "size": "1Gi"}, suspend=True)
    assert world.of_session() == {}


@pytest.mark.parametrize("started", [False, True])
@pytest.mark.parametrize(
    "gone",
    [
        pytest.param(None, id="deleted"),
        pytest.param({"role": "boss"}, id="refused"),
        pytest.param({"universeRef": "main"}, id="not judged"),
    ],
)
def test_without_its_agent_there_is_nothing_until_the_agent_is_back(
    world: World, gone: dict[str, Any] | None, started: bool
) -> None:
    world.agent()
    before = world.session()
    if started:
        world.saw(ACTIVE)
    if gone is None:
        world.delete("Agent", "worker")
    else:
        world.agent(**gone)
    assert world.of_session() == {}
    world.agent()
    assert world.of_session() == before


def test_a_session_may_come_before_its_agent(world: World) -> None:
    assert world.session() == {}
    world.agent()
    assert "Job" in world.of_session()


def test_a_session_that_is_deleted_asks_for_nothing(world: World) -> None:
    world.agent()
    world.session()
    world.delete("Session", "run")
    assert world.of_session() == {}


def test_a_uid_that_comes_later_changes_only_who_owns(world: World) -> None:
    world.agent()
    before = world.session()
    after = world.session(uid="00000000-0000-4000-8000-000000000001")
    for kind, manifest in after.items():
        (owner,) = manifest["metadata"].pop("ownerReferences")
        assert (owner["kind"], owner["name"], owner["controller"]) == ("Session", "run", True)
        assert manifest == before[kind]
