"""The lineage of a log's file: its own id, and those of the files that it has replaced.

It is a value in the main database, 16 random bytes for each file, the oldest first. By it a process
that has a file open tells one that was written anew from it, in which the log goes on, from any
other that someone put in its place.
"""

from __future__ import annotations

import os
from typing import Final

KEY: Final = b"lineage"
_ID_SIZE: Final = 16
_IDS_MAX: Final = 1_000  # a process that meanwhile used none of so many files opens the log anew


def begun() -> bytes:
    """Return the lineage of a file that replaces none."""
    return os.urandom(_ID_SIZE)


def continued(lineage: bytes) -> bytes:
    """Return the lineage of a file that replaces one of this lineage."""
    return lineage[-_ID_SIZE * (_IDS_MAX - 1) :] + begun()


def replaces_any(lineage: bytes) -> bool:
    """Tell whether a file of this lineage has replaced another one."""
    return len(lineage) > _ID_SIZE


def descends(lineage: bytes, ancestor: bytes) -> bool:
    """Tell whether a file of this lineage has replaced the one of another."""
    ids = [lineage[place : place + _ID_SIZE] for place in range(0, len(lineage), _ID_SIZE)]
    return ancestor[-_ID_SIZE:] in ids[:-1]
