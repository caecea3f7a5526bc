"""For tests of rynxs and of plugins: the conformance kits, and a sink in memory.

The kits need pytest, which is imported only when one of them is. docs/PLUGINS.md shows their use.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from rynxs.testing.memory import MemorySink, MemoryStore

if TYPE_CHECKING:
    from rynxs.testing.reducer import ReducerConformance
    from rynxs.testing.renderer import RendererConformance
    from rynxs.testing.signer import SignerConformance
    from rynxs.testing.sink import IOCall, SinkConformance

__all__ = [
    "IOCall",
    "MemorySink",
    "MemoryStore",
    "ReducerConformance",
    "RendererConformance",
    "SignerConformance",
    "SinkConformance",
]

_KITS = {
    "IOCall": "rynxs.testing.sink",
    "ReducerConformance": "rynxs.testing.reducer",
    "RendererConformance": "rynxs.testing.renderer",
    "SignerConformance": "rynxs.testing.signer",
    "SinkConformance": "rynxs.testing.sink",
}


def __getattr__(name: str) -> Any:
    """Import a kit when it is first asked for."""
    if name not in _KITS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_KITS[name]), name)
