"""What lets a real node reach the API server, which listens on loopback only."""

from __future__ import annotations

import ssl
from http.client import HTTPConnection, HTTPSConnection
from typing import TYPE_CHECKING, ClassVar

from tests.cluster.component import ASK_LIMIT_S, Component
from tests.cluster.node_space import PROBE

if TYPE_CHECKING:
    from tests.cluster.apiserver import KubeApiserver


class Relay(Component):
    """Passes TCP connections on from the address that the API server advertises."""

    program: ClassVar = PROBE
    paths: ClassVar = ("/readyz",)

    def __init__(self, apiserver: KubeApiserver) -> None:
        """Make its directory; nothing runs yet.

        Args:
            apiserver: Where to pass connections on to.
        """
        super().__init__()
        self.apiserver = apiserver
        self.endpoint = apiserver.advertised
        self.headers = apiserver.headers

    def command(self) -> list[str]:
        return ["relay", self.endpoint, self.apiserver.endpoint]

    def connection(self) -> HTTPConnection:
        trust = ssl.create_default_context(cafile=self.apiserver.ca_file)
        return HTTPSConnection(self.endpoint, timeout=ASK_LIMIT_S, context=trust)
