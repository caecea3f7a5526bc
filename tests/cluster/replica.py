"""A replica of the operator, as a process of its own against a test's cluster."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

from rynxs.documents import dump_documents

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tests.servers.endpoint import S3Endpoint

RYNXS = Path(sys.executable).parent / "rynxs"
LIMIT_S = 60.0
POLL_S = 0.02
STOP_LIMIT_S = 30.0
TAIL = 4_000


class ReplicaFailed(Exception):
    """A replica did not do in time what was waited for."""


class Replica:
    """`rynxs operator`; a context manager, at whose end it is killed if it still runs.

    Attributes:
        process: The process; started by `start`.
        errors: The file of its log lines.
    """

    def __init__(
        self,
        directory: Path,
        kubeconfig: Path,
        log: str,
        *arguments: str,
        environment: Mapping[str, str] | None = None,
        **operator: Any,
    ) -> None:
        """Start nothing yet.

        Args:
            directory: An empty one of its own, or one that is to be made.
            kubeconfig: How to reach the cluster.
            log: URL of the log.
            arguments: More of the command line.
            environment: Variables, such as credentials.
            operator: The section `operator` of the configuration, in its own names.
        """
        directory.mkdir(parents=True, exist_ok=True)
        self.directory = directory
        self.errors = directory / "stderr"
        self.output = directory / "stdout"
        self.configuration = {
            "origin": "rynxs.test/log",
            "operator": {"http": {"port": 0}, **operator},
        }
        (directory / "rynxs.yaml").write_text(dump_documents([self.configuration]))
        self._command = [
            str(RYNXS),
            "operator",
            "--config",
            str(directory / "rynxs.yaml"),
            "--kubeconfig",
            str(kubeconfig),
            "--log",
            log,
            *arguments,
        ]
        self._environment = {"PATH": os.defpath, "HOME": str(directory), **(environment or {})}
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> Self:
        """Start the process; it is not waited for. Its log lines go on in the same file."""
        with self.errors.open("ab") as errors, self.output.open("ab") as output:
            self.process = subprocess.Popen(
                self._command,
                cwd=self.directory,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=errors,
            )
        return self

    def kill(self) -> None:
        """End it at once, as `kill -9` does."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def pause(self) -> None:
        """Stop it where it is (SIGSTOP)."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on (SIGCONT)."""
        self._signal(signal.SIGCONT)

    def terminate(self) -> int:
        """Ask it to end (SIGTERM), and return its exit status."""
        self._signal(signal.SIGTERM)
        return self.ended()

    def ended(self) -> int:
        """Wait until it has ended by itself, and return its exit status."""
        assert self.process is not None
        try:
            return self.process.wait(STOP_LIMIT_S)
        except subprocess.TimeoutExpired:
            raise ReplicaFailed(self._report(f"does not end in {STOP_LIMIT_S} s")) from None

    def until(self, what: str, is_so: Callable[[], bool]) -> None:
        """Wait until something is so.

        Raises:
            ReplicaFailed: A minute passed, or the process has ended; with the end of its log.
        """
        assert self.process is not None
        deadline = time.monotonic() + LIMIT_S
        while time.monotonic() < deadline:
            if is_so():
                return
            if (status := self.process.poll()) is not None:
                raise ReplicaFailed(self._report(f"ended with status {status}, before {what}"))
            time.sleep(POLL_S)
        raise ReplicaFailed(self._report(f"{what}: not so in {LIMIT_S} s"))

    def until_said(self, event: str) -> dict[str, Any]:
        """Wait for a log line of this process, and return the last one that says so."""
        self.until(f"it says {event!r}", lambda: bool(self.said(event)))
        return self.said(event)[-1]

    def said(self, event: str) -> list[dict[str, Any]]:
        """Return the log lines that say something."""
        return [line for line in self.lines() if line.get("event") == event]

    def lines(self) -> list[dict[str, Any]]:
        """Return all complete log lines; what is no JSON is a defect."""
        text = self.errors.read_text() if self.errors.exists() else ""
        return [json.loads(line) for line in text.split("\n")[:-1] if line.startswith("{")]

    def until_leading(self) -> int:
        """Wait until this process leads, and return its epoch."""
        self.until("it leads", lambda: self.ready().startswith("[+] log: leading"))
        return int(self.said("leading")[-1]["epoch"])

    def until_ready(self) -> None:
        """Wait until it says that it is ready."""
        self.until("it is ready", lambda: self.get("/readyz")[0] == 200)

    def ready(self) -> str:
        """Return what `/readyz` says; empty while nothing answers."""
        return self.get("/readyz")[1]

    def metric(self, name: str) -> float:
        """Return the value of a metric, with its labels if it has some; 0 if it is not there."""
        for line in self.get("/metrics")[1].splitlines():
            found, _, value = line.rpartition(" ")
            if found == name:
                return float(value)
        return 0.0

    def get(self, path: str) -> tuple[int, str]:
        """Ask its HTTP endpoint; status 0 while nothing answers."""
        serving = self.said("serving")
        if not serving:
            return 0, ""
        try:
            with urlopen(f"http://127.0.0.1:{serving[-1]['port']}{path}", timeout=5) as answer:
                return answer.status, answer.read().decode()
        except HTTPError as error:
            return error.code, error.read().decode()
        except (URLError, OSError):
            return 0, ""

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *exception: object) -> None:
        with suppress(ProcessLookupError):
            self.kill()

    def _signal(self, number: int) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    def _report(self, what: str) -> str:
        tail = self.errors.read_text(errors="replace")[-TAIL:]
        return f"the replica in {self.directory.name} {what}; its log ends:\n{tail}"


def s3_environment(server: S3Endpoint) -> dict[str, str]:
    """Return the variables by which a replica finds its credentials for an S3 server."""
    return {
        "AWS_ACCESS_KEY_ID": server.access_key,
        "AWS_SECRET_ACCESS_KEY": server.secret_key,
        "AWS_REGION": server.region,
    }
