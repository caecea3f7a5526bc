"""At which of its uses the sink's kit lets a call fail."""

from __future__ import annotations

import pytest

from rynxs.testing.sink.failing import FailingIO, IOCall

CALL = IOCall("os:open", OSError)


@pytest.mark.parametrize(
    ("failing_uses", "uses", "chosen"),
    [
        (None, 1, [1]),
        (None, 500, list(range(1, 501))),
        (2, 1, [1]),
        (2, 9, [1, 9]),
        (3, 9, [1, 5, 9]),
        (4, 36, [1, 13, 24, 36]),
        (4, 3, [1, 2, 3]),
        (500, 36, list(range(1, 37))),
    ],
)
def test_a_call_fails_at_each_use_or_at_the_first_the_last_and_evenly_between(
    failing_uses: int | None, uses: int, chosen: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FailingIO, "failing_uses", failing_uses)
    assert list(FailingIO()._chosen(CALL, uses)) == chosen


@pytest.mark.parametrize(
    ("failing_uses", "uses", "says"),
    [(None, 501, "os:open is used 501 times; say in failing_uses"), (1, 9, "at least 2")],
)
def test_what_can_not_be_tried_is_told(
    failing_uses: int | None, uses: int, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FailingIO, "failing_uses", failing_uses)
    with pytest.raises(AssertionError, match=says):
        FailingIO()._chosen(CALL, uses)
