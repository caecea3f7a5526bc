"""The workload renderer: from the slice of an agent or a session to its manifests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from rynxs.api import Renderer, parse_subject
from rynxs_renderer_workload import __version__
from rynxs_renderer_workload.agent import agent_manifests, wants_a_judge
from rynxs_renderer_workload.session import session_manifests

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rynxs.api import View
    from rynxs_renderer_workload.settings import WorkloadSettings


KINDS = (
    "apps/v1/Deployment",
    "batch/v1/Job",
    "cilium.io/v2/CiliumNetworkPolicy",
    "networking.k8s.io/v1/NetworkPolicy",
    "v1/ConfigMap",
    "v1/PersistentVolumeClaim",
    "v1/Service",
    "v1/ServiceAccount",
)


class WorkloadRenderer(Renderer):
    """Renders accepted agents and sessions; nothing for a refused one."""

    name: ClassVar[str] = "workload"
    version: ClassVar[str] = __version__

    def __init__(self, settings: WorkloadSettings) -> None:
        self._settings = settings

    @property
    def kinds(self) -> Sequence[str]:
        """What agents and sessions are made of."""
        return KINDS

    def render(
        self, subject: str, current: Mapping[str, Any], view: View
    ) -> Sequence[dict[str, Any]]:
        """Return the manifests of an agent or a session, in the order to apply them."""
        if "spec" not in current:
            return ()
        group_kind = parse_subject(subject).group_kind
        if group_kind == "universe.ai/Session":
            return session_manifests(current, view, self._settings)
        if group_kind != "universe.ai/Agent" or wants_a_judge(subject, current, view):
            return ()
        return agent_manifests(current, self._settings)
