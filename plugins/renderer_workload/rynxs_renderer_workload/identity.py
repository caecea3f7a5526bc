"""Names, labels and owners of what is rendered for an agent or a session."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

AGENT_LABEL: Final = "universe.ai/agent"
SESSION_LABEL: Final = "universe.ai/session"
TEAM_LABEL: Final = "universe.ai/team"
ASSIGNS_TASKS_LABEL: Final = "universe.ai/can-assign-tasks"
MANAGES_TEAM_LABEL: Final = "universe.ai/can-manage-team"
NAME_LABEL: Final = "app.kubernetes.io/name"
AGENT_APP: Final = "rynxs-agent"
_SESSION_APP: Final = "rynxs-session"
_API_VERSION: Final = "universe.ai/v1alpha1"


class Identity(NamedTuple):
    """Who something is rendered for.

    Attributes:
        kind: ``Agent`` or ``Session``.
        metadata: name, namespace and uid of the object.
        selector: the labels that its pods have and no other pods of its namespace.
        labels: of everything that belongs to it, the selector's included.
    """

    kind: str
    metadata: Mapping[str, Any]
    selector: Mapping[str, str]
    labels: Mapping[str, str]

    @property
    def name(self) -> str:
        """The name of most objects that belong to it."""
        return f"{self.kind.lower()}-{self.metadata['name']}"

    def metadata_of(self, name: str) -> dict[str, Any]:
        """Return the metadata of a namespaced object that it owns."""
        own = {
            "labels": dict(self.labels),
            "name": name,
            "namespace": self.metadata["namespace"],
        }
        owner = self._owner()
        return own | {"ownerReferences": [owner]} if owner else own

    def _owner(self) -> dict[str, Any] | None:
        """Return the reference to the object; None when it has no uid, as without a cluster."""
        uid = self.metadata["uid"]
        if uid is None:
            return None
        return {
            "apiVersion": _API_VERSION,
            "controller": True,
            "kind": self.kind,
            "name": self.metadata["name"],
            "uid": uid,
        }


def of_agent(agent: Mapping[str, Any]) -> Identity:
    """Return who an agent's manifests are for."""
    name = agent["metadata"]["name"]
    selector = {NAME_LABEL: AGENT_APP, AGENT_LABEL: name}
    labels = _labels(f"agent-{name}", selector, agent)
    return Identity("Agent", agent["metadata"], selector, labels)


def of_session(session: Mapping[str, Any], agent: Mapping[str, Any]) -> Identity:
    """Return who a session's manifests are for; what its agent may do, it may as well."""
    name = session["metadata"]["name"]
    selector = {NAME_LABEL: _SESSION_APP, SESSION_LABEL: name}
    about = {**selector, AGENT_LABEL: agent["metadata"]["name"]}
    labels = _labels(f"session-{name}", about, agent)
    return Identity("Session", session["metadata"], selector, labels)


def manages_label(name: str) -> str:
    """Return the label that the pods of an agent's managers have."""
    return f"manages.universe.ai/{name}"


def _labels(instance: str, selector: Mapping[str, str], agent: Mapping[str, Any]) -> dict[str, str]:
    spec = agent["spec"]
    permissions = spec["permissions"]
    chosen = {
        **selector,
        "app.kubernetes.io/instance": instance,
        "app.kubernetes.io/managed-by": "rynxs",
        "app.kubernetes.io/part-of": "rynxs",
        "universe.ai/role": spec["role"],
        **{manages_label(name): "true" for name in spec["manages"]},
    }
    if spec["team"] is not None:
        chosen[TEAM_LABEL] = spec["team"]
    if spec["universeRef"] is not None:
        chosen["universe.ai/universe"] = spec["universeRef"][:63].rstrip("-.")
    if permissions["canAssignTasks"]:
        chosen[ASSIGNS_TASKS_LABEL] = "true"
    if permissions["canManageTeam"]:
        chosen[MANAGES_TEAM_LABEL] = "true"
    return dict(sorted(chosen.items()))
