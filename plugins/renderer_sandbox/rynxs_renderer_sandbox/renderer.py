"""The sandbox renderer: a Sandbox in the place of an agent's Deployment."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from rynxs.api import Renderer, parse_subject
from rynxs_renderer_sandbox import __version__
from rynxs_renderer_sandbox.sandbox import sandbox_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rynxs.api import View
    from rynxs_renderer_sandbox.settings import SandboxSettings


class SandboxRenderer(Renderer):
    """Revises the manifests of agents; whoever has no Deployment, as a refused one, gets nothing.

    It knows of the workload renderer that an agent's Deployment is called ``agent-NAME``. Other
    Deployments of the agent, which another renderer may have added, stay.
    """

    name: ClassVar[str] = "sandbox"
    version: ClassVar[str] = __version__
    revises: ClassVar[frozenset[str]] = frozenset({"workload"})

    def __init__(self, settings: SandboxSettings) -> None:
        self._settings = settings

    @property
    def kinds(self) -> Sequence[str]:
        """The Sandbox, in the version that is served."""
        return [f"{self._settings.api_version}/Sandbox"]

    def render(
        self, subject: str, current: Mapping[str, Any], view: View
    ) -> Sequence[dict[str, Any]]:
        """Return nothing: all that it makes, it makes of what was rendered."""
        return ()

    def revise(
        self,
        subject: str,
        current: Mapping[str, Any],
        view: View,
        manifests: Sequence[Mapping[str, Any]],
    ) -> Sequence[Mapping[str, Any]]:
        """Return an agent's manifests in the same order, with a Sandbox for its Deployment."""
        about = parse_subject(subject)
        if about.group_kind != "universe.ai/Agent":
            return manifests
        wanted = ("apps/v1", "Deployment", f"agent-{about.name}")
        return [
            sandbox_of(each, self._settings.api_version) if _what(each) == wanted else each
            for each in manifests
        ]


def _what(manifest: Mapping[str, Any]) -> tuple[str, str, str]:
    return manifest["apiVersion"], manifest["kind"], manifest["metadata"]["name"]
