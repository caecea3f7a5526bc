"""kube-proxy: what makes a Service's address lead to pods, and 10.96.0.1 to the API server."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, ClassVar

from tests.cluster.apiserver import KUBE_PROXY, NODE
from tests.cluster.node_program import NodeProgram
from tests.cluster.uplink import NODE_ADDRESS, REAL_PODS
from tests.servers.process import TOOLS

if TYPE_CHECKING:
    from tests.cluster.apiserver import KubeApiserver
    from tests.cluster.node_space import NodeSpace


class KubeProxy(NodeProgram):
    """kube-proxy on nftables; it serves once it has written its first rules."""

    executable: ClassVar = TOOLS / "kube-proxy"
    health_port: ClassVar = 10256
    paths: ClassVar = ("/healthz",)

    def __init__(self, space: NodeSpace, apiserver: KubeApiserver) -> None:
        """Write the configuration; nothing runs yet.

        Args:
            space: The namespaces that it will run in.
            apiserver: The one whose Services it serves.
        """
        super().__init__(space)
        kubeconfig = apiserver.advertised_kubeconfig_of(KUBE_PROXY)
        self._config = self.directory / "config.json"
        self._config.write_text(
            json.dumps(
                {
                    "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
                    "kind": "KubeProxyConfiguration",
                    "mode": "nftables",
                    "clientConnection": {"kubeconfig": str(kubeconfig)},
                    "clusterCIDR": REAL_PODS,
                    "conntrack": {
                        "maxPerCore": 0,
                        "min": 0,
                    },  # the whole machine's is left as it is
                    "healthzBindAddress": f"{NODE_ADDRESS}:{self.health_port}",
                    "metricsBindAddress": f"{NODE_ADDRESS}:10249",
                    "hostnameOverride": NODE,
                }
            )
        )

    def arguments(self) -> list[str]:
        return [f"--config={self._config}"]
