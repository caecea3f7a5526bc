"""The kubelet: what makes a real node of containerd, and its pods' containers of the pods."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, ClassVar

from tests.cluster.apiserver import KUBELET, NODE
from tests.cluster.kwok import LABEL
from tests.cluster.node_program import NodeProgram
from tests.cluster.uplink import NODE_ADDRESS
from tests.servers.process import TOOLS

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cluster.apiserver import KubeApiserver
    from tests.cluster.containerd import Containerd

REAL = "real"
"""The value of kwok's label on a real node; a pod that must run there selects it."""
DOMAIN = "cluster.local"


class Kubelet(NodeProgram):
    """The kubelet of the node `real-0`.

    It trusts whoever reaches it: the API server by the uplink, and the node's own pods.
    """

    executable: ClassVar = TOOLS / "kubelet"
    health_port: ClassVar = 10248
    paths: ClassVar = ("/healthz",)

    def __init__(self, apiserver: KubeApiserver, containerd: Containerd, cgroup: str) -> None:
        """Write the configuration; nothing runs yet.

        Args:
            apiserver: The one whose pods it runs.
            containerd: What runs their containers.
            cgroup: Where it makes their cgroups.
        """
        super().__init__(containerd.space)
        self.kubeconfig = apiserver.advertised_kubeconfig_of(KUBELET)
        self.pod_logs = self.directory / "pod-logs"
        self._config = self.directory / "config.json"
        self._config.write_text(json.dumps(self._configuration(containerd, cgroup)))

    def arguments(self) -> list[str]:
        return [
            f"--config={self._config}",
            f"--kubeconfig={self.kubeconfig}",
            f"--root-dir={self.directory / 'root'}",
            f"--cert-dir={self.directory / 'certificates'}",
            f"--hostname-override={NODE}",
            f"--node-ip={NODE_ADDRESS}",
            f"--node-labels={LABEL}={REAL}",
        ]

    def keep_logs(self, directory: Path) -> None:
        """Copy its log, and those of the pods that are there."""
        super().keep_logs(directory)
        if self.pod_logs.exists():
            shutil.copytree(self.pod_logs, directory / self.pod_logs.name)

    def _configuration(self, containerd: Containerd, cgroup: str) -> dict[str, object]:
        return {
            "apiVersion": "kubelet.config.k8s.io/v1beta1",
            "kind": "KubeletConfiguration",
            "address": NODE_ADDRESS,
            "healthzBindAddress": NODE_ADDRESS,
            "healthzPort": self.health_port,
            "authentication": {"anonymous": {"enabled": True}, "webhook": {"enabled": False}},
            "authorization": {"mode": "AlwaysAllow"},
            "containerRuntimeEndpoint": f"unix://{containerd.socket}",
            "clusterDNS": [NODE_ADDRESS],
            "clusterDomain": DOMAIN,
            "resolvConf": "",  # the names of this machine's network mean nothing to a pod
            "podLogsDir": str(self.pod_logs),
            "volumePluginDir": str(self.directory / "volume-plugins"),
            "cgroupDriver": "cgroupfs",
            "cgroupRoot": cgroup,
            "enforceNodeAllocatable": [],
            "failCgroupV1": False,
            "failSwapOn": False,
            # A machine with a full disk runs tests too, and no image can be pulled anew.
            "evictionHard": {
                "memory.available": "0%",
                "nodefs.available": "0%",
                "nodefs.inodesFree": "0%",
                "imagefs.available": "0%",
                "imagefs.inodesFree": "0%",
            },
            "imageGCHighThresholdPercent": 100,
        }
