"""Operational logs go to standard error as it is when something is told."""

from __future__ import annotations

import io
import sys
from typing import TYPE_CHECKING

import structlog

from rynxs.cli.logs import set_up_logs

if TYPE_CHECKING:
    import pytest


def test_a_log_line_goes_to_standard_error_as_it_is_now(monkeypatch: pytest.MonkeyPatch) -> None:
    log = structlog.get_logger("test")
    before, now = io.StringIO(), io.StringIO()
    monkeypatch.setattr(sys, "stderr", before)
    set_up_logs()
    log.warning("first")
    monkeypatch.setattr(sys, "stderr", now)
    before.close()
    log.warning("second", subject="a")
    log.info("not told")
    assert '"event": "second"' in now.getvalue()
    assert now.getvalue().count("\n") == 1
