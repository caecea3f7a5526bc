"""PersistentVolumeClaims: the workspaces that outlast their pods."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rynxs.api import RETAIN_ANNOTATION

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rynxs_renderer_workload.identity import Identity


def claim_name(identity: Identity) -> str:
    """Return the name of the claim of a workspace."""
    return f"{identity.name}-workspace"


def volume_claim(identity: Identity, workspace: Mapping[str, Any]) -> dict[str, Any]:
    """Return the claim of a workspace.

    A claim to retain has no owner, or the cluster would delete it with the object. Any agent's
    stays as long as the agent is there, be it refused for a while; a session's goes with its end.
    """
    own = identity.metadata_of(claim_name(identity))
    if workspace.get("retain"):
        own.pop("ownerReferences", None)
        own["annotations"] = {RETAIN_ANNOTATION: "true"}
    elif identity.kind == "Agent":
        own["annotations"] = {RETAIN_ANNOTATION: "live"}
    spec: dict[str, Any] = {
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": workspace["size"]}},
    }
    if workspace["storageClassName"] is not None:
        spec["storageClassName"] = workspace["storageClassName"]
    return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": own, "spec": spec}
