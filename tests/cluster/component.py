"""A program of a cluster: asked over HTTP whether it serves, and ended by SIGKILL."""

from __future__ import annotations

import ssl
from abc import abstractmethod
from contextlib import closing
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import TYPE_CHECKING, ClassVar

from tests.servers.process import Program

if TYPE_CHECKING:
    from collections.abc import Mapping

ASK_LIMIT_S = 5.0
UNLIMITED = ("--kube-api-qps=1000", "--kube-api-burst=1000")
"""What lets a controller ask as often as it likes: by default each makes 20 pods a second."""


class Component(Program):
    """One of the programs; none of its data outlives it, so it need not end in order."""

    paths: ClassVar[tuple[str, ...]]
    """What answers GET with 200 once the component serves, asked in this order."""

    headers: Mapping[str, str] = {}
    """The headers to ask with."""

    @abstractmethod
    def connection(self) -> HTTPConnection:
        """Make a connection to it.

        Raises:
            OSError: What it takes is not there yet.
        """

    def wait(self) -> None:
        self.until(self._complaint)

    def stop(self) -> None:
        """End the program at once, for kube-apiserver takes a minute to do it in order."""
        self.kill()
        super().stop()

    def _complaint(self) -> str | None:
        try:
            with closing(self.connection()) as connection:
                for path in self.paths:
                    connection.request("GET", path, headers=self.headers)
                    answer = connection.getresponse()
                    body = answer.read().decode(errors="replace")
                    if answer.status != 200:
                        return f"{path} is answered {answer.status}: {body}"
        except (OSError, HTTPException) as error:
            return str(error)
        return None


class SecureComponent(Component):
    """A component that speaks TLS; its certificate is its own and serves as its CA file.

    Attributes:
        ca_file: What to verify its certificate with, alone in a directory with its key; there once
            it serves.
    """

    def __init__(self, certificate: str) -> None:
        """Reserve a port; nothing runs yet.

        Args:
            certificate: The name under which it writes its certificate.
        """
        super().__init__()
        self.ca_file = self.directory / "certificates" / f"{certificate}.crt"

    def connection(self) -> HTTPConnection:
        trust = ssl.create_default_context(cafile=self.ca_file)
        return HTTPSConnection(self.endpoint, timeout=ASK_LIMIT_S, context=trust)
