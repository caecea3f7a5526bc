"""The manifests of an agent: what it is told, works in, is confined by, and runs as."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rynxs_renderer_workload.claims import claim_name, volume_claim
from rynxs_renderer_workload.configuration import config_map, digest_annotation
from rynxs_renderer_workload.identity import of_agent
from rynxs_renderer_workload.network import agent_policy, closed_policy, host_name_policy
from rynxs_renderer_workload.pod import agent_pod, config_volume, workspace_volume

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rynxs.api import View
    from rynxs_renderer_workload.identity import Identity
    from rynxs_renderer_workload.settings import WorkloadSettings

_HEALTH_PERIOD_S = 10
_START_PERIODS = 30


def agent_manifests(agent: Mapping[str, Any], settings: WorkloadSettings) -> list[dict[str, Any]]:
    """Return an agent's manifests in the order to apply them: policies before the pods."""
    identity, spec = of_agent(agent), agent["spec"]
    config = config_map(identity, agent, {})
    claims = [] if spec["workspace"] is None else [volume_claim(identity, spec["workspace"])]
    if spec["suspend"]:
        policies = [closed_policy(identity)]
    else:
        named = host_name_policy(identity, agent, settings.dns)
        policies = [agent_policy(identity, agent, settings), *([named] if named else [])]
    return [
        _service_account(identity),
        config,
        *claims,
        *policies,
        _service(identity, settings.task_port),
        _deployment(identity, agent, config, settings.run_as_user),
    ]


def wants_a_judge(subject: str, agent: Mapping[str, Any], view: View) -> bool:
    """Tell whether an agent asks for a universe and no reducer of universes is picked."""
    return agent["spec"]["universeRef"] is not None and view.verdict(subject) is None


def _service_account(identity: Identity) -> dict[str, Any]:
    """Return the agent's own service account; a pod gets its token only if the spec asks."""
    return {
        "apiVersion": "v1",
        "automountServiceAccountToken": False,
        "kind": "ServiceAccount",
        "metadata": identity.metadata_of(identity.name),
    }


def _service(identity: Identity, task_port: int) -> dict[str, Any]:
    """Return the headless service by whose name those who give it tasks find the agent."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": identity.metadata_of(identity.name),
        "spec": {
            "clusterIP": "None",
            "ports": [{"name": "tasks", "port": task_port, "protocol": "TCP"}],
            "selector": dict(identity.selector),
        },
    }


def _deployment(
    identity: Identity, agent: Mapping[str, Any], config: Mapping[str, Any], run_as_user: int
) -> dict[str, Any]:
    """Return the deployment; one pod, none when the agent is suspended."""
    spec = agent["spec"]
    claim = None if spec["workspace"] is None else claim_name(identity)
    pod = agent_pod(agent, run_as_user, [config_volume(identity.name), workspace_volume(claim)])
    health = spec["image"]["health"]
    if health is not None:
        pod["containers"][0] |= _probes(health)
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": identity.metadata_of(identity.name),
        "spec": {
            "replicas": 0 if spec["suspend"] else 1,
            "selector": {"matchLabels": dict(identity.selector)},
            # The workspace may be mounted by one node at a time.
            "strategy": {"type": "Recreate"},
            "template": {
                "metadata": {
                    "annotations": digest_annotation(config),
                    "labels": dict(identity.labels),
                },
                "spec": pod,
            },
        },
    }


def _probes(health: Mapping[str, Any]) -> dict[str, Any]:
    """Return the probes of an image that tells its health; it has five minutes to start."""
    ask = {"httpGet": {"path": health["path"], "port": health["port"]}}
    asked = {**ask, "periodSeconds": _HEALTH_PERIOD_S}
    return {
        "livenessProbe": asked,
        "readinessProbe": asked,
        "startupProbe": {**asked, "failureThreshold": _START_PERIODS},
    }
