"""``python -m tests.cluster [--nodes N]``: a running cluster to use by hand, until Ctrl-C."""

from __future__ import annotations

import os
import signal
import sys
from argparse import ArgumentParser
from typing import TYPE_CHECKING

from tests.cluster.running import running_cluster
from tests.servers.process import ServerFailed

if TYPE_CHECKING:
    from tests.cluster.running import RunningCluster

ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def main(arguments: list[str] | None = None) -> int:
    """Run the cluster, tell how to use it, and end it when that is asked for.

    Returns:
        0 when it was ended so; 1 when it could not start, or one of its programs ended by itself.
    """
    parser = ArgumentParser(prog="python -m tests.cluster", description="Run a test cluster.")
    parser.add_argument("--nodes", type=int, default=1, help="fake nodes (default: 1)")
    nodes = parser.parse_args(arguments).nodes
    _say("Starting etcd, Kubernetes and kwok ...")
    try:
        with running_cluster(nodes) as cluster:
            _introduce(cluster)
            _stay(cluster)
    except ServerFailed as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except KeyboardInterrupt:
        pass
    _say("All of it has ended, and nothing is left.")
    return 0


def _introduce(cluster: RunningCluster) -> None:
    _say(f"export KUBECONFIG={cluster.apiserver.kubeconfig}")
    _say(f"kubectl is {cluster.kubectl.program}, the audit log {cluster.audit.file}")
    _say("Press Ctrl-C to end it.")


def _stay(cluster: RunningCluster) -> None:
    """Wait for the end; from then on it can't be asked for again, so that nothing is left.

    Raises:
        KeyboardInterrupt: It was asked for.
        ServerFailed: One of the programs ended by itself.
    """
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOWAIT)
        for component in cluster.components:
            component.wait()
    finally:
        for ending in ENDINGS:
            signal.signal(ending, signal.SIG_IGN)


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    for ending in ENDINGS:
        signal.signal(ending, signal.default_int_handler)
    sys.exit(main())
