"""The writer lock: one writer a log, and a refused one is told who holds it.

flock(2) on the file LOCK; the kernel releases it when the process dies, however it dies. The file
names the holder while there is one and is emptied on an orderly close.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from typing import TYPE_CHECKING

from rynxs.api import SinkUnavailable

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
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        try:
            self._take(path)
            holder = json.dumps({"identity": identity, "pid": os.getpid()})
            os.pwrite(self._descriptor, holder.encode(), 0)
        except BaseException:
            os.close(self._descriptor)
            raise

    def release(self) -> None:
        """Give the lock up."""
        os.ftruncate(self._descriptor, 0)
        os.close(self._descriptor)

    def _take(self, path: Path) -> None:
        for _ in range(_PROBES_MAX):
            try:
                fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                holder = _holder(self._descriptor)
                if holder:
                    raise SinkUnavailable(
                        f"{path.parent}: another writer has this log open: {holder}"
                    ) from None
                # Nobody is named: a reader is probing, or the holder is just starting.
                time.sleep(_PROBE_PAUSE_S)
            else:
                os.ftruncate(self._descriptor, 0)
                return
        raise SinkUnavailable(f"{path.parent}: another process holds the lock of this log")


def is_held(path: Path) -> bool:
    """Tell whether a live writer holds the lock; needs no right to write."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def _holder(descriptor: int) -> str:
    try:
        holder = json.loads(os.pread(descriptor, 4096, 0))
        return f"{holder['identity']}, process {holder['pid']}"
    except (ValueError, KeyError, TypeError):
        return ""
