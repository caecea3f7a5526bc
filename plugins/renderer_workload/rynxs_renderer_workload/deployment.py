"""The deployment of an agent, under the restricted Pod Security standard."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Any

from rynxs_renderer_workload.identity import labels, metadata, resource_name, selector

if TYPE_CHECKING:
    from collections.abc import Mapping

CONFIG_MOUNT = "/etc/rynxs"
WORKSPACE_MOUNT = "/workspace"
_CONFIG_DIGEST = "universe.ai/config-digest"


def deployment(
    current: Mapping[str, Any], config: Mapping[str, Any], run_as_user: int
) -> dict[str, Any]:
    """Return the deployment; one pod, none when the agent is suspended.

    The digest of the configuration is on the pod template, so that a changed one rolls the pod.
    """
    spec = current["spec"]
    digest = sha256(config["data"]["spec.json"].encode()).hexdigest()
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": metadata(current, resource_name(current)),
        "spec": {
            "replicas": 0 if spec["suspend"] else 1,
            "selector": {"matchLabels": selector(current)},
            # The workspace may be mounted by one node at a time.
            "strategy": {"type": "Recreate"},
            "template": {
                "metadata": {"annotations": {_CONFIG_DIGEST: digest}, "labels": labels(current)},
                "spec": _pod(current, run_as_user),
            },
        },
    }


def _pod(current: Mapping[str, Any], run_as_user: int) -> dict[str, Any]:
    return {
        "automountServiceAccountToken": False,
        "containers": [_container(current)],
        "enableServiceLinks": False,
        "securityContext": {
            "fsGroup": run_as_user,
            "runAsGroup": run_as_user,
            "runAsNonRoot": True,
            "runAsUser": run_as_user,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "volumes": _volumes(current),
    }


def _container(current: Mapping[str, Any]) -> dict[str, Any]:
    spec = current["spec"]
    image = spec["image"]
    tag = image["tag"].removeprefix("@")
    separator = "@" if tag.startswith("sha256:") else ":"
    container: dict[str, Any] = {
        "env": _environment(current),
        "image": f"{image['repository']}{separator}{tag}",
        "imagePullPolicy": "IfNotPresent",
        "name": "agent",
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "readOnlyRootFilesystem": True,
        },
        "volumeMounts": [
            {"mountPath": CONFIG_MOUNT, "name": "config", "readOnly": True},
            {"mountPath": "/tmp", "name": "tmp"},  # noqa: S108
            {"mountPath": WORKSPACE_MOUNT, "name": "workspace"},
        ],
    }
    resources = {part: amounts for part, amounts in spec["resources"].items() if amounts}
    return container | {"resources": resources} if resources else container


def _environment(current: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the environment: where things are, and the API key by reference only."""
    environment: list[dict[str, Any]] = [
        {"name": "RYNXS_AGENT_SPEC", "value": f"{CONFIG_MOUNT}/spec.json"},
        {"name": "RYNXS_WORKSPACE", "value": WORKSPACE_MOUNT},
    ]
    provider = current["spec"]["provider"] or {}
    reference = provider.get("apiKeySecretRef")
    if reference is not None:
        source = {"secretKeyRef": {"key": reference["key"], "name": reference["name"]}}
        environment.append({"name": "RYNXS_PROVIDER_API_KEY", "valueFrom": source})
    return environment


def _volumes(current: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the volumes; without a workspace claim the workspace lasts as long as the pod."""
    name = resource_name(current)
    if current["spec"]["workspace"] is None:
        workspace: dict[str, Any] = {"emptyDir": {}, "name": "workspace"}
    else:
        claim = {"claimName": f"{name}-workspace"}
        workspace = {"name": "workspace", "persistentVolumeClaim": claim}
    return [
        {"configMap": {"name": name}, "name": "config"},
        {"emptyDir": {}, "name": "tmp"},
        workspace,
    ]
