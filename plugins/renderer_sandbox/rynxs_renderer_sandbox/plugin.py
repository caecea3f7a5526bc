"""The hook: the renderer named ``sandbox``."""

from __future__ import annotations

from rynxs.api import RendererPlugin, hookimpl
from rynxs_renderer_sandbox.renderer import SandboxRenderer
from rynxs_renderer_sandbox.settings import SandboxSettings


@hookimpl
def rynxs_renderer() -> RendererPlugin:
    """Return the sandbox renderer."""
    return RendererPlugin(name="sandbox", settings=SandboxSettings, create=SandboxRenderer)
