"""A cluster in which things happen: controllers, a scheduler, and fake nodes for the pods.

Deployments get pods and Jobs end, garbage is collected, and a namespace that is deleted goes away
(in 5 s, in 10 s with pods: its controller waits that long before it looks again).
Only the containers are not real: a pod's image is never pulled, nothing runs in it, nothing is
reachable at its address, and it has no logs; `tests.cluster.real_node` has a node where all is.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.cluster.apiserver import KubeApiserver
from tests.cluster.audit import AuditLog
from tests.cluster.control_plane import Cluster
from tests.cluster.controller_manager import KubeControllerManager
from tests.cluster.etcd import Etcd
from tests.cluster.kubectl import Kubectl
from tests.cluster.kwok import Kwok, fake_node
from tests.cluster.scheduler import KubeScheduler
from tests.servers.process import ServerFailed, require

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.cluster.component import Component
    from tests.cluster.kubectl import Answer

PROGRAMS = (Etcd, KubeApiserver, KubeControllerManager, KubeScheduler, Kwok, Kubectl)


@dataclass(frozen=True)
class RunningCluster(Cluster):
    """A cluster with all its programs, and the audit log of its API server."""

    controller_manager: KubeControllerManager
    scheduler: KubeScheduler
    kwok: Kwok
    audit: AuditLog

    @property
    def components(self) -> tuple[Component, ...]:
        """The programs that run, each after those it needs."""
        return (self.etcd, self.apiserver, self.controller_manager, self.scheduler, self.kwok)


@contextmanager
def running_cluster(nodes: int = 1) -> Iterator[RunningCluster]:
    """Run a new cluster; in the end it is killed and nothing of it is left.

    Args:
        nodes: How many fake nodes it has from the beginning, named `fake-0` and so on.

    Raises:
        ServerFailed: A program is missing, ended, or did not serve within a minute; with the end of
            its log.
    """
    for program in PROGRAMS:
        require(program.program)
    with (
        Etcd() as etcd,
        KubeApiserver(etcd.url, audit=True) as apiserver,
        KubeControllerManager(apiserver) as controller_manager,
        KubeScheduler(apiserver) as scheduler,
        Kwok(apiserver) as kwok,
    ):
        kubectl = Kubectl(apiserver.kubeconfig)
        audit = AuditLog(apiserver.audit_log)
        _make_ready(kubectl, nodes)
        yield RunningCluster(etcd, apiserver, kubectl, controller_manager, scheduler, kwok, audit)


def _make_ready(kubectl: Kubectl, nodes: int) -> None:
    """Make the nodes, and wait for them and for the controllers to have begun."""
    names = [f"fake-{number}" for number in range(nodes)]
    if names:
        _check(kubectl.apply(*map(fake_node, names)))
        _check(kubectl.wait("condition=Ready", *(f"node/{name}" for name in names)))
    _check(kubectl.wait("create", "serviceaccount/default"))


def _check(answer: Answer) -> None:
    if answer.status != 0:
        raise ServerFailed(f"the cluster does not get ready: {answer.out}{answer.err}")
