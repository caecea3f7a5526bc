"""The phases of a session: what a Job's status and a deadline make of its run.

A run is the part of a session's slice that changes while it goes on::

    {"phase": "Pending" | "Running" | "Succeeded" | "Failed" | "Expired",
     "startedUs": POSIX microseconds, or None, "finishedUs": likewise,
     "message": the Job's word on its end, "collected": whether its time to live is over}

Time comes from the records that say what happened, so that a replay ends in the same phase.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from rynxs.fields import seconds_of

if TYPE_CHECKING:
    from collections.abc import Mapping

PENDING: Final[Mapping[str, Any]] = {
    "collected": False,
    "finishedUs": None,
    "message": "",
    "phase": "Pending",
    "startedUs": None,
}
ENDED: Final = frozenset({"Succeeded", "Failed", "Expired"})
_DEADLINE_EXCEEDED = "DeadlineExceeded"
_MESSAGE_SIZE_MAX = 1_000
_US = 1_000_000


def after_status(
    run: Mapping[str, Any], status: Mapping[str, Any], time_us: int
) -> Mapping[str, Any]:
    """Return a run after its Job was seen with a status (batch/v1 JobStatus).

    What has ended stays so. While the Job is suspended, time does not count; as Kubernetes does,
    it starts anew when the Job is resumed.
    """
    if run["phase"] in ENDED:
        return run
    conditions = _true_conditions(status)
    if "Complete" in conditions:
        return _ended(run, "Succeeded", "", time_us)
    if "Failed" in conditions:
        reason = str(conditions["Failed"].get("reason") or "")
        message = str(conditions["Failed"].get("message") or reason)
        phase = "Expired" if reason == _DEADLINE_EXCEEDED else "Failed"
        return _ended(run, phase, message, time_us)
    if "Suspended" in conditions:
        return {**run, "phase": "Pending", "startedUs": None}
    if status.get("active") and run["phase"] == "Pending":
        return {**run, "phase": "Running", "startedUs": time_us}
    return run


def after_deadline(run: Mapping[str, Any], due_us: int, time_us: int) -> Mapping[str, Any]:
    """Return a run once a deadline is reached; unchanged if that is not the one it has."""
    if run["phase"] in ENDED:
        return {**run, "collected": True}
    return _ended(run, "Expired", f"it ran for {(due_us - run['startedUs']) // _US} s", time_us)


def deadline_us(run: Mapping[str, Any], spec: Mapping[str, Any]) -> int | None:
    """Return the POSIX microseconds at which a run's next deadline is, None if it has none."""
    if run["phase"] == "Running":
        return int(run["startedUs"]) + seconds_of(spec["timeout"]) * _US
    if run["phase"] in ENDED and spec["ttl"] is not None and not run["collected"]:
        return int(run["finishedUs"]) + seconds_of(spec["ttl"]) * _US
    return None


def _true_conditions(status: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Return the conditions that are true, by type; what has not the form of one says nothing."""
    listed = status.get("conditions")
    return {
        condition["type"]: condition
        for condition in (listed if isinstance(listed, list) else ())
        if isinstance(condition, dict)
        and condition.get("status") == "True"
        and isinstance(condition.get("type"), str)
    }


def _ended(run: Mapping[str, Any], phase: str, message: str, time_us: int) -> Mapping[str, Any]:
    return {
        **run,
        "finishedUs": time_us,
        "message": message[:_MESSAGE_SIZE_MAX],
        "phase": phase,
    }
