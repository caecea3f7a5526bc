"""kube-scheduler: what gives a pod its node."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from tests.cluster.apiserver import SCHEDULER
from tests.cluster.component import UNLIMITED, SecureComponent
from tests.servers.endpoint import LOOPBACK
from tests.servers.process import TOOLS

if TYPE_CHECKING:
    from tests.cluster.apiserver import KubeApiserver


class KubeScheduler(SecureComponent):
    """The scheduler with its default profile."""

    program: ClassVar = TOOLS / "kube-scheduler"
    paths: ClassVar = ("/readyz",)

    def __init__(self, apiserver: KubeApiserver) -> None:
        """Reserve a port; nothing runs yet.

        Args:
            apiserver: The one whose pods it schedules.
        """
        super().__init__(self.program.name)
        self.apiserver = apiserver

    def command(self) -> list[str]:
        return [
            f"--kubeconfig={self.apiserver.kubeconfig_of(SCHEDULER)}",
            f"--bind-address={LOOPBACK}",
            f"--secure-port={self._port.number}",
            f"--cert-dir={self.ca_file.parent}",
            "--leader-elect=false",
            *UNLIMITED,
        ]
