"""A server that is a program: started, killed, and started again with the same data."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import time
from abc import ABC, abstractmethod
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Self

from botocore.exceptions import BotoCoreError, ClientError

from tests.servers.endpoint import LOOPBACK, S3Endpoint
from tests.servers.port import ReservedPort

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.servers.certificate import Certificate

TOOLS = Path(__file__).parents[2] / ".tools"
START_LIMIT_S = 60.0
STOP_LIMIT_S = 10.0
POLL_S = 0.02
LOG_TAIL_CHARACTERS = 3000


class ServerFailed(Exception):
    """A server's program is missing, ended by itself, or did not answer in time."""


def require(program: Path) -> None:
    """Make sure that a program has been built.

    Raises:
        ServerFailed: It is missing.
    """
    if not program.is_file():
        raise ServerFailed(f"{program} is missing; `make e2e` builds it")


class Program(ABC):
    """A program on a port of its own, with a temporary directory for its data and its log.

    A context manager; or `start`, and `stop` at the end. In between it may be killed and restarted:
    port, credentials and data stay.
    """

    program: ClassVar[Path]
    """The executable file."""

    def __init__(self) -> None:
        """Reserve a port; nothing runs yet."""
        self._port = ReservedPort()
        self.endpoint = f"{LOOPBACK}:{self._port.number}"
        self._temporary = tempfile.TemporaryDirectory(prefix=f"rynxs-{self.program.name}-")
        self.directory = Path(self._temporary.name)
        self._process: subprocess.Popen[bytes] | None = None

    @abstractmethod
    def command(self) -> list[str]:
        """The arguments after the program, for this port and directory."""

    @abstractmethod
    def wait(self) -> None:
        """Wait `until` the program that was just started serves."""

    def settings(self) -> dict[str, str]:
        """The environment variables that it needs; none unless a subclass says so."""
        return {}

    def start(self) -> Self:
        """Start the program and wait until it serves.

        Raises:
            ServerFailed: It is missing, it ended, or a minute passed; with the end of its log.
        """
        require(self.program)
        environment = {"PATH": os.defpath, "HOME": str(self.directory), **self.settings()}
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [self.program, *self.command()],
                cwd=self.directory,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        try:
            self.wait()
        except BaseException:
            self.kill()
            raise
        return self

    def until(self, complaint: Callable[[], str | None]) -> None:
        """Ask, again and again, until there is nothing to complain of.

        Args:
            complaint: Asks the program once; gives what is wrong with its answer, if anything.

        Raises:
            ServerFailed: The program ended, or a minute passed; with the end of its log.
        """
        assert self._process is not None
        deadline = time.monotonic() + START_LIMIT_S
        answer: str | None = "no answer"
        while time.monotonic() < deadline:
            if (status := self._process.poll()) is not None:
                raise ServerFailed(self._report(f"ended with status {status}"))
            if (answer := complaint()) is None:
                return
            time.sleep(POLL_S)
        raise ServerFailed(self._report(f"gives no good answer in {START_LIMIT_S} s: {answer}"))

    def kill(self) -> None:
        """End the program at once, as `kill -9` does; its data stay."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def pause(self) -> None:
        """Stop the program where it is (SIGSTOP); `kill` ends it nevertheless."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let the program go on (SIGCONT)."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def restart(self) -> Self:
        """Kill the program if it still runs, and start it with the same port and data."""
        self.kill()
        return self.start()

    def stop(self) -> None:
        """End the program in order and remove its data; harmless when repeated."""
        if self._process is not None:
            self._process.terminate()
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(STOP_LIMIT_S)
        self.kill()
        self._port.close()
        self._temporary.cleanup()

    def __enter__(self) -> Self:
        try:
            return self.start()
        except BaseException:
            self.stop()
            raise

    def __exit__(self, *exception: object) -> None:
        self.stop()

    @property
    def _log(self) -> Path:
        return self.directory / "log"

    def _report(self, what: str) -> str:
        tail = self._log.read_text(errors="replace")[-LOG_TAIL_CHARACTERS:]
        return f"{self.program.name} on {self.endpoint} {what}; its log ends:\n{tail}"


class ServerProcess(Program, S3Endpoint):
    """An S3 server; it serves when it answers a signed request."""

    def __init__(self, certificate: Certificate | None = None) -> None:
        """Reserve a port; nothing runs yet.

        Args:
            certificate: Makes the server speak TLS, and TLS only.
        """
        Program.__init__(self)
        ca_file = certificate.file if certificate else None
        S3Endpoint.__init__(self, self._port.number, ca_file=ca_file)
        self.certificate = certificate

    def wait(self) -> None:
        with closing(self.client()) as client:

            def complaint() -> str | None:
                try:
                    client.list_buckets()
                except (BotoCoreError, ClientError) as error:
                    return str(error)
                return None

            self.until(complaint)
