"""Runs an order in a process of its own, and yields each promise as it is judged."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from rynxs.errors import PluginError, SinkUnavailable
from rynxs.testing.check.promise import Promise

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rynxs.testing.check.promise import Order

_PATIENCE_S = 10
_OF_PYTEST = "PYTEST_"


class Run:
    """A kit that is running.

    Attributes:
        total: how many promises it judges.
    """

    def __init__(self, process: subprocess.Popen[str], errors: Path) -> None:
        """Wait until the kit is made.

        Raises:
            PluginError: it can't be.
            SinkUnavailable: no log can be made where the order says.
        """
        self._process = process
        self._errors = errors
        self.total: int = self._told("count")

    def promises(self) -> Iterator[Promise]:
        """Yield each promise once it is judged.

        A process that dies has broken the promise that was being judged; the others are not.

        Raises:
            PluginError: the kit can't go on.
        """
        for _ in range(self.total):
            name: str = self._told("begun")
            line = self._line()
            if line is None:
                yield Promise(name, "failed", self._end())
                return
            yield Promise(**line["judged"])

    def _told(self, what: str) -> Any:
        line = self._line() or {"error": f"the kit can't run: {self._end()}", "unavailable": False}
        if "error" in line:
            kind = SinkUnavailable if line["unavailable"] else PluginError
            raise kind(line["error"])
        return line[what]

    def _line(self) -> dict[str, Any] | None:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        return json.loads(line) if line else None

    def _end(self) -> str:
        """Return how the process ended, and the last that it said."""
        status = self._process.wait()
        how = f"by {signal.Signals(-status).name}" if status < 0 else f"with exit status {status}"
        said = self._errors.read_text(encoding="utf-8", errors="replace").strip()
        return f"the process ended {how}" + (f": {said.splitlines()[-1]}" if said else "")


@contextmanager
def running(order: Order) -> Iterator[Run]:
    """Start a kit; it is ended, and all its files removed, at the end of the block."""
    with TemporaryDirectory(prefix="rynxs-check-", ignore_cleanup_errors=True) as place:
        errors = Path(place, "errors")
        with errors.open("wb") as stream:
            process = subprocess.Popen(
                [sys.executable, "-P", "-m", "rynxs.testing.check.child", place],
                env=_environment(),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stream,
                text=True,
                process_group=0,  # so that an interruption reaches it once, and from here
            )
        try:
            _hand_over(process, order.as_json())
            yield Run(process, errors)
        finally:
            _end(process)


def _hand_over(process: subprocess.Popen[str], text: str) -> None:
    assert process.stdin is not None
    with suppress(BrokenPipeError):  # it has died, and how is told when its output is read
        process.stdin.write(text)
        process.stdin.close()
    process.stdin = None


def _environment() -> dict[str, str]:
    """Return ours without what configures pytest, and without the working directory's modules."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith(_OF_PYTEST)}
    return {**ours, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONSAFEPATH": "1"}


def _end(process: subprocess.Popen[str]) -> None:
    """Interrupt a process that has not ended, so that it ends what it has started."""
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
    try:
        process.communicate(timeout=_PATIENCE_S)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
