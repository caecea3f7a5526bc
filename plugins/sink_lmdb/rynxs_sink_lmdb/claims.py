"""Claims on the file of a log, beside LMDB's locks: who writes, opens or replaces it.

LMDB's locks are in a file of their own, which the file that replaces a log shares with the one that
was there; so they can't tell the two apart. A claim is a lock on a byte of the log's file itself,
and holds only while that has its name. Who replaces the file has all claims, so the others meet
either the old file, before that, or the new one. The kernel gives up the claims of a dead process.
"""

from __future__ import annotations

import fcntl
import os
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from rynxs_sink_lmdb import medium
from rynxs_sink_lmdb.place import FLOCK, identity_of

if TYPE_CHECKING:
    from collections.abc import Iterator


class Claim(NamedTuple):
    """A lock on one byte, and how the file must be open for it."""

    kind: int
    byte: int
    flags: int


WRITE: Final = Claim(fcntl.F_WRLCK, 0, os.O_RDWR)
"""Of who writes a transaction or opens the file for writing; one process at a time."""

READ: Final = Claim(fcntl.F_RDLCK, 1, os.O_RDONLY)
"""Of who opens the file for reading; any number."""

REPLACE: Final = Claim(fcntl.F_WRLCK, 1, os.O_RDWR)
"""Of who is about to replace the file, and has claimed `WRITE` before."""


def take(path: str, claim: Claim) -> int:
    """Wait for a claim on the file that is at a path; return a descriptor for `give_up`.

    Raises:
        OSError: there is no file, or it can't be opened.
    """
    while True:
        descriptor = medium.take_lock(path, claim.flags, _packed(claim.kind, claim.byte))
        try:
            if identity_of(os.fstat(descriptor)) == identity_of(Path(path).stat()):
                return descriptor
        except BaseException:
            give_up(descriptor)
            raise
        give_up(descriptor)  # replaced while we waited


def give_up(descriptor: int) -> None:
    """Give up a claim, at once also if a forked process has the descriptor too.

    An error says nothing of what was done meanwhile, and closing the file gives the claim up too.
    """
    with suppress(OSError):
        fcntl.fcntl(descriptor, fcntl.F_OFD_SETLK, _packed(fcntl.F_UNLCK, 0, 0))
    medium.close_quietly(descriptor)


@contextmanager
def held(path: str, claim: Claim) -> Iterator[None]:
    """Hold a claim within."""
    descriptor = take(path, claim)
    try:
        yield
    finally:
        give_up(descriptor)


def _packed(kind: int, start: int, length: int = 1) -> bytes:
    return FLOCK.pack(kind, os.SEEK_SET, start, length, 0)
