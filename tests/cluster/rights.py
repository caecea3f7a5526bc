"""A service account that has what rights a test leaves it, and may be given more."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from tests.cluster.kubectl import WAIT_S, Kubectl

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from tests.cluster.control_plane import Cluster

ACCOUNT = "operator"
_ALL = ("get", "list", "watch", "create", "patch", "delete")
_READ = ("get", "list", "watch")
_RESOURCES = {
    "agents": ("universe.ai", _READ),
    "agents/status": ("universe.ai", ("patch",)),
    "sessions": ("universe.ai", _READ),
    "sessions/status": ("universe.ai", ("patch",)),
    "configmaps": ("", _ALL),
    "persistentvolumeclaims": ("", _ALL),
    "serviceaccounts": ("", _ALL),
    "services": ("", _ALL),
    "deployments": ("apps", _ALL),
    "jobs": ("batch", _ALL),
    "networkpolicies": ("networking.k8s.io", _ALL),
    "events": ("events.k8s.io", ("create",)),
}
"""What an operator of one namespace needs there: each resource with its group and the verbs."""


class Account:
    """The service account of an operator, in a namespace.

    Attributes:
        kubeconfig: Speaks for it.
    """

    def __init__(self, cluster: Cluster, namespace: str) -> None:
        """Make it, with the right to read universes, which have no namespace, and none else."""
        self._kubectl = cluster.kubectl
        self._namespace = namespace
        self._apply(
            {
                "apiVersion": "v1",
                "kind": "ServiceAccount",
                "metadata": {"name": ACCOUNT, "namespace": namespace},
            },
            *self._bound("ClusterRole", [_rule("universes", "universe.ai", _READ)]),
        )
        made = cluster.kubectl.run("create", "token", ACCOUNT, "-n", namespace)
        assert made.status == 0, made.err
        self.kubeconfig: Path = cluster.apiserver.write_kubeconfig(
            f"{ACCOUNT}-{namespace}", made.out.strip()
        )
        self._mine = Kubectl(self.kubeconfig)

    def has_all_but(self, verb: str = "", resource: str = "") -> None:
        """Give it all that it needs in its namespace, save this, and wait until that counts."""
        rules = [
            _rule(each, group, [every for every in verbs if (every, each) != (verb, resource)])
            for each, (group, verbs) in _RESOURCES.items()
        ]
        self._apply(*self._bound("Role", rules))
        self._mine.wait_for_right("create", "events.events.k8s.io", "-n", self._namespace)
        if resource:
            self._wait_until_missing(verb, resource)

    def is_given(self, verb: str, resource: str) -> None:
        """Give it all that it needs, of which this was missing."""
        self.has_all_but()
        self._mine.wait_for_right(verb, self._named(resource), "-n", self._namespace)

    def _wait_until_missing(self, verb: str, resource: str) -> None:
        """Wait until the API server knows that the account may no longer do something."""
        asked = ("auth", "can-i", verb, self._named(resource), "-n", self._namespace)
        deadline = time.monotonic() + WAIT_S
        while self._mine.run(*asked).status == 0:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{self.kubeconfig} may still {verb} {resource}")

    def _named(self, resource: str) -> str:
        group, _ = _RESOURCES[resource]
        return f"{resource}.{group}" if group else resource

    def _bound(self, kind: str, rules: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Return a role and what gives it to the account."""
        name = f"{ACCOUNT}-{self._namespace}"
        where = {"namespace": self._namespace} if kind == "Role" else {}
        api = "rbac.authorization.k8s.io"
        subject = {"kind": "ServiceAccount", "name": ACCOUNT, "namespace": self._namespace}
        of_both = {"apiVersion": f"{api}/v1", "metadata": {"name": name, **where}}
        return [
            {**of_both, "kind": kind, "rules": rules},
            {
                **of_both,
                "kind": f"{kind}Binding",
                "roleRef": {"apiGroup": api, "kind": kind, "name": name},
                "subjects": [subject],
            },
        ]

    def _apply(self, *manifests: dict[str, Any]) -> None:
        done = self._kubectl.apply(*manifests)
        assert done.status == 0, done.err


def _rule(resource: str, group: str, verbs: Collection[str]) -> dict[str, Any]:
    return {"apiGroups": [group], "resources": [resource], "verbs": list(verbs)}
