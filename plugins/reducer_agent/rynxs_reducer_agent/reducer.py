"""The reducer of Agents: the slice is the validated spec with its defaults, and conditions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from rynxs.api import ACCEPTED, Column, Reducer, Resource, admit, condition, head_of
from rynxs.fields import parse_egress
from rynxs_reducer_agent import __version__
from rynxs_reducer_agent.model import AgentSpec, AgentStatus

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rynxs.api import Event, View
    from rynxs_reducer_agent.settings import AgentSettings

AGENT = Resource(
    group="universe.ai",
    kind="Agent",
    plural="agents",
    scope="Namespaced",
    versions=("v1alpha1",),
    spec=AgentSpec,
    status=AgentStatus,
    short_names=("ag",),
    categories=("rynxs",),
    columns=(
        Column("Role", "string", ".spec.role"),
        Column("Team", "string", ".spec.team"),
        Column("Phase", "string", ".status.phase"),
        Column("Ready", "boolean", ".status.ready"),
    ),
    # What is rendered is called agent-NAME, and pods are best called by a DNS label of up to 63.
    name_pattern=r"[a-z0-9]([-a-z0-9]{0,55}[a-z0-9])?",
    name_rule="lower-case letters, digits and '-', at most 57 characters",
)
_NO_HOST_NAME = (
    "a NetworkPolicy can't allow a host name, only addresses and pods; name its addresses, go "
    "through a proxy in the cluster, or set settings.reducers.agent.hostNames to a CNI that can"
)
_NO_UNIVERSES = (
    "spec.universeRef: asks for a universe, and no reducer of universes is picked; add universe to "
    "plugins.reducers"
)
_NO_AUDIT_LOG = (
    "no audit log is offered to agents; settings.reducers.agent.auditLog would say which"
)


class AgentReducer(Reducer):
    """Folds ``AgentObserved`` and ``AgentDeleted``.

    The slice of an accepted agent, which the renderers read::

        {"metadata": {"name", "namespace", "uid"}, "spec": AgentSpec with its defaults,
         "egress": [parsed network.allowEgressTo], "hostNames": who allows those in it,
         "auditLog": what it may read, or None,
         "defaults": {"resources": those that neither the spec nor a universe states},
         "conditions": [{"type": "Accepted", "status": "True", ...}], "deleting": bool}

    That of a refused one has no ``spec`` and no ``egress``, so nothing is rendered for it; nor for
    one that names a universe while nobody judges agents.
    """

    name: ClassVar[str] = "agent"
    version: ClassVar[str] = __version__
    decided_by: ClassVar[frozenset[str]] = frozenset({"AgentObserved", "AgentDeleted"})
    watches: ClassVar[Mapping[str, Sequence[str]]] = {
        "agents.x-k8s.io/v1alpha1/Sandbox": ("conditions",),
        "agents.x-k8s.io/v1beta1/Sandbox": ("conditions",),
        "apps/v1/Deployment": ("readyReplicas",),
    }

    def __init__(self, settings: AgentSettings) -> None:
        self._host_names = settings.host_names
        self._defaults = {"resources": settings.resources.model_dump(mode="json", by_alias=True)}
        self._audit_log = _audit_log(settings)

    @property
    def resources(self) -> Sequence[Resource]:
        """The Agent kind."""
        return (AGENT,)

    def reduce(
        self, current: Mapping[str, Any] | None, event: Event, view: View
    ) -> Mapping[str, Any] | None:
        """Return the agent's slice after an event."""
        if event.kind == "AgentDeleted":
            return None
        if event.kind != "AgentObserved":
            return current
        return self._observed(event.payload)

    def status(
        self,
        subject: str,
        current: Mapping[str, Any],
        view: View,
        seen: Mapping[str, Mapping[str, Any]],
    ) -> Mapping[str, Any]:
        """Return phase, readiness and conditions."""
        conditions, governed = current["conditions"], view.governed(subject)
        if governed is None or "spec" not in governed:
            phase = "Refused"
        elif governed["spec"]["universeRef"] is not None and view.verdict(subject) is None:
            phase = "Refused"
            conditions = [condition(ACCEPTED, "False", "NoUniverses", _NO_UNIVERSES)]
        else:
            phase = "Suspended" if governed["spec"]["suspend"] else "Active"
        ready = any(_is_ready(status) for status in seen.values())
        return {"conditions": conditions, "phase": phase, "ready": ready and phase == "Active"}

    def _observed(self, payload: Mapping[str, Any]) -> Mapping[str, Any]:
        head = head_of(payload)
        spec, accepted = admit(payload, AgentSpec)
        if spec is None:
            return head | {"conditions": [accepted]}
        egress = [parse_egress(target) for target in spec.network.allow_egress_to]
        unsupported = self._unsupported(spec, egress)
        if unsupported:
            refused = condition(ACCEPTED, "False", "Unsupported", "; ".join(unsupported))
            return head | {"conditions": [refused]}
        return head | {
            "auditLog": self._audit_log if spec.permissions.can_access_audit_logs else None,
            "conditions": [accepted],
            "defaults": self._defaults,
            "egress": egress,
            "hostNames": self._host_names,
            "spec": spec.model_dump(mode="json", by_alias=True),
        }

    def _unsupported(self, spec: AgentSpec, egress: Sequence[Mapping[str, Any]]) -> list[str]:
        """Return what is valid, and still can't be done with these settings."""
        named = [
            f"spec.network.allowEgressTo[{index}]"
            for index, target in enumerate(egress)
            if "host" in target and self._host_names == "refuse"
        ]
        found = [f"{', '.join(named)}: {_NO_HOST_NAME}"] if named else []
        if spec.permissions.can_access_audit_logs and self._audit_log is None:
            found.append(f"spec.permissions.canAccessAuditLogs: {_NO_AUDIT_LOG}")
        return found


def _is_ready(status: Mapping[str, Any]) -> bool:
    """Tell whether what runs an agent's pod, a Deployment or a Sandbox, says that it is ready."""
    listed = status.get("conditions")
    conditions = (
        [each for each in listed if isinstance(each, dict)] if isinstance(listed, list) else []
    )
    return bool(status.get("readyReplicas")) or any(
        each.get("type") == "Ready" and each.get("status") == "True" for each in conditions
    )


def _audit_log(settings: AgentSettings) -> dict[str, Any] | None:
    offered = settings.audit_log
    if offered is None:
        return None
    return {
        "credentialsSecret": offered.credentials_secret,
        "egress": [parse_egress(target) for target in offered.allow_egress_to],
        "url": offered.url,
    }
