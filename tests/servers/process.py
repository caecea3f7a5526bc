"""An S3 server that is a program: started, killed, and started again with the same data."""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from abc import ABC, abstractmethod
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Self

from botocore.exceptions import BotoCoreError, ClientError

from tests.servers.endpoint import S3Endpoint
from tests.servers.port import ReservedPort

if TYPE_CHECKING:
    from tests.servers.certificate import Certificate

TOOLS = Path(__file__).parents[2] / ".tools"
START_LIMIT_S = 60.0
STOP_LIMIT_S = 10.0
POLL_S = 0.02
LOG_TAIL_CHARACTERS = 3000


class ServerFailed(Exception):
    """A server's program is missing, ended by itself, or did not answer in time."""


class ServerProcess(S3Endpoint, ABC):
    """A program on a port of its own, with a temporary directory for its data and its log.

    A context manager; or `start`, and `stop` at the end. In between it may be killed and restarted:
    port, credentials and data stay.
    """

    program: ClassVar[Path]
    """The executable file."""

    def __init__(self, certificate: Certificate | None = None) -> None:
        """Reserve a port; nothing runs yet.

        Args:
            certificate: Makes the server speak TLS, and TLS only.
        """
        self._port = ReservedPort()
        super().__init__(self._port.number, ca_file=certificate.file if certificate else None)
        self._temporary = tempfile.TemporaryDirectory(prefix=f"rynxs-{self.program.name}-")
        self.directory = Path(self._temporary.name)
        self.certificate = certificate
        self._process: subprocess.Popen[bytes] | None = None

    @abstractmethod
    def command(self) -> list[str]:
        """The arguments after the program, for this port, directory and certificate."""

    @abstractmethod
    def settings(self) -> dict[str, str]:
        """The environment variables that carry the credentials."""

    def start(self) -> Self:
        """Start the program and wait until it answers a signed request.

        Raises:
            ServerFailed: It is missing, it ended, or a minute passed; with the end of its log.
        """
        if not self.program.is_file():
            raise ServerFailed(f"{self.program} is missing; `make e2e` builds it")
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
            self._wait()
        except BaseException:
            self.kill()
            raise
        return self

    def kill(self) -> None:
        """End the program at once, as `kill -9` does; its data stay."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

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

    def _wait(self) -> None:
        assert self._process is not None
        client = self.client()
        deadline = time.monotonic() + START_LIMIT_S
        answer = "no answer"
        try:
            while time.monotonic() < deadline:
                if (status := self._process.poll()) is not None:
                    raise ServerFailed(self._report(f"ended with status {status}"))
                try:
                    client.list_buckets()
                except (BotoCoreError, ClientError) as error:
                    answer = str(error)
                else:
                    return
                time.sleep(POLL_S)
        finally:
            client.close()
        raise ServerFailed(self._report(f"gives no good answer in {START_LIMIT_S} s: {answer}"))

    def _report(self, what: str) -> str:
        tail = self._log.read_text(errors="replace")[-LOG_TAIL_CHARACTERS:]
        return f"{self.program.name} on {self.endpoint} {what}; its log ends:\n{tail}"
