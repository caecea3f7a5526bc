"""The writer lock: one writer a log, and a refused one is told who holds it.

flock(2) on the file LOCK; the kernel releases it when the process dies, however it dies. The file
names the holder while there is one and is emptied on an orderly close.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from typing import TYPE_CHECKING

from rynxs.api import SinkUnavailable
from rynxs_sink_file.files import close_quietly, write_all
from rynxs_sink_file.system import LOCK_EX, LOCK_NB, LOCK_SH, LOCK_UN, system

if TYPE_CHECKING:
    from pathlib import Path

_PROBE_PAUSE_S = 0.001
_PROBES_MAX = 100


class WriterLock:
    """The lock, held from construction to `release`."""

    def __init__(self, path: Path, identity: str) -> None:
        """Take the lock.

        Raises:
            SinkUnavailable: another process holds it.
            OSError: the file can't be opened.
        """
        self._descriptor = system().open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC)
        try:
            self._take(path)
            holder = json.dumps({"identity": identity, "pid": system().getpid()})
            write_all(self._descriptor, holder.encode(), 0)
        except BaseException:
            system().close(self._descriptor)
            raise

    def release(self) -> None:
        """Give the lock up."""
        # A name that stays behind misleads nobody: it counts only while the lock is held.
        with suppress(OSError):
            system().ftruncate(self._descriptor, 0)
        close_quietly(self._descriptor)

    def _take(self, path: Path) -> None:
        for _ in range(_PROBES_MAX):
            if _try_lock(self._descriptor, LOCK_EX):
                system().ftruncate(self._descriptor, 0)
                return
            if _try_lock(self._descriptor, LOCK_SH):
                # Only readers are probing; the file may still name a writer that was killed.
                system().flock(self._descriptor, LOCK_UN)
            elif holder := _holder(self._descriptor):
                raise SinkUnavailable(f"{path.parent}: another writer has this log open: {holder}")
            system().sleep(_PROBE_PAUSE_S)  # a probe ends, or the holder writes its name
        raise SinkUnavailable(f"{path.parent}: another process holds the lock of this log")


def is_held(path: Path) -> bool:
    """Tell whether a live writer holds the lock; needs no right to write."""
    try:
        descriptor = system().open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        return not _try_lock(descriptor, LOCK_SH)
    finally:
        system().close(descriptor)


def _try_lock(descriptor: int, kind: int) -> bool:
    try:
        system().flock(descriptor, kind | LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _holder(descriptor: int) -> str:
    try:
        holder = json.loads(system().pread(descriptor, 4096, 0))
        return f"{holder['identity']}, process {holder['pid']}"
    except (ValueError, KeyError, TypeError, RecursionError):
        return ""
