"""What a pod on a real node reaches of this machine: a server on loopback, as a Service."""

from __future__ import annotations

import socket
from contextlib import contextmanager
from typing import TYPE_CHECKING, ClassVar

from tests.cluster.apiserver import NOWHERE
from tests.cluster.node_space import PROBE
from tests.servers.process import Program

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.cluster.kubectl import Kubectl


class Passage(Program):
    """Passes TCP connections on from the uplink's address, which is there with a real node."""

    program: ClassVar = PROBE

    def __init__(self, server: str) -> None:
        """Reserve a port; nothing runs yet.

        Args:
            server: Where to pass connections on to, as `127.0.0.1:PORT`.
        """
        super().__init__()
        self.port = self._port.number
        self._server = server

    def command(self) -> list[str]:
        return ["relay", f"{NOWHERE}:{self.port}", self._server]

    def wait(self) -> None:
        self.until(self._complaint)

    def _complaint(self) -> str | None:
        try:
            socket.create_connection((NOWHERE, self.port)).close()
        except OSError as error:
            return str(error)
        return None


@contextmanager
def service(kubectl: Kubectl, namespace: str, name: str, port: int, server: str) -> Iterator[None]:
    """Make a Service that leads to a server of this machine; the namespace's end is its end.

    Args:
        kubectl: Of the cluster.
        namespace: Of the Service.
        name: Of the Service.
        port: Of the Service.
        server: As `127.0.0.1:PORT`.
    """
    with Passage(server) as passage:
        metadata = {"name": name, "namespace": namespace}
        labels = {"kubernetes.io/service-name": name}
        made = kubectl.apply(
            {
                "apiVersion": "v1",
                "kind": "Service",
                "metadata": metadata,
                "spec": {"ports": [{"port": port, "targetPort": passage.port}]},
            },
            {
                "apiVersion": "discovery.k8s.io/v1",
                "kind": "EndpointSlice",
                "metadata": {**metadata, "labels": labels},
                "addressType": "IPv4",
                "ports": [{"port": passage.port, "protocol": "TCP"}],
                "endpoints": [{"addresses": [NOWHERE]}],
            },
        )
        assert made.status == 0, made.err
        yield
