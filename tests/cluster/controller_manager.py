"""kube-controller-manager: what makes pods for a Deployment or a Job, and collects garbage."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from tests.cluster.apiserver import CONTROLLER_MANAGER
from tests.cluster.component import UNLIMITED, SecureComponent
from tests.servers.endpoint import LOOPBACK
from tests.servers.process import TOOLS

if TYPE_CHECKING:
    from tests.cluster.apiserver import KubeApiserver


class KubeControllerManager(SecureComponent):
    """Every controller that is on by default, each by a service account of its own.

    It serves before its controllers have begun.
    """

    program: ClassVar = TOOLS / "kube-controller-manager"
    paths: ClassVar = ("/healthz",)

    def __init__(self, apiserver: KubeApiserver) -> None:
        """Reserve a port; nothing runs yet.

        Args:
            apiserver: The one whose objects it controls.
        """
        super().__init__(self.program.name)
        self.apiserver = apiserver

    def command(self) -> list[str]:
        return [
            f"--kubeconfig={self.apiserver.kubeconfig_of(CONTROLLER_MANAGER)}",
            f"--bind-address={LOOPBACK}",
            f"--secure-port={self._port.number}",
            f"--cert-dir={self.ca_file.parent}",
            f"--root-ca-file={self.apiserver.ca_file}",
            f"--service-account-private-key-file={self.apiserver.key_file}",
            "--use-service-account-credentials=true",
            "--leader-elect=false",
            *UNLIMITED,
        ]
