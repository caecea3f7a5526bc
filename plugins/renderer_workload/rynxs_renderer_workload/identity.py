"""Names, labels and owners of what is rendered for an agent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

AGENT_LABEL = "universe.ai/agent"


def resource_name(current: Mapping[str, Any]) -> str:
    """Return the name of the objects that belong to an agent."""
    return f"agent-{current['metadata']['name']}"


def selector(current: Mapping[str, Any]) -> dict[str, str]:
    """Return the labels that the agent's pods have and no other pods of its namespace."""
    return {"app.kubernetes.io/name": "rynxs-agent", AGENT_LABEL: current["metadata"]["name"]}


def labels(current: Mapping[str, Any]) -> dict[str, str]:
    """Return the labels of everything that belongs to an agent."""
    spec = current["spec"]
    chosen = selector(current) | {
        "app.kubernetes.io/instance": current["metadata"]["name"],
        "app.kubernetes.io/managed-by": "rynxs",
        "app.kubernetes.io/part-of": "rynxs",
        "universe.ai/role": spec["role"],
    }
    if spec["team"] is not None:
        chosen["universe.ai/team"] = spec["team"]
    if spec["universeRef"] is not None:
        chosen["universe.ai/universe"] = spec["universeRef"][:63].rstrip("-.")
    return dict(sorted(chosen.items()))


def metadata(current: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Return the metadata of a namespaced object that the agent owns."""
    own = {
        "labels": labels(current),
        "name": name,
        "namespace": current["metadata"]["namespace"],
    }
    owner = owner_reference(current)
    return own | {"ownerReferences": [owner]} if owner else own


def owner_reference(current: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the reference to the agent; None when it has no uid, as without a cluster."""
    uid = current["metadata"]["uid"]
    if uid is None:
        return None
    return {
        "apiVersion": "universe.ai/v1alpha1",
        "controller": True,
        "kind": "Agent",
        "name": current["metadata"]["name"],
        "uid": uid,
    }
