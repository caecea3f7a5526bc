"""The hooks: one a family. A plugin is a module that implements one of them with `hookimpl`.

It is found by the entry-point group ``rynxs`` under the name ``family.name``, such as
``sink.file``, and imported only when the configuration picks that name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pluggy

if TYPE_CHECKING:
    from rynxs.extension import ReducerPlugin, RendererPlugin, SignerPlugin, SinkPlugin

hookspec = pluggy.HookspecMarker("rynxs")
hookimpl = pluggy.HookimplMarker("rynxs")


@hookspec
def rynxs_sink() -> SinkPlugin:  # type: ignore[empty-body]
    """Return the sink. Fires once, when a command opens a log that this sink keeps."""


@hookspec
def rynxs_reducer() -> ReducerPlugin:  # type: ignore[empty-body]
    """Return the reducer. Fires once, before the first record is folded."""


@hookspec
def rynxs_renderer() -> RendererPlugin:  # type: ignore[empty-body]
    """Return the renderer. Fires once, before the first record is folded."""


@hookspec
def rynxs_signer() -> SignerPlugin:  # type: ignore[empty-body]
    """Return the signature scheme. Fires once, when a key is needed to sign, verify or show."""
