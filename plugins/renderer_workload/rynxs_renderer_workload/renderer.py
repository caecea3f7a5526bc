"""The workload renderer: from an agent's slice to its manifests, in the order to apply them.

The network policy comes before the pods that it confines.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, ClassVar

from rynxs.api import RETAIN_ANNOTATION, Renderer, parse_subject
from rynxs_renderer_workload import __version__
from rynxs_renderer_workload.deployment import deployment
from rynxs_renderer_workload.identity import metadata, resource_name
from rynxs_renderer_workload.network import network_policy

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rynxs.api import View
    from rynxs_renderer_workload.settings import WorkloadSettings


class WorkloadRenderer(Renderer):
    """Renders accepted agents; nothing for a refused one."""

    name: ClassVar[str] = "workload"
    version: ClassVar[str] = __version__

    def __init__(self, settings: WorkloadSettings) -> None:
        self._settings = settings

    def render(
        self, subject: str, current: Mapping[str, Any], view: View
    ) -> Sequence[dict[str, Any]]:
        """Return ConfigMap, PersistentVolumeClaim, NetworkPolicy and Deployment."""
        if parse_subject(subject).group_kind != "universe.ai/Agent" or "spec" not in current:
            return ()
        config = config_map(current)
        claim = volume_claim(current)
        return [
            config,
            *([claim] if claim else []),
            network_policy(current, self._settings.dns),
            deployment(current, config, self._settings.run_as_user),
        ]


def config_map(current: Mapping[str, Any]) -> dict[str, Any]:
    """Return the ConfigMap that holds the agent's spec, which its container mounts."""
    spec = json.dumps(current["spec"], indent=2, sort_keys=True, ensure_ascii=False)
    return {
        "apiVersion": "v1",
        "data": {"spec.json": spec + "\n"},
        "kind": "ConfigMap",
        "metadata": metadata(current, resource_name(current)),
    }


def volume_claim(current: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the claim of the agent's workspace, None without one.

    A claim to retain has no owner, or the cluster would delete it with the agent.
    """
    workspace = current["spec"]["workspace"]
    if workspace is None:
        return None
    own = metadata(current, f"{resource_name(current)}-workspace")
    if workspace["retain"]:
        own.pop("ownerReferences", None)
        own["annotations"] = {RETAIN_ANNOTATION: "true"}
    spec: dict[str, Any] = {
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": workspace["size"]}},
    }
    if workspace["storageClassName"] is not None:
        spec["storageClassName"] = workspace["storageClassName"]
    return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": own, "spec": spec}
