"""etcd, the store of a cluster."""

from __future__ import annotations

from http.client import HTTPConnection
from typing import ClassVar

from tests.cluster.component import ASK_LIMIT_S, Component
from tests.servers.endpoint import LOOPBACK
from tests.servers.process import TOOLS


class Etcd(Component):
    """One member, over HTTP. It syncs nothing: its data survive `kill`, but no power loss."""

    program: ClassVar = TOOLS / "etcd"
    paths: ClassVar = ("/readyz",)

    @property
    def url(self) -> str:
        """Where clients reach it."""
        return f"http://{self.endpoint}"

    def command(self) -> list[str]:
        return [
            f"--data-dir={self.directory / 'data'}",
            f"--listen-client-urls={self.url}",
            f"--advertise-client-urls={self.url}",
            # There is no other member, so this may be any port, and nobody has to know it.
            f"--listen-peer-urls=http://{LOOPBACK}:0",
            "--unsafe-no-fsync",
        ]

    def connection(self) -> HTTPConnection:
        return HTTPConnection(self.endpoint, timeout=ASK_LIMIT_S)
