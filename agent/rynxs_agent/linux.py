"""What the kernel is asked for of this process; see prctl(2)."""

from __future__ import annotations

import ctypes
import sys
from typing import Final

_PR_SET_DUMPABLE: Final = 4
_PR_SET_CHILD_SUBREAPER: Final = 36


def hide_memory() -> bool:
    """Let no process of the same user read this one's environment or memory; tell if that is so.

    The provider's API key was in the environment that this process began with, which stays
    readable in ``/proc`` otherwise, to the model's commands too.
    """
    return _prctl(_PR_SET_DUMPABLE, 0)


def adopt_orphans() -> bool:
    """Become the parent of descendants whose own parent has ended; tell if that is so.

    The first process of a container is so anyway.
    """
    return _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def _prctl(option: int, value: int) -> bool:
    if sys.platform != "linux":
        return False
    return bool(ctypes.CDLL(None).prctl(option, value, 0, 0, 0) == 0)
