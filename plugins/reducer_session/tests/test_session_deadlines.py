"""The two deadlines of a session: while it runs, and from its end until its things are to go."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.conftest import World

US = 1_000_000
COMPLETE = {"conditions": [{"type": "Complete", "status": "True"}]}
FAILED = {"conditions": [{"type": "Failed", "status": "True", "reason": "BackoffLimitExceeded"}]}
SUSPENDED = {"conditions": [{"type": "Suspended", "status": "True"}]}
DAYS = 86_400.0


def deadline(world: World) -> int | None:
    """Return the session's deadline in seconds from the start of the test."""
    due_us = world.pipeline.state.deadline(world.subject())
    return None if due_us is None else (due_us - world.START_US) // US


def test_there_is_one_only_while_it_runs(world: World) -> None:
    world.agent()
    world.session(timeout="90s")
    assert deadline(world) is None
    world.saw({"active": 1})
    assert deadline(world) == 90
    world.saw(SUSPENDED)
    assert deadline(world) is None
    world.passes(10)
    world.saw({"active": 1})
    assert deadline(world) == 100
    world.saw(COMPLETE)
    assert deadline(world) is None


@pytest.mark.parametrize(
    ("timeout", "seconds"),
    [("1s", 1), ("90s", 90), ("1h", 3_600), ("1d2h3m4s", 93_784), ("366d", 366 * 86_400)],
)
def test_it_is_the_timeout_after_the_start(world: World, timeout: str, seconds: int) -> None:
    world.running(timeout=timeout)
    assert deadline(world) == seconds


def test_a_session_that_never_starts_does_not_expire(world: World) -> None:
    world.agent()
    world.session(timeout="1s", ttl="1s")
    world.passes(400 * DAYS)
    assert world.phase() == "Pending"
    assert "DeadlineReached" not in world.told()


def test_a_refused_session_has_no_deadline(world: World) -> None:
    world.session(timeout="soon")
    assert deadline(world) is None


def test_it_expires_when_the_time_is_over_and_not_before(world: World) -> None:
    world.running(timeout="10s")
    world.passes(9.999_999)
    assert world.phase() == "Running"
    world.passes(0.000_001)
    run = world.slice()["run"]
    assert (run["phase"], run["message"]) == ("Expired", "it ran for 10 s")
    assert run["finishedUs"] == world.START_US + 10 * US


def test_an_expiry_that_is_noticed_late_is_recorded_when_it_is(world: World) -> None:
    world.running(timeout="10s")
    world.passes(60)
    run = world.slice()["run"]
    assert run["finishedUs"] == world.START_US + 60 * US
    assert run["message"] == "it ran for 10 s"


def test_a_deadline_is_recorded_once(world: World) -> None:
    world.running(timeout="10s")
    for _ in range(3):
        world.passes(10)
    assert world.told().count("DeadlineReached") == 1


@pytest.mark.parametrize("due", [0, 9, 11, 3_600])
def test_a_deadline_that_is_not_the_one_it_has_changes_nothing(world: World, due: int) -> None:
    world.running(timeout="10s")
    stale = {"deadlineUs": world.START_US + due * US}
    assert world.reduce("DeadlineReached", stale) == world.slice()


@pytest.mark.parametrize("status", [SUSPENDED, COMPLETE, FAILED])
def test_a_deadline_that_was_overtaken_changes_nothing(
    world: World, status: dict[str, Any]
) -> None:
    world.running(timeout="10s", ttl="1h")
    world.passes(5)
    world.saw(status)
    stale = {"deadlineUs": world.START_US + 10 * US}
    assert world.reduce("DeadlineReached", stale) == world.slice()


def test_a_deadline_of_a_run_that_has_not_started_changes_nothing(world: World) -> None:
    world.agent()
    world.session()
    assert world.reduce("DeadlineReached", {"deadlineUs": 0}) == world.slice()


@pytest.mark.parametrize(("end", "phase"), [(COMPLETE, "Succeeded"), (None, "Expired")])
def test_what_was_made_goes_when_its_time_to_live_is_over(
    world: World, end: dict[str, Any] | None, phase: str
) -> None:
    world.running(timeout="10s", ttl="1m", workspace={"kind": "own", "size": "1Gi"})
    world.passes(5)
    if end is None:
        world.passes(5)
    else:
        world.saw(end)
    finished = (world.slice()["run"]["finishedUs"] - world.START_US) // US
    assert deadline(world) == finished + 60
    world.passes(59)
    assert "Job" in world.manifests()
    world.passes(1)
    assert world.manifests() == {}
    assert (world.phase(), deadline(world)) == (phase, None)
    assert (world.slice()["run"]["finishedUs"] - world.START_US) // US == finished


def test_without_a_time_to_live_everything_stays(world: World) -> None:
    world.running()
    world.saw(COMPLETE)
    world.passes(4_000 * DAYS)
    assert set(world.manifests()) == {"ConfigMap", "NetworkPolicy", "Job"}


def test_what_is_collected_does_not_come_back(world: World) -> None:
    world.running(ttl="1s")
    world.saw(COMPLETE)
    world.passes(1)
    world.agent(tools={"allow": ["search"]})
    world.session(ttl="1s", suspend=True)
    world.session(ttl="1s")
    world.saw({"active": 1}, job="batch/v1/Job/default/session-run-01234567")
    assert world.manifests() == {}


def test_an_end_is_not_put_off_by_a_clock_that_goes_back(world: World) -> None:
    world.running(timeout="10s")
    world.passes(5)
    world.saw({"active": 1, "failed": 1})
    world.clock.at_us = world.START_US
    world.saw(COMPLETE)
    assert world.slice()["run"]["finishedUs"] == world.START_US + 5 * US
