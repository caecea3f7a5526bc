"""containerd: what pulls no image here, and runs the containers of a real node's pods."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING, ClassVar

from tests.cluster.node_program import NodeProgram
from tests.cluster.uplink import NODE_ADDRESS, REAL_PODS
from tests.servers.process import TOOLS, ServerFailed

if TYPE_CHECKING:
    from tests.cluster.image import Image
    from tests.cluster.node_space import NodeSpace

CTR = TOOLS / "ctr"
RUNC = TOOLS / "runc"
SHIM = TOOLS / "containerd-shim-runc-v2"
CNI = TOOLS / "cni"
CNI_PLUGINS = tuple(CNI / name for name in ("host-local", "loopback", "ptp"))
IMPORT_LIMIT_S = 60

# Each pod has a link of its own to the node, so that all it sends is routed. On a bridge a pod of
# the same node would answer past the node, which would not see that a Service had been asked.
POD_NETWORK = {
    "cniVersion": "1.0.0",
    "name": "pods",
    "plugins": [
        {
            "type": "ptp",
            "ipam": {
                "type": "host-local",
                "ranges": [[{"subnet": REAL_PODS}]],
                "routes": [{"dst": "0.0.0.0/0"}],
            },
        }
    ],
}

CONFIG = """
version = 3
root = {root}
[grpc]
address = {socket}
[metrics]
address = {metrics}
[plugins.'io.containerd.cri.v1.images'.pinned_images]
sandbox = {sandbox}
[plugins.'io.containerd.cri.v1.runtime']
# Without CAP_SYS_RESOURCE a lower value than one's own can't be set, and no sandbox would start.
restrict_oom_score_adj = true
[plugins.'io.containerd.cri.v1.runtime'.cni]
bin_dirs = [{plugins}]
conf_dir = {networks}
[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc]
runtime_type = 'io.containerd.runc.v2'
[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc.options]
BinaryName = {runc}
"""


class Containerd(NodeProgram):
    """containerd with runc, and with a network for the pods."""

    executable: ClassVar = TOOLS / "containerd"
    health_port: ClassVar = 1338
    paths: ClassVar = ("/v1/metrics",)

    def __init__(self, space: NodeSpace, pause: Image) -> None:
        """Write the configuration; nothing runs yet.

        Args:
            space: The namespaces that it will run in.
            pause: The image of the container that holds a pod's namespaces; imported by nobody yet.
        """
        super().__init__(space)
        self.socket = self.directory / "socket"
        networks = self.directory / "networks"
        networks.mkdir()
        (networks / "pods.conflist").write_text(json.dumps(POD_NETWORK))
        values = {
            "root": self.directory / "root",
            "socket": self.socket,
            "metrics": f"{NODE_ADDRESS}:{self.health_port}",
            "sandbox": pause.name,
            "plugins": CNI,
            "networks": networks,
            "runc": RUNC,
        }
        self._config = self.directory / "config.toml"
        # A string of JSON is one of TOML.
        quoted = {name: json.dumps(str(value)) for name, value in values.items()}
        self._config.write_text(CONFIG.format(**quoted))

    def arguments(self) -> list[str]:
        return [f"--config={self._config}"]

    def import_image(self, image: Image) -> None:
        """Make an image known to the node, which then need not pull it.

        Raises:
            ServerFailed: containerd does not take it.
        """
        archive = self.directory / "image.tar"
        image.write(archive)
        done = subprocess.run(
            [CTR, f"--address={self.socket}", "--namespace=k8s.io", "images", "import", archive],
            env={},
            capture_output=True,
            text=True,
            timeout=IMPORT_LIMIT_S,
            check=False,
        )
        archive.unlink()
        if done.returncode != 0:
            raise ServerFailed(f"{image.name} can't be imported: {done.stderr.strip()}")
