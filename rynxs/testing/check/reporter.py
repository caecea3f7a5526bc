"""A pytest plugin that tells what becomes of each test, at once, as a line of JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import rynxs.testing
from rynxs.errors import SinkUnavailable
from rynxs.testing.check.promise import Outcome, Promise

if TYPE_CHECKING:
    import pytest

    from rynxs.errors import RynxsError

_KIT = Path(rynxs.testing.__file__).parent
_LINES_MAX = 12
_LINE_SIZE_MAX = 300


class Reporter:
    """Writes ``count``, then ``begun`` and ``judged`` for each test, or what is in the way."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream
        self._outcome: Outcome = "passed"
        self._message = ""

    def give_up(self, error: RynxsError) -> None:
        """Tell why no test is run."""
        self._tell(error=str(error), unavailable=isinstance(error, SinkUnavailable))

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Tell how many tests there are."""
        self._tell(count=len(session.items))

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Tell what keeps the kit from being made."""
        if report.failed:
            self._tell(error=_last_line(report.longreprtext), unavailable=False)

    def pytest_internalerror(self, excrepr: object) -> None:
        """Tell what keeps pytest from running."""
        self._tell(error=_last_line(str(excrepr)), unavailable=False)

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """Tell which test begins."""
        self._outcome, self._message = "passed", ""
        self._tell(begun=_in_words(nodeid))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take in a phase of a test: set-up, call or tear-down."""
        if self._outcome == "passed":
            self._outcome, self._message = report.outcome, _message(report)

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        """Tell what came of a test."""
        judged = Promise(_in_words(nodeid), self._outcome, self._message)
        self._tell(judged=judged._asdict())

    def _tell(self, **facts: Any) -> None:
        self._stream.write(json.dumps(facts) + "\n")
        self._stream.flush()


def _last_line(text: str) -> str:
    return _shortened(text.strip().splitlines()[-1:])


def _in_words(nodeid: str) -> str:
    function, bracket, parameters = nodeid.rpartition("::")[2].partition("[")
    return function.removeprefix("test_").replace("_", " ") + (bracket and f" [{parameters}")


def _message(report: pytest.TestReport) -> str:
    if report.passed:
        return ""
    if isinstance(report.longrepr, tuple):
        return report.longrepr[2].removeprefix("Skipped: ")
    crash = getattr(report.longrepr, "reprcrash", None)
    if crash is None:
        return _shortened(report.longreprtext.splitlines())
    text = crash.message.removeprefix("AssertionError: ")
    # What is asserted follows a message that says it better.
    lines = text.partition("\nassert ")[0].splitlines()
    if not Path(crash.path).is_relative_to(_KIT):
        lines = [*lines[:_LINES_MAX], f"at {crash.path}:{crash.lineno}"]
    printed = report.capstderr.strip().splitlines()[-_LINES_MAX:]
    if printed:
        return "\n".join([_shortened(lines), "on standard error:", _shortened(printed)])
    return _shortened(lines)


def _shortened(lines: list[str]) -> str:
    kept = [line[:_LINE_SIZE_MAX] for line in lines[: _LINES_MAX + 1]]
    return "\n".join([*kept, *(["..."] if len(lines) > len(kept) else [])])
