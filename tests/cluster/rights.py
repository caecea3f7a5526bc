"""The account of a release, with the rights that the chart gives it, or without some of them."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from tests.cluster.helm import RELEASE, template
from tests.cluster.kubectl import WAIT_S, Kubectl

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path

    from tests.cluster.control_plane import Cluster

OWN: Final = "of the operator"
EVERYWHERE: Final = "everywhere"
_ROLES: Final = ("ClusterRole", "Role")
_KINDS: Final = ("ServiceAccount", *_ROLES, "ClusterRoleBinding", "RoleBinding")


class Right(NamedTuple):
    """One verb on one resource.

    Attributes:
        verb: As in `list`.
        resource: As in `configmaps` or `agents/status`.
        group: Its API group; empty for the core group.
        where: `EVERYWHERE`, the namespace, or `OWN` for the one namespace in which a test's
            operator is, and which it looks after.
    """

    verb: str
    resource: str
    group: str = ""
    where: str = OWN

    def __str__(self) -> str:
        what = f"{self.verb} {self.named}"
        return what if self.where in {OWN, EVERYWHERE} else f"{what} in {self.where}"

    @property
    def named(self) -> str:
        """The resource and its group, as kubectl takes them."""
        resource, slash, subresource = self.resource.partition("/")
        return f"{resource}.{self.group}{slash}{subresource}" if self.group else self.resource

    def namespace(self, own: str) -> str:
        """Return the namespace, empty for all; `own` is what is `OWN`."""
        return {EVERYWHERE: "", OWN: own}.get(self.where, self.where)

    def refusal(self, own: str) -> str:
        """Return how the API server says that it is missing; `own` is what is `OWN`."""
        namespace = self.namespace(own)
        scope = f'in the namespace "{namespace}"' if namespace else "at the cluster scope"
        return f'cannot {self.verb} resource "{self.resource}" in API group "{self.group}" {scope}'


def granted(*options: object) -> list[Right]:
    """Return what the chart gives a release that looks after its own namespace, sorted.

    Args:
        options: Of the chart.
    """
    return sorted({right for role in _roles(_rendered("own", options)) for right in _of(role)})


class Account:
    """The service account of a release in a namespace, which looks after that namespace.

    Attributes:
        user: Its name for the API server.
        kubeconfig: Speaks for it.
    """

    def __init__(self, cluster: Cluster, namespace: str, *options: object) -> None:
        """Make it, without rights.

        Args:
            cluster: Where.
            namespace: That is there.
            options: Of the chart.
        """
        self._kubectl = cluster.kubectl
        self._namespace = namespace
        manifests = _rendered(namespace, options)
        self._roles = _roles(manifests)
        self._missing = {right for role in self._roles for right in _of(role)}
        self._apply(
            *(each for each in manifests if each["kind"] not in _ROLES),
            *(_without(each, self._missing) for each in self._roles),
        )
        self.user = f"system:serviceaccount:{namespace}:{RELEASE}"
        made = cluster.kubectl.run("create", "token", RELEASE, "-n", namespace)
        assert made.status == 0, made.err
        self.kubeconfig: Path = cluster.apiserver.write_kubeconfig(self.user, made.out.strip())
        self._mine = Kubectl(self.kubeconfig)

    def has_all_but(self, *missing: Right) -> None:
        """Give it all that the chart gives, save these, and wait until that counts."""
        changed, self._missing = self._missing ^ {*missing}, {*missing}
        roles = [each for each in self._roles if changed.intersection(_of(each))]
        if roles:
            self._apply(*(_without(each, self._missing) for each in roles))
        for role in roles:  # what is in one role counts from the same moment on
            self._wait(min(changed.intersection(_of(role))))

    def _wait(self, right: Right) -> None:
        """Wait until the API server knows whether the account has a right."""
        deadline = time.monotonic() + WAIT_S
        while self._has(right) == (right in self._missing):
            if time.monotonic() > deadline:
                raise TimeoutError(f"the API server does not learn of {right} in {WAIT_S} s")

    def _has(self, right: Right) -> bool:
        """Tell whether the API server would let the account do something."""
        resource, _, subresource = right.resource.partition("/")
        review = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": {
                "resourceAttributes": {
                    "verb": right.verb,
                    "group": right.group,
                    "resource": resource,
                    "subresource": subresource,
                    "namespace": right.namespace(self._namespace),
                    "name": RELEASE,  # that of its Lease
                }
            },
        }
        asked = ("create", "--filename=-", "--validate=false", "-o=jsonpath={.status.allowed}")
        answer = self._mine.run(*asked, text=json.dumps(review))
        assert answer.status == 0, answer.err
        return answer.out == "true"

    def _apply(self, *manifests: dict[str, Any]) -> None:
        done = self._kubectl.apply(*manifests)
        assert done.status == 0, done.err


def _rendered(namespace: str, options: Collection[object]) -> list[dict[str, Any]]:
    """Return account, roles and bindings of a release, those of its hook left out."""
    scope = f"--set=watchNamespaces={{{namespace}}}"
    return [
        each
        for each in template(scope, *options, namespace=namespace)
        if each["kind"] in _KINDS and "helm.sh/hook" not in each["metadata"].get("annotations", {})
    ]


def _roles(manifests: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [each for each in manifests if each["kind"] in _ROLES]


def _of(role: dict[str, Any]) -> Iterator[Right]:
    """Yield the rights that a role gives."""
    for rule in role["rules"]:
        yield from _of_rule(rule, _where(role))


def _of_rule(rule: dict[str, Any], where: str) -> Iterator[Right]:
    for group in rule["apiGroups"]:
        for resource in rule["resources"]:
            for verb in rule["verbs"]:
                yield Right(verb, resource, group, where)


def _where(role: dict[str, Any]) -> str:
    if role["kind"] == "ClusterRole":
        return EVERYWHERE
    namespace = role["metadata"]["namespace"]
    return "default" if namespace == "default" else OWN


def _without(role: dict[str, Any], missing: Collection[Right]) -> dict[str, Any]:
    """Return a role that does not give some rights; the names that a rule is about stay."""
    rules = []
    for rule in role["rules"]:
        for right in _of_rule(rule, _where(role)):
            if right not in missing:
                one = {
                    "apiGroups": [right.group],
                    "resources": [right.resource],
                    "verbs": [right.verb],
                }
                rules.append({**rule, **one})
    return {**role, "rules": rules}
