"""For tests of rynxs and of plugins: a sink that keeps everything in memory."""

from __future__ import annotations

from rynxs.testing.memory import MemorySink, MemoryStore

__all__ = ["MemorySink", "MemoryStore"]
