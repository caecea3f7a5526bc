"""CoreDNS: what tells pods the addresses of Services, at the node's own address."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from tests.cluster.apiserver import COREDNS
from tests.cluster.kubelet import DOMAIN
from tests.cluster.node_program import NodeProgram
from tests.cluster.uplink import NODE_ADDRESS
from tests.servers.process import TOOLS

if TYPE_CHECKING:
    from tests.cluster.apiserver import KubeApiserver
    from tests.cluster.node_space import NodeSpace

COREFILE = """
.:53 {{
  bind {address}
  ready {address}:{port}
  errors
  kubernetes {domain} {{
    kubeconfig {kubeconfig}
  }}
}}
"""


class CoreDNS(NodeProgram):
    """CoreDNS for the names of the cluster; it knows no others, and asks nobody for them."""

    executable: ClassVar = TOOLS / "coredns"
    health_port: ClassVar = 8181
    paths: ClassVar = ("/ready",)

    def __init__(self, space: NodeSpace, apiserver: KubeApiserver) -> None:
        """Write the configuration; nothing runs yet.

        Args:
            space: The namespaces that it will run in.
            apiserver: The one whose Services it names.
        """
        super().__init__(space)
        self._config = self.directory / "Corefile"
        self._config.write_text(
            COREFILE.format(
                address=NODE_ADDRESS,
                port=self.health_port,
                domain=DOMAIN,
                kubeconfig=apiserver.advertised_kubeconfig_of(COREDNS),
            )
        )

    def arguments(self) -> list[str]:
        return [f"-conf={self._config}"]
