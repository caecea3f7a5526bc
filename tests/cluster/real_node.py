"""A real node for a running cluster: containerd and the kubelet run the containers of its pods.

A pod there has a network, a token of its service account and the cluster's DNS, and reaches the API
server and Services as in any cluster; `kubectl logs` and `exec` work. A pod that must not be put on
a fake node selects the label `rynxs.test/node: real`. What is still not real:

- There is no registry. An image has to be given to the node (`RealNode.import_image`).
- A NetworkPolicy is enforced by nobody, as none of the programs does it.
- There is no way out of the cluster: its DNS knows no other names, and pods have no other routes.

It takes root and Linux, and what else `tests.cluster.node_prerequisites` says; it was tried with
cgroups v1 only. All that runs is in namespaces of the node's own (`tests.cluster.node_space`).
Outside of them are a cgroup, a network link with a route (`tests.cluster.uplink`) and temporary
directories; all are removed. A machine runs one node at a time: whoever wants another waits.
"""

from __future__ import annotations

import fcntl
import sys
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tests.cluster.apiserver import NODE
from tests.cluster.cgroup import node_cgroup
from tests.cluster.containerd import Containerd
from tests.cluster.coredns import CoreDNS
from tests.cluster.image import Image
from tests.cluster.kube_proxy import KubeProxy
from tests.cluster.kubelet import Kubelet
from tests.cluster.node_prerequisites import missing_for_node
from tests.cluster.node_space import PROBE, NodeSpace
from tests.cluster.relay import Relay
from tests.cluster.uplink import uplink
from tests.servers.process import ServerFailed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.cluster.component import Component
    from tests.cluster.node_program import NodeProgram
    from tests.cluster.running import RunningCluster

PROBE_IMAGE = Image("rynxs.test/probe:1", {"/probe": PROBE}, ["/probe", "stay"])
"""What does in a pod what a test wants (tests/tools/probe); also what holds a pod's namespaces."""


@dataclass(frozen=True)
class RealNode:
    """A node that is ready, and that has the probe's image.

    Attributes:
        name: The Node's.
        space: Its namespaces.
        cgroup: The path of its cgroup in each hierarchy.
        link: The name of the network link to it.
    """

    name: str
    space: NodeSpace
    cgroup: str
    link: str
    relay: Relay
    containerd: Containerd
    kubelet: Kubelet
    kube_proxy: KubeProxy
    coredns: CoreDNS

    @property
    def programs(self) -> tuple[NodeProgram, ...]:
        """The programs that run in its namespaces."""
        return (self.containerd, self.kubelet, self.kube_proxy, self.coredns)

    @property
    def components(self) -> tuple[Component, ...]:
        """All its programs."""
        return (self.relay, *self.programs)

    def import_image(self, image: Image) -> None:
        """Give the node an image, for pods whose `imagePullPolicy` is not `Always`.

        Raises:
            ServerFailed: containerd does not take it.
        """
        self.containerd.import_image(image)

    def keep_logs(self) -> Path:
        """End the node, and copy the logs of its programs and pods to a new directory, kept.

        Returns:
            The directory.
        """
        self.space.kill()
        directory = Path(tempfile.mkdtemp(prefix="rynxs-node-logs-"))
        for program in self.programs:
            program.keep_logs(directory)
        return directory


@contextmanager
def real_node(cluster: RunningCluster) -> Iterator[RealNode]:
    """Join a real node to a cluster; in the end it is killed and nothing of it is left.

    What the body raises gets a note that says where the logs are kept.

    Raises:
        ServerFailed: Something is missing for it (says what), or a program of it ended or did not
            serve within a minute; with the end of its log.
    """
    if missing := missing_for_node():
        raise ServerFailed(missing)
    apiserver = cluster.apiserver
    with (
        _only_one(),
        node_cgroup() as cgroup,
        NodeSpace() as space,
        uplink(space) as link,
        Relay(apiserver) as relay,
        Containerd(space, PROBE_IMAGE) as containerd,
        Kubelet(apiserver, containerd, cgroup) as kubelet,
        KubeProxy(space, apiserver) as kube_proxy,
        CoreDNS(space, apiserver) as coredns,
    ):
        node = RealNode(NODE, space, cgroup, link, relay, containerd, kubelet, kube_proxy, coredns)
        try:
            node.import_image(PROBE_IMAGE)
            _wait_until_ready(cluster)
            yield node
        except Exception as error:
            error.add_note(f"The logs of the node {NODE} are in {node.keep_logs()}")
            raise
        finally:
            # By Ctrl-C the cluster ends too, and its API server, told so, takes half a minute.
            if not isinstance(sys.exception(), KeyboardInterrupt):
                cluster.kubectl.run("delete", "node", NODE, "--wait=false")


@contextmanager
def _only_one() -> Iterator[None]:
    """Wait until no other process of this machine has a real node; the kernel sees when it ends.

    The file stays: whoever removed it would part those who wait from those who come.
    """
    with (Path(tempfile.gettempdir()) / "rynxs-real-node.lock").open("ab") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            sys.stderr.write("Another process has this machine's real node; waiting for its end.\n")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _wait_until_ready(cluster: RunningCluster) -> None:
    for condition in ("create", "condition=Ready"):
        answer = cluster.kubectl.wait(condition, f"node/{NODE}")
        if answer.status != 0:
            raise ServerFailed(f"the node {NODE} does not get ready: {answer.out}{answer.err}")
