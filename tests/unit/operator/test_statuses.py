"""What the status of an object should say, and when that is news."""

from __future__ import annotations

from typing import Any

from rynxs.operator.position import Position
from rynxs.operator.statuses import Written, patch, wanted

LEAF = bytes(range(32))
SAID: dict[str, Any] = {
    "conditions": [
        {"type": "Ready", "status": "False", "reason": "Waits", "message": "for its agent"},
        {"type": "Accepted", "status": "True", "reason": "Valid", "message": ""},
    ],
    "phase": "Pending",
    "startedAt": None,
}
NOW_US = 1_767_225_600_000_000  # 2026-01-01T00:00:00Z


def status_of(written: Written, said: dict[str, Any] = SAID, seq: int = 7) -> dict[str, Any]:
    return wanted(said, written, "example.org/log", Position(seq, LEAF), NOW_US)


def test_a_status_has_conditions_generation_and_log_position() -> None:
    status = status_of(Written("u", 3, {}))
    assert status["observedGeneration"] == 3
    assert status["log"] == {"leafHash": LEAF.hex(), "origin": "example.org/log", "seq": 7}
    assert [each["type"] for each in status["conditions"]] == ["Accepted", "Ready"]
    assert {each["lastTransitionTime"] for each in status["conditions"]} == {"2026-01-01T00:00:00Z"}
    assert "startedAt" not in status


def test_a_condition_that_stays_keeps_its_time_and_one_that_turns_gets_a_new_one() -> None:
    since = "2025-05-05T05:05:05Z"
    before = {
        "conditions": [
            {"type": "Accepted", "status": "True", "lastTransitionTime": since},
            {"type": "Ready", "status": "True", "lastTransitionTime": since},
        ]
    }
    accepted, ready = status_of(Written("u", None, before))["conditions"]
    assert accepted["lastTransitionTime"] == since
    assert ready["lastTransitionTime"] == "2026-01-01T00:00:00Z"


def test_what_is_written_already_is_no_news_and_neither_is_a_later_record_alone() -> None:
    written = Written("u", 3, {})
    status = status_of(written)
    again = written._replace(status=status)
    assert patch(status_of(again), again) is None
    assert patch(status_of(again, seq=9), again) is None


def test_what_changes_is_written_with_where_the_log_stands_and_what_is_no_longer_said_goes() -> (
    None
):
    written = Written("u", 3, {**status_of(Written("u", 3, {})), "finishedAt": "x"})
    said = {**SAID, "phase": "Running"}
    found = patch(status_of(written, said, seq=9), written)
    assert found == {
        "finishedAt": None,
        "log": {"leafHash": LEAF.hex(), "origin": "example.org/log", "seq": 9},
        "phase": "Running",
    }
