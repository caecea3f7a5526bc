"""Objects that rynxs has made, by what they bear, and that no plan asks for any more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple
from uuid import uuid4

if TYPE_CHECKING:
    from collections.abc import Mapping

_CLAIM: Final = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
_POD: Final = {"containers": [{"name": "a", "image": "example.org/a"}]}
_LABELS: Final = {"app": "left"}
_RUNNING: Final = {"metadata": {"labels": _LABELS}, "spec": _POD}
_ONCE: Final = {"spec": {**_POD, "restartPolicy": "Never"}}


class Kind(NamedTuple):
    """A kind that is rendered, and what else an object of it has to have."""

    api_version: str
    kind: str
    rest: Mapping[str, Any] = {}


KINDS: Final = {
    "configmaps": Kind("v1", "ConfigMap"),
    "serviceaccounts": Kind("v1", "ServiceAccount"),
    "services": Kind("v1", "Service", {"spec": {"ports": [{"port": 80}]}}),
    "persistentvolumeclaims": Kind("v1", "PersistentVolumeClaim", {"spec": _CLAIM}),
    "deployments": Kind(
        "apps/v1",
        "Deployment",
        {"spec": {"selector": {"matchLabels": _LABELS}, "template": _RUNNING}},
    ),
    "jobs": Kind("batch/v1", "Job", {"spec": {"template": _ONCE}}),
    "networkpolicies": Kind("networking.k8s.io/v1", "NetworkPolicy", {"spec": {"podSelector": {}}}),
    "ciliumnetworkpolicies": Kind("cilium.io/v2", "CiliumNetworkPolicy"),
    "sandboxes": Kind("agents.x-k8s.io/v1beta1", "Sandbox"),
}
"""The kinds that are rendered, by resource."""


def leftover(resource: str, metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Return an object of a kind that bears the stamp of another one, which is rendered.

    Args:
        resource: As in `configmaps`.
        metadata: Of that one.
    """
    copied = {each: metadata[each] for each in ("namespace", "labels", "annotations")}
    api_version, kind, rest = KINDS[resource]
    name = f"left-{uuid4().hex}"
    return {
        "apiVersion": api_version,
        "kind": kind,
        "metadata": {"name": name, **copied},
        **rest,
    }
