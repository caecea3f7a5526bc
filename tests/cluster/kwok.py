"""kwok: fake nodes, and pods on them that only seem to run."""

from __future__ import annotations

from http.client import HTTPConnection
from typing import TYPE_CHECKING, Any, ClassVar

from rynxs.documents import dump_documents
from tests.cluster.apiserver import KWOK
from tests.cluster.component import ASK_LIMIT_S, Component
from tests.cluster.stages import stages
from tests.servers.process import TOOLS

if TYPE_CHECKING:
    from tests.cluster.apiserver import KubeApiserver

LABEL = "rynxs.test/node"
FAKE = "fake"
"""The label's value on the nodes that kwok speaks for; it leaves any other node alone."""
PODS = "10.244.0.1/16"
LEASE_S = 40


def fake_node(name: str) -> dict[str, Any]:
    """Return the manifest of a node that kwok makes ready, with room for any number of pods."""
    labels = {
        LABEL: FAKE,
        "kubernetes.io/hostname": name,
        "kubernetes.io/os": "linux",
    }
    return {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "labels": labels}}


class Kwok(Component):
    """The kubelet of every fake node: takes their pods through the stages, and renews leases."""

    program: ClassVar = TOOLS / "kwok"
    paths: ClassVar = ("/readyz",)

    def __init__(self, apiserver: KubeApiserver) -> None:
        """Reserve a port and write the stages; nothing runs yet.

        Args:
            apiserver: The one whose fake nodes it speaks for.
        """
        super().__init__()
        self.apiserver = apiserver
        self._stages = self.directory / "stages.yaml"
        self._stages.write_text(dump_documents(stages()))

    def command(self) -> list[str]:
        return [
            f"--kubeconfig={self.apiserver.kubeconfig_of(KWOK)}",
            f"--config={self._stages}",
            f"--server-address={self.endpoint}",
            f"--manage-nodes-with-label-selector={LABEL}={FAKE}",
            f"--node-lease-duration-seconds={LEASE_S}",
            f"--cidr={PODS}",
        ]

    def connection(self) -> HTTPConnection:
        return HTTPConnection(self.endpoint, timeout=ASK_LIMIT_S)
