"""The pod of an agent or a session, under the restricted Pod Security standard."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from rynxs.fields import filled

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

CONFIG_MOUNT: Final = "/etc/rynxs"
INPUT_MOUNT: Final = "/etc/rynxs-session"
WORKSPACE_MOUNT: Final = "/workspace"


def agent_pod(
    agent: Mapping[str, Any], run_as_user: int, volumes: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """Return the spec of a pod that runs an agent's image.

    Args:
        agent: its slice, as its universes let it be.
        run_as_user: user and group of its processes.
        volumes: those named ``config`` and ``workspace``.
    """
    spec = agent["spec"]
    return {
        "automountServiceAccountToken": spec["serviceAccountToken"],
        "containers": [_container(agent)],
        "enableServiceLinks": False,
        "securityContext": {
            "fsGroup": run_as_user,
            "runAsGroup": run_as_user,
            "runAsNonRoot": True,
            "runAsUser": run_as_user,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "serviceAccountName": f"agent-{agent['metadata']['name']}",
        "volumes": [*map(dict, volumes), {"emptyDir": {}, "name": "tmp"}],
    }


def config_volume(name: str) -> dict[str, Any]:
    """Return the volume of the ConfigMap that holds the agent's spec."""
    return {"configMap": {"name": name}, "name": "config"}


def workspace_volume(claim: str | None) -> dict[str, Any]:
    """Return the volume that the agent works in; without a claim it lasts as long as the pod."""
    if claim is None:
        return {"emptyDir": {}, "name": "workspace"}
    return {"name": "workspace", "persistentVolumeClaim": {"claimName": claim}}


def _container(agent: Mapping[str, Any]) -> dict[str, Any]:
    spec = agent["spec"]
    image = spec["image"]
    tag = image["tag"].removeprefix("@")
    separator = "@" if tag.startswith("sha256:") else ":"
    container: dict[str, Any] = {
        "env": _environment(agent),
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
    resources = filled(spec["resources"], agent["defaults"]["resources"])
    stated = {part: amounts for part, amounts in resources.items() if amounts}
    if stated:
        container["resources"] = stated
    source = _log_credentials(agent)
    return container | {"envFrom": [source]} if source else container


def _environment(agent: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the environment: where things are, and the API key by reference only."""
    environment: list[dict[str, Any]] = [
        {"name": "RYNXS_AGENT_SPEC", "value": f"{CONFIG_MOUNT}/spec.json"},
        {"name": "RYNXS_WORKSPACE", "value": WORKSPACE_MOUNT},
    ]
    reference = (agent["spec"]["provider"] or {}).get("apiKeySecretRef")
    if reference is not None:
        source = {"secretKeyRef": {"key": reference["key"], "name": reference["name"]}}
        environment.append({"name": "RYNXS_PROVIDER_API_KEY", "valueFrom": source})
    if agent["auditLog"] is not None:
        environment.append({"name": "RYNXS_LOG", "value": agent["auditLog"]["url"]})
    return environment


def _log_credentials(agent: Mapping[str, Any]) -> dict[str, Any] | None:
    name = (agent["auditLog"] or {}).get("credentialsSecret")
    return None if name is None else {"secretRef": {"name": name}}
