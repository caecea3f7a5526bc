"""What the API server says when it refuses, as an error."""

from __future__ import annotations

from typing import Any

import pytest

from rynxs.operator.refusal import error_of, without_value


def status(**members: Any) -> dict[str, Any]:
    return {"kind": "Status", "apiVersion": "v1", "status": "Failure", **members}


def test_status_reason_and_message_are_those_of_the_server() -> None:
    error = error_of(409, status(reason="Conflict", message="it has changed"), "x", None)
    assert (error.status, error.reason, error.retry_after_s) == (409, "Conflict", None)
    assert str(error) == "409 Conflict: it has changed"


@pytest.mark.parametrize(
    ("header", "seconds", "waits"),
    [("7", None, 7.0), (None, 3, 3.0), ("7", 3, 7.0), (None, None, None), ("soon", None, None)],
)
def test_how_long_to_wait_is_told(
    header: str | None, seconds: int | None, waits: float | None
) -> None:
    told = status(details={"retryAfterSeconds": seconds} if seconds else {})
    assert error_of(429, told, "Too Many Requests", header).retry_after_s == waits


def test_an_answer_that_says_nothing_is_told_by_its_status() -> None:
    assert str(error_of(502, {}, "Bad Gateway", None)) == "502 Bad Gateway: no reason given"


def test_every_field_of_an_invalid_object_is_named() -> None:
    causes = [
        {"field": "spec.a", "message": 'Invalid value: "hush: \\"x\\"": must be small'},
        {"field": "spec.b", "message": 'Duplicate value: {"name":"hush"}'},
        {"field": "spec.c", "message": "Required value"},
    ]
    details = {"kind": "Thing", "name": "one", "causes": causes}
    error = error_of(422, status(reason="Invalid", message="hush", details=details), "", None)
    assert str(error) == (
        "422 Invalid: Thing one is invalid: spec.a: Invalid value (not shown): must be small; "
        "spec.b: Duplicate value (not shown); spec.c: Required value"
    )


def test_a_key_that_a_user_has_chosen_is_not_repeated_in_the_path_of_a_field() -> None:
    field = "spec.containers[0].resources.limits[example.org/hush]"
    causes = [{"field": field, "message": 'Invalid value: "500m": must be an integer'}]
    details = {"kind": "Thing", "name": "one", "causes": causes}
    error = error_of(422, status(reason="Invalid", message="hush", details=details), "", None)
    assert str(error) == (
        "422 Invalid: Thing one is invalid: spec.containers[0].resources.limits[key not shown]: "
        "Invalid value (not shown): must be an integer"
    )


MESSAGES = {
    'Invalid value: "hush": must be x': "Invalid value (not shown): must be x",
    "Invalid value: -1: must be x": "Invalid value (not shown): must be x",
    'Invalid value: {"a":"hush: b"}: must be x': "Invalid value (not shown): must be x",
    'Unsupported value: "hush": supported values: "a"': (
        'Unsupported value (not shown): supported values: "a"'
    ),
    "Invalid value: hush": "Invalid value (not shown)",
    'Not found: "hush"': "Not found (not shown)",
    "Required value: it is needed": "Required value: it is needed",
    "Forbidden: may not change": "Forbidden: may not change",
    ".data.a: expected string, got &value.valueUnstructured{Value:hush}": (
        ".data.a: expected string, got a value (not shown)"
    ),
    'unknown field "spec.x"': 'unknown field "spec.x"',
}


@pytest.mark.parametrize("message", MESSAGES)
def test_a_value_that_was_sent_is_not_repeated(message: str) -> None:
    assert without_value(message) == MESSAGES[message]


def test_a_message_is_not_endless() -> None:
    assert len(str(error_of(400, status(reason="x", message="a" * 9999), "", None))) < 1100
