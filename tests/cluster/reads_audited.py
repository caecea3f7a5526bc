"""kube-apiserver whose audit log holds all that service accounts ask."""

from __future__ import annotations

import json

from tests.cluster.apiserver import KubeApiserver

POLICY = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived", "ResponseStarted"],
    "rules": [
        {"level": "Metadata", "userGroups": ["system:serviceaccounts"]},
        {"level": "None"},
    ],
}


class ReadsAudited(KubeApiserver):
    """An API server that also writes down what was read, or might not be."""

    def __init__(self, etcd_url: str) -> None:
        """Reserve a port and write the files; nothing runs yet.

        Args:
            etcd_url: The etcd that it keeps its objects in.
        """
        super().__init__(etcd_url, audit=True)
        self._policy = self.directory / "reads-too.json"
        self._policy.write_text(json.dumps(POLICY))

    def command(self) -> list[str]:
        return [*super().command(), f"--audit-policy-file={self._policy}"]
