"""The control plane of a cluster: etcd and kube-apiserver.

Without controllers and nodes nothing happens to an object by itself: no pod is made for a
Deployment, no service account in a namespace (so no pod is admitted there), nothing is collected,
and a namespace that is deleted stays. What the API server decides is all real: schemas, CEL, field
validation, server-side apply, RBAC, admission with Pod Security. `tests.cluster.running` has the
rest.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.cluster.apiserver import KubeApiserver
from tests.cluster.etcd import Etcd
from tests.cluster.kubectl import Kubectl

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True)
class Cluster:
    """The programs of a cluster that runs, and kubectl to speak to it."""

    etcd: Etcd
    apiserver: KubeApiserver
    kubectl: Kubectl


@contextmanager
def control_plane(*, audit: bool = False) -> Iterator[Cluster]:
    """Run a new cluster; in the end it is killed and nothing of it is left.

    Args:
        audit: Write the audit log.

    Raises:
        ServerFailed: A program is missing, ended, or did not serve within a minute; with the end of
            its log.
    """
    with Etcd() as etcd, KubeApiserver(etcd.url, audit=audit) as apiserver:
        yield Cluster(etcd, apiserver, Kubectl(apiserver.kubeconfig))
