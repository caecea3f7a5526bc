"""Memory without mmap(2), which is then called for files only, and as often in each run."""

from __future__ import annotations

import os
import sys
from typing import Final

# Python's own allocator maps its arenas, and glibc's maps large blocks (mallopt(3)).
_SETTINGS: Final = {"PYTHONMALLOC": "malloc", "MALLOC_MMAP_MAX_": "0"}


def map_no_memory() -> None:
    """Start this program again with an allocator that maps nothing, unless it has it."""
    if any(os.environ.get(name) != value for name, value in _SETTINGS.items()):
        sys.stdout.flush()
        os.execve(sys.executable, sys.orig_argv, {**os.environ, **_SETTINGS})
