"""Pods of the probe on a real node, in a namespace that admits restricted ones only."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from tests.cluster.kubectl import WAIT_S
from tests.cluster.kubelet import REAL
from tests.cluster.kwok import LABEL
from tests.cluster.node_space import STAYS
from tests.cluster.real_node import PROBE_IMAGE

if TYPE_CHECKING:
    from tests.cluster.kubectl import Answer, Kubectl

USER = 65532
RESTRICTED = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "readOnlyRootFilesystem": True,
    "runAsNonRoot": True,
    "runAsUser": USER,
    "seccompProfile": {"type": "RuntimeDefault"},
}


class RestrictedNamespace:
    """A new namespace whose pods must be restricted ones, and what a test does in it."""

    def __init__(self, kubectl: Kubectl) -> None:
        """Make it, and wait until pods are admitted."""
        self.name = f"test-{uuid4().hex}"
        self._kubectl = kubectl
        self.done("create", "namespace", self.name)
        enforced = "pod-security.kubernetes.io/enforce=restricted"
        self.done("label", "namespace", self.name, enforced)
        self.wait("create", "serviceaccount/default")

    def run(self, *arguments: object) -> Answer:
        """Run kubectl in the namespace."""
        return self._kubectl.run(f"--namespace={self.name}", *arguments)

    def done(self, *arguments: object) -> str:
        """Run kubectl in the namespace, successfully, and return what it prints."""
        answer = self.run(*arguments)
        assert answer.status == 0, answer.err
        return answer.out

    def wait(self, condition: str, what: str) -> None:
        """Wait for a condition of an object, as `Kubectl.wait` does."""
        answer = self._kubectl.wait(condition, what, f"--namespace={self.name}")
        assert answer.status == 0, f"{answer.err}{self.run('describe', 'pods').out}"

    def start(self, *arguments: str, name: str = "one") -> None:
        """Make a restricted pod that runs the probe."""
        container = {
            "name": "main",
            "image": PROBE_IMAGE.name,
            "args": list(arguments),
            "command": ["/probe"],
            "securityContext": RESTRICTED,
        }
        spec = {
            "containers": [container],
            "nodeSelector": {LABEL: REAL},
            "restartPolicy": "Never",
            "terminationGracePeriodSeconds": 1,
        }
        metadata = {"name": name, "namespace": self.name}
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}
        answer = self._kubectl.apply(pod)
        assert (answer.status, answer.warnings) == (0, []), answer.err

    def start_ready(self) -> None:
        """Make a restricted pod that stays, and wait until it is ready and has said so.

        Raises:
            TimeoutError: It is ready, and has said nothing for three quarters of a minute.
        """
        self.start("stay")
        self.wait("condition=Ready", "pod/one")
        deadline = time.monotonic() + WAIT_S
        while STAYS not in self.done("logs", "one"):
            if time.monotonic() > deadline:
                raise TimeoutError(f"the pod one has not said that {STAYS} after {WAIT_S} s")

    def probe(self, *arguments: str) -> Answer:
        """Run the probe in the pod."""
        return self.run("exec", "one", "--", "/probe", *arguments)

    def pod(self) -> dict[str, Any]:
        """Read the pod."""
        pod: dict[str, Any] = self.run("get", "pod", "one", "-o", "json").json()
        return pod
