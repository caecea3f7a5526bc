from __future__ import annotations

import io
import sys
from typing import TYPE_CHECKING

from rynxs.cli import progress

if TYPE_CHECKING:
    import pytest

BATCHES = [[1, 2], [3], [4, 5, 6]]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_off_a_terminal_batches_pass_and_nothing_is_shown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    assert list(progress.track(BATCHES, 6, "verifying")) == BATCHES
    assert stream.getvalue() == ""


def test_on_a_terminal_nothing_is_shown_of_work_that_is_done_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stream = Terminal()
    monkeypatch.setattr(sys, "stderr", stream)
    assert list(progress.track(BATCHES, 6, "verifying")) == BATCHES
    assert stream.getvalue() == ""


def test_on_a_terminal_longer_work_shows_how_far_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = Terminal()
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(progress, "_DELAY_S", -1.0)
    assert list(progress.track(BATCHES, 6, "verifying")) == BATCHES
    shown = stream.getvalue()
    assert "verifying" in shown
    assert "6/6" in shown
