"""The hook: the renderer named ``workload``."""

from __future__ import annotations

from rynxs.api import RendererPlugin, hookimpl
from rynxs_renderer_workload.renderer import WorkloadRenderer
from rynxs_renderer_workload.settings import WorkloadSettings


@hookimpl
def rynxs_renderer() -> RendererPlugin:
    """Return the workload renderer."""
    return RendererPlugin(name="workload", settings=WorkloadSettings, create=WorkloadRenderer)
