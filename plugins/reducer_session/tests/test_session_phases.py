"""The phases of a session, by the statuses of its Job (batch/v1 JobStatus)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.conftest import World

ACTIVE = {"active": 1}


def condition(kind: str, status: str = "True", **more: str) -> dict[str, Any]:
    """Return a condition as the Job controller writes it, save for its times."""
    return {"type": kind, "status": status, **more}


def ended(kind: str, **more: str) -> dict[str, Any]:
    return {"conditions": [condition(kind, **more)]}


COMPLETE = {"succeeded": 1, "conditions": [condition("Complete")]}
SUSPENDED = ended("Suspended", reason="JobSuspended")
RESUMED = {
    "active": 1,
    "conditions": [condition("Suspended", "False", reason="JobResumed")],
}
FAILED = {"failed": 1, **ended("Failed", reason="BackoffLimitExceeded", message="too many")}
EXPIRED = {"failed": 1, **ended("Failed", reason="DeadlineExceeded", message="too long")}


@pytest.mark.parametrize(
    ("statuses", "phase"),
    [
        ([], "Pending"),
        ([{}], "Pending"),
        ([{"active": 0}], "Pending"),
        ([ACTIVE], "Running"),
        ([{"active": 1, "failed": 2}], "Running"),
        ([ACTIVE, {"failed": 1}], "Running"),  # between a pod and the next one
        ([ACTIVE, {"succeeded": 1}], "Running"),
        ([ACTIVE, ended("SuccessCriteriaMet")], "Running"),  # its pods are still ending
        ([ACTIVE, ended("FailureTarget", reason="DeadlineExceeded")], "Running"),
        ([ACTIVE, COMPLETE], "Succeeded"),
        ([COMPLETE], "Succeeded"),
        ([ACTIVE, {"conditions": [condition("Complete", "False")]}], "Running"),
        ([ACTIVE, {"conditions": [condition("Complete", "Unknown")]}], "Running"),
        ([{"conditions": [condition("SuccessCriteriaMet"), condition("Complete")]}], "Succeeded"),
        ([ACTIVE, FAILED], "Failed"),
        ([FAILED], "Failed"),
        ([ACTIVE, ended("Failed")], "Failed"),
        ([ACTIVE, EXPIRED], "Expired"),
        ([EXPIRED], "Expired"),
        ([SUSPENDED], "Pending"),
        ([ACTIVE, SUSPENDED], "Pending"),
        ([ACTIVE, {"active": 1, **SUSPENDED}], "Pending"),  # its pods are still ending
        ([SUSPENDED, RESUMED], "Running"),
        ([ACTIVE, SUSPENDED, RESUMED], "Running"),
        ([ACTIVE, SUSPENDED, RESUMED, COMPLETE], "Succeeded"),
    ],
)
def test_a_phase_follows_from_the_statuses(
    world: World, statuses: list[dict[str, Any]], phase: str
) -> None:
    world.agent()
    world.session()
    for status in statuses:
        world.saw(status)
    assert world.phase() == phase


@pytest.mark.parametrize("end", [COMPLETE, FAILED, EXPIRED])
@pytest.mark.parametrize("later", [{}, ACTIVE, SUSPENDED, RESUMED, COMPLETE, FAILED, EXPIRED])
def test_what_has_ended_stays_so(world: World, end: dict[str, Any], later: dict[str, Any]) -> None:
    world.running()
    world.saw(end)
    before = world.slice()
    world.passes(1)
    world.saw(later)
    assert world.slice() == before


def test_times_are_those_of_the_records(world: World) -> None:
    world.running()
    world.passes(5)
    world.saw({"active": 1, "failed": 1})
    world.passes(5)
    world.saw(COMPLETE)
    run = world.slice()["run"]
    assert run["startedUs"] == world.START_US
    assert run["finishedUs"] == world.START_US + 10_000_000


def test_time_starts_anew_when_the_job_is_resumed(world: World) -> None:
    world.running()
    world.passes(5)
    world.saw(SUSPENDED)
    assert world.slice()["run"]["startedUs"] is None
    world.passes(5)
    world.saw(RESUMED)
    assert world.slice()["run"]["startedUs"] == world.START_US + 10_000_000


@pytest.mark.parametrize(
    ("end", "message"),
    [
        (FAILED, "too many"),
        (EXPIRED, "too long"),
        (ended("Failed", reason="PodFailurePolicy"), "PodFailurePolicy"),
        (ended("Failed"), ""),
        (ended("Failed", message="x" * 5_000), "x" * 1_000),
        (COMPLETE, ""),
    ],
)
def test_the_jobs_word_on_its_end_is_kept_within_a_limit(
    world: World, end: dict[str, Any], message: str
) -> None:
    world.running()
    world.saw(end)
    assert world.slice()["run"]["message"] == message


@pytest.mark.parametrize(
    "conditions",
    [
        None,
        [],
        5,
        "Complete",
        {"type": "Complete", "status": "True"},
        [None, 5, "Complete", ["Complete"]],
        [{}],
        [{"type": "Complete"}],
        [{"status": "True"}],
        [{"type": None, "status": "True"}],
        [{"type": ["Complete"], "status": "True"}],
        [{"type": {"type": "Complete"}, "status": "True"}],
        [{"type": "Complete", "status": True}],
        [{"type": "Complete", "status": ["True"]}],
    ],
)
def test_what_is_no_condition_says_nothing(world: World, conditions: Any) -> None:
    world.running()
    before = world.slice()
    world.saw({"active": 1, "conditions": conditions})
    assert world.slice() == before
    world.saw({"active": 1, "conditions": [condition("Complete")]})
    assert world.phase() == "Succeeded"


@pytest.mark.parametrize("word", [None, 5, ["a"], {"a": 1}])
def test_a_reason_or_message_that_is_no_text_does_not_hide_the_end(world: World, word: Any) -> None:
    world.running()
    world.saw({"conditions": [{**condition("Failed"), "reason": word, "message": word}]})
    assert world.phase() == "Failed"
    assert isinstance(world.slice()["run"]["message"], str)


@pytest.mark.parametrize("status", [{}, ACTIVE, COMPLETE, FAILED])
def test_a_refused_session_has_no_run(world: World, status: dict[str, Any]) -> None:
    world.session(timeout="soon")
    before = world.slice()
    world.saw(status)
    assert world.slice() == before


def test_the_agent_is_kept_as_it_was_when_the_run_started(world: World) -> None:
    world.agent(tools={"allow": ["search"]})
    world.session()
    assert world.slice()["agent"] is None
    world.saw(ACTIVE)
    world.agent(tools={"allow": []})
    world.saw(SUSPENDED)
    world.saw(RESUMED)
    world.saw(COMPLETE)
    assert world.slice()["agent"]["spec"]["tools"] == {"allow": ["search"]}


def test_only_what_matters_of_a_jobs_status_is_recorded(world: World) -> None:
    world.running()
    before = len(world.entries())
    world.saw({"active": 1, "startTime": "2026-01-01T00:00:00Z", "ready": 1})
    assert len(world.entries()) == before
