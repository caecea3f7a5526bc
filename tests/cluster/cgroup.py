"""The cgroup of a real node, with those of its pods in it; on hosts with cgroups v1 or v2."""

from __future__ import annotations

import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

if TYPE_CHECKING:
    from collections.abc import Iterator

MOUNTS = Path("/proc/self/mounts")
UNIFIED = Path("/sys/fs/cgroup/cgroup.controllers")
"""The controllers of v2, where it alone is mounted."""
NEEDED = ("cpu", "cpuset", "memory", "pids")
"""The controllers that a kubelet asks for."""


def hierarchies() -> list[Path]:
    """Return where cgroup hierarchies are mounted: one for v2, several for v1, or all of these.

    Where both are, runc makes a cgroup in that of v2 too, though it has no controller.
    """
    mounts = (line.split() for line in MOUNTS.read_text().splitlines())
    return [Path(mount[1]) for mount in mounts if mount[2] in {"cgroup", "cgroup2"}]


def missing_controllers() -> set[str]:
    """Return those of the controllers that a kubelet asks for which this machine does not have."""
    if UNIFIED.exists():
        return set(NEEDED) - set(UNIFIED.read_text().split())
    # The hierarchy of two controllers is named after both, as `cpu,cpuacct`.
    return set(NEEDED).difference(*(found.name.split(",") for found in hierarchies()))


def in_hierarchies(cgroup: str) -> list[Path]:
    """Return the directories of a cgroup."""
    return [hierarchy / cgroup.lstrip("/") for hierarchy in hierarchies()]


@contextmanager
def node_cgroup() -> Iterator[str]:
    """Make a cgroup in each hierarchy, and remove it in the end, when nothing may run in it.

    Yields:
        Its path in a hierarchy.

    Raises:
        OSError: It can't be made, or something still runs in it.
    """
    cgroup = f"/rynxs-node-{uuid4().hex[:8]}"
    made = in_hierarchies(cgroup)
    try:
        for directory in made:
            directory.mkdir()
        yield cgroup
    finally:
        for directory in made:
            # A cgroup's files are not to be removed: they go with its directory.
            for path, _, _ in os.walk(directory, topdown=False):
                Path(path).rmdir()
