"""A replica that is forked in a nursery: it is there at once, and dies where it is told to."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from rynxs.documents import dump_documents
from tests.cluster.replica import LIMIT_S, POLL_S, Replica, ReplicaFailed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

REPOSITORY = Path(__file__).parents[2]


class Nursery:
    """A process that forks replicas, of which one lives at a time."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        """Take the running program, `tests.cluster.nursery`."""
        self._process = process

    def fork(self, asked: dict[str, Any]) -> Forked:
        """Fork a replica; the one before must have ended."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(asked).encode() + b"\n")
        self._process.stdin.flush()
        pid = self.heard(None)
        assert pid is not None
        return Forked(self, pid)

    def heard(self, timeout_s: float | None) -> int | None:
        """Return the next number it says; None if it says none in time."""
        assert self._process.stdout is not None
        ready, _, _ = select.select([self._process.stdout], [], [], timeout_s)
        if not ready:
            return None
        line = self._process.stdout.readline()
        assert line, "the nursery has ended"
        return int(line)


class Forked:
    """A forked process, as `Popen` would show it."""

    def __init__(self, nursery: Nursery, pid: int) -> None:
        """Take a process that lives."""
        self._nursery = nursery
        self.pid = pid
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """Return the exit status, the negative signal if one has killed it; None while it lives."""
        if self.returncode is None:
            self.returncode = self._nursery.heard(0)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Wait until it has ended, and return the exit status."""
        if self.returncode is None:
            self.returncode = self._nursery.heard(timeout)
        if self.returncode is None:
            raise subprocess.TimeoutExpired("replica", timeout or 0.0)
        return self.returncode

    def kill(self) -> None:
        """End it at once."""
        self.send_signal(9)

    def send_signal(self, number: int) -> None:
        """Send it a signal, if it lives."""
        if self.poll() is None:
            os.kill(self.pid, number)


class ForkedReplica(Replica):
    """A replica of a nursery."""

    def __init__(
        self,
        nursery: Nursery,
        directory: Path,
        *arguments: Any,
        settings: Mapping[str, Any] | None = None,
        **options: Any,
    ) -> None:
        """Start nothing yet; what is not said here is as for `Replica`.

        Args:
            nursery: Where to fork it.
            directory: An empty one of its own, or one that is to be made.
            arguments: As for `Replica`.
            settings: More sections of the configuration.
            options: As for `Replica`.
        """
        super().__init__(directory, *arguments, **options)
        self._counts = directory / "counts.json"
        self._nursery = nursery
        configuration = {**self.configuration, **(settings or {})}
        (directory / "rynxs.yaml").write_text(dump_documents([configuration]))

    def start(self, point: str | None = None, times: int = 1) -> Self:
        """Start it; it ends as if by `kill -9` when it reaches a point for the n-th time."""
        asked = {
            "command": self._command,
            "directory": str(self.directory),
            "environment": self._environment,
            "output": str(self.output),
            "errors": str(self.errors),
            "counts": str(self._counts),
            "point": point,
            "times": times,
        }
        self.process = self._nursery.fork(asked)  # type: ignore[assignment]
        return self

    def counts(self) -> dict[str, int]:
        """Return how often it has reached each of `tests.cluster.crash_points`.

        It must have ended by itself.
        """
        found: dict[str, int] = json.loads(self._counts.read_text())
        return found

    def until_so_or_ended(self, is_so: Callable[[], bool]) -> None:
        """Wait until something is so, or the process has ended.

        Raises:
            ReplicaFailed: A minute passed.
        """
        assert self.process is not None
        deadline = time.monotonic() + LIMIT_S
        while self.process.poll() is None and not is_so():
            if time.monotonic() > deadline:
                raise ReplicaFailed(self._report(f"lives, and it is not so in {LIMIT_S} s"))
            time.sleep(POLL_S)


@contextmanager
def nursery() -> Iterator[Nursery]:
    """Start a nursery, and end it; a replica that still lives must be killed before."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.cluster.nursery"],
        cwd=REPOSITORY,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        bufsize=0,
    ) as process:
        try:
            yield Nursery(process)
        finally:
            process.kill()
