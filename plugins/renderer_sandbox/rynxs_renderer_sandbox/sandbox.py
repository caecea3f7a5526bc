"""The Sandbox: what it says, by the versions of its API that a cluster may serve."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rynxs_renderer_sandbox.settings import V1BETA1

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rynxs_renderer_sandbox.settings import ApiVersion


def sandbox_of(deployment: Mapping[str, Any], api_version: ApiVersion) -> dict[str, Any]:
    """Return the Sandbox that runs the pod of a Deployment of one replica, or of none.

    Metadata and pod template are the Deployment's. ``spec`` is as in ``api/v1beta1`` and
    ``api/v1alpha1`` of https://github.com/kubernetes-sigs/agent-sandbox, release 0.5.6: they
    differ in how they say that no pod is to run.
    """
    spec: dict[str, Any] = {
        "podTemplate": deployment["spec"]["template"],
        # Left unsaid, the controller looks for a Service of the Sandbox's name, finds that of the
        # agent, which has another owner, and never calls the Sandbox ready.
        "service": False,
    }
    replicas = deployment["spec"]["replicas"]
    if api_version == V1BETA1:
        spec["operatingMode"] = "Running" if replicas else "Suspended"
    else:
        spec["replicas"] = replicas
    return {
        "apiVersion": api_version,
        "kind": "Sandbox",
        "metadata": deployment["metadata"],
        "spec": spec,
    }
