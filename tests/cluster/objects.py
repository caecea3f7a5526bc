"""Small objects for tests on a cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import uuid4

from rynxs.operator.cluster import Place

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.cluster.kubectl import Kubectl

LABELS = {"app.kubernetes.io/managed-by": "rynxs"}


def make_namespace(kubectl: Kubectl) -> str:
    """Make a namespace, and return its name."""
    name = f"test-{uuid4().hex}"
    made = kubectl.run("create", "namespace", name)
    assert made.status == 0, made.err
    return name


def config_map(namespace: str, name: str = "one", **data: str) -> dict[str, Any]:
    """Return the manifest of a ConfigMap that rynxs manages."""
    metadata = {"name": name, "namespace": namespace, "labels": LABELS}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}


def deployment(namespace: str, *containers: str, **spec: Any) -> dict[str, Any]:
    """Return the manifest of a Deployment with such containers."""
    labels = {"app": "worker"}
    pod = {"containers": [{"name": name, "image": f"example.org/{name}"} for name in containers]}
    template = {"metadata": {"labels": labels}, "spec": pod}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "worker", "namespace": namespace, "labels": LABELS},
        "spec": {"selector": {"matchLabels": labels}, "template": template, **spec},
    }


def job(namespace: str) -> dict[str, Any]:
    """Return the manifest of a Job."""
    pod = {"containers": [{"name": "a", "image": "example.org/a"}], "restartPolicy": "Never"}
    metadata = {"name": "run", "namespace": namespace, "labels": LABELS}
    spec = {"template": {"spec": pod}}
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": spec}


def agent(namespace: str, name: str = "worker") -> dict[str, Any]:
    """Return the manifest of a small agent."""
    spec = {"role": "worker", "image": {"repository": "example.org/agent", "tag": "v1"}}
    metadata = {"name": name, "namespace": namespace}
    api_version = "universe.ai/v1alpha1"
    return {"apiVersion": api_version, "kind": "Agent", "metadata": metadata, "spec": spec}


def place(body: Mapping[str, Any]) -> Place:
    """Return where a manifest's object is."""
    metadata = body["metadata"]
    kind = f"{body['apiVersion']}/{body['kind']}"
    return Place(kind, metadata.get("namespace", ""), metadata["name"])


def over(body: Mapping[str, Any], metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Return a manifest that is to be applied over an object that was read."""
    known = {name: metadata[name] for name in ("uid", "resourceVersion")}
    return {**body, "metadata": {**body["metadata"], **known}}
