"""The processes that a command has started, and their end.

A command can leave its process group and its session, but not its ancestry: an orphan's parent
becomes the runtime (`rynxs_agent.linux.adopt_orphans`, or since it is the container's first
process). So what descends from the runtime and was not there before is the command's.
"""

from __future__ import annotations

import asyncio
import os
import signal
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

_PROC: Final = Path("/proc")
_PASSES_MAX = 200
_PAUSE_S = 0.01


def descendants() -> frozenset[int]:
    """Return the ids of all processes that descend from this one."""
    parents = dict(_parents())
    found = {os.getpid()}
    while more := {each for each, parent in parents.items() if parent in found} - found:
        found |= more
    return frozenset(found - {os.getpid()})


async def end_descendants(spared: AbstractSet[int], reaped_elsewhere: int) -> bool:
    """Kill all that descends from this process, until nothing is left; tell if that came true.

    Args:
        spared: those that are left alone.
        reaped_elsewhere: a child of which somebody else awaits the end.
    """
    for _ in range(_PASSES_MAX):
        left = descendants() - spared
        if not left - {reaped_elsewhere}:
            return True
        for process in left:
            with suppress(ProcessLookupError, PermissionError):
                _kill(process)
        _reap(left - {reaped_elsewhere})
        await asyncio.sleep(_PAUSE_S)
    return False


def _kill(process: int) -> None:
    """Kill a process with its group, which is one act: none of it can fork meanwhile."""
    group = os.getpgid(process)
    if group == os.getpgrp():
        os.kill(process, signal.SIGKILL)
    else:
        os.killpg(group, signal.SIGKILL)


def _reap(processes: AbstractSet[int]) -> None:
    """Take note of the end of those that have ended and are this process's children."""
    for process in processes:
        with suppress(ChildProcessError):
            os.waitpid(process, os.WNOHANG)


def _parents() -> list[tuple[int, int]]:
    """Return all processes that can be seen, each with its parent."""
    found = []
    for directory in _PROC.iterdir():
        if directory.name.isdigit():
            with suppress(OSError, ValueError, IndexError):
                # The name, in parentheses, may hold anything, so what counts is behind the last.
                behind = (directory / "stat").read_text(errors="replace").rpartition(")")[2]
                found.append((int(directory.name), int(behind.split()[1])))
    return found
