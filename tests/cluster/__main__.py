"""``python -m tests.cluster [--nodes N] [--real-node [--images]]``: a cluster, until Ctrl-C."""

from __future__ import annotations

import os
import signal
import sys
from argparse import ArgumentParser
from contextlib import ExitStack
from typing import TYPE_CHECKING

from tests.cluster.containerd import CTR
from tests.cluster.helm import CHART, REPOSITORY
from tests.cluster.local_volumes import local_volumes
from tests.cluster.node_prerequisites import missing_for_node
from tests.cluster.real_cluster import VOLUMES, give_images
from tests.cluster.real_node import PROBE_IMAGE, real_node
from tests.cluster.running import running_cluster
from tests.images.build import built
from tests.servers.process import TOOLS, ServerFailed

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.cluster.component import Component
    from tests.cluster.real_node import RealNode
    from tests.cluster.running import RunningCluster

ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def main(arguments: list[str] | None = None) -> int:
    """Run the cluster, tell how to use it, and end it when that is asked for.

    Returns:
        0 when it was ended so; 1 when it could not start, or one of its programs ended by itself.
    """
    parser = ArgumentParser(prog="python -m tests.cluster", description="Run a test cluster.")
    parser.add_argument("--nodes", type=int, default=1, help="fake nodes (default: 1)")
    parser.add_argument("--real-node", action="store_true", help="a node with containers (as root)")
    parser.add_argument("--images", action="store_true", help="give it the product's, and volumes")
    options = parser.parse_args(arguments)
    if options.images and not options.real_node:
        parser.error("--images are for a --real-node")
    if options.real_node and (missing := missing_for_node()):
        sys.stderr.write(f"{missing}\n")
        return 1
    _say("Starting etcd, Kubernetes and kwok ...")
    try:
        with ExitStack() as running:
            cluster = running.enter_context(running_cluster(options.nodes))
            components = cluster.components
            if options.real_node:
                _say("Starting containerd, the kubelet, kube-proxy and CoreDNS ...")
                node = running.enter_context(real_node(cluster))
                components += node.components
                _introduce_node(node)
                if options.images:
                    _say("Building the product's images ...")
                    give_images(node, running.enter_context(built()))
                    running.enter_context(local_volumes(cluster.kubectl, VOLUMES))
                    _introduce_product()
            _introduce(cluster)
            _stay(components)
    except ServerFailed as error:
        for line in (error, *getattr(error, "__notes__", ())):
            sys.stderr.write(f"{line}\n")
        return 1
    except KeyboardInterrupt:
        pass
    _say("All of it has ended, and nothing is left.")
    return 0


def _introduce(cluster: RunningCluster) -> None:
    _say(f"export KUBECONFIG={cluster.apiserver.kubeconfig}")
    _say(f"kubectl is {cluster.kubectl.program}, the audit log {cluster.audit.file}")
    _say("Press Ctrl-C to end it.")


def _introduce_node(node: RealNode) -> None:
    _say(f"The node {node.name} has the image {PROBE_IMAGE.name}; to give it another:")
    _say(f"  {CTR} --address={node.containerd.socket} --namespace=k8s.io images import FILE.tar")


def _introduce_product() -> None:
    _say("Its images are there, and volumes for claims; to install it:")
    _say(f"  {TOOLS / 'helm'} install rynxs {CHART.relative_to(REPOSITORY)}")


def _stay(components: Iterable[Component]) -> None:
    """Wait for the end; from then on it can't be asked for again, so that nothing is left.

    Raises:
        KeyboardInterrupt: It was asked for.
        ServerFailed: One of the programs ended by itself.
    """
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOWAIT)
        for component in components:
            component.wait()
    finally:
        _say("Ending ...")
        for ending in ENDINGS:
            signal.signal(ending, signal.SIG_IGN)


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    for ending in ENDINGS:
        signal.signal(ending, signal.default_int_handler)
    sys.exit(main())
