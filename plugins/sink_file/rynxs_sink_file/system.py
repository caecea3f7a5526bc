"""The system calls of this sink: all that it asks of the machine is asked here.

So another machine can be put in the place of the real one: a simulated one, whose disk tears and
reorders what was not flushed when it loses its power. That holds for the context in which it is
done (PEP 567), and for the threads that are started from there with it.
"""

from __future__ import annotations

import fcntl
import os
import time
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator
    from pathlib import Path

LOCK_EX, LOCK_NB, LOCK_SH, LOCK_UN = fcntl.LOCK_EX, fcntl.LOCK_NB, fcntl.LOCK_SH, fcntl.LOCK_UN


class System(Protocol):
    """A machine, as POSIX has it; what can't be done raises `OSError`."""

    def open(self, path: Path, flags: int, mode: int = 0o666) -> int:
        """Return a descriptor."""

    def close(self, descriptor: int) -> None:
        """Close it, whether or not that raises."""

    def pread(self, descriptor: int, size: int, offset: int) -> bytes:
        """Return up to `size` bytes."""

    def preadv(self, descriptor: int, buffers: Any, offset: int) -> int:
        """Fill buffers; return how many bytes that were."""

    def pwrite(self, descriptor: int, data: Any, offset: int) -> int:
        """Write some of `data`; return how many bytes that were."""

    def ftruncate(self, descriptor: int, size: int) -> None:
        """Cut a file off, or extend it by zeros."""

    def fsync(self, descriptor: int) -> None:
        """Make a file durable, or the names in a directory."""

    def fdatasync(self, descriptor: int) -> None:
        """Make a file durable, and what it takes to read it."""

    def fstat(self, descriptor: int) -> os.stat_result:
        """Return the status of an open file."""

    def stat(self, path: Path) -> os.stat_result:
        """Return the status of what is at a path."""

    def fchown(self, descriptor: int, user: int, group: int) -> None:
        """Give a file to somebody."""

    def fchmod(self, descriptor: int, mode: int) -> None:
        """Set who may do what with a file."""

    def flock(self, descriptor: int, operation: int) -> None:
        """Lock an open file or unlock it (flock(2))."""

    def mkdir(self, path: Path) -> None:
        """Make a directory."""

    def rmdir(self, path: Path) -> None:
        """Remove an empty directory."""

    def unlink(self, path: Path) -> None:
        """Remove a name of a file."""

    def replace(self, source: Path, target: Path) -> None:
        """Give a file another name, which may be another file's until then."""

    def scandir(self, path: Path) -> Generator[tuple[str, bool], None, None]:
        """Yield the names in a directory, in no order, and whether each is a directory's."""

    def getpid(self) -> int:
        """Return the number of this process."""

    def sleep(self, seconds: float) -> None:
        """Wait."""


class _Real:
    """This machine; what it calls is looked up when it is called, for tests replace some."""

    def open(self, path: Path, flags: int, mode: int = 0o666) -> int:
        return os.open(path, flags, mode)

    def close(self, descriptor: int) -> None:
        os.close(descriptor)

    def pread(self, descriptor: int, size: int, offset: int) -> bytes:
        return os.pread(descriptor, size, offset)

    def preadv(self, descriptor: int, buffers: Any, offset: int) -> int:
        return os.preadv(descriptor, buffers, offset)

    def pwrite(self, descriptor: int, data: Any, offset: int) -> int:
        return os.pwrite(descriptor, data, offset)

    def ftruncate(self, descriptor: int, size: int) -> None:
        os.ftruncate(descriptor, size)

    def fsync(self, descriptor: int) -> None:
        os.fsync(descriptor)

    def fdatasync(self, descriptor: int) -> None:
        os.fdatasync(descriptor)

    def fstat(self, descriptor: int) -> os.stat_result:
        return os.fstat(descriptor)

    def stat(self, path: Path) -> os.stat_result:
        return path.stat()

    def fchown(self, descriptor: int, user: int, group: int) -> None:
        os.fchown(descriptor, user, group)

    def fchmod(self, descriptor: int, mode: int) -> None:
        os.fchmod(descriptor, mode)

    def flock(self, descriptor: int, operation: int) -> None:
        fcntl.flock(descriptor, operation)

    def mkdir(self, path: Path) -> None:
        path.mkdir()

    def rmdir(self, path: Path) -> None:
        path.rmdir()

    def unlink(self, path: Path) -> None:
        path.unlink()

    def replace(self, source: Path, target: Path) -> None:
        source.replace(target)

    def scandir(self, path: Path) -> Generator[tuple[str, bool], None, None]:
        with os.scandir(path) as entries:
            for each in entries:
                yield each.name, each.is_dir(follow_symlinks=False)

    def getpid(self) -> int:
        return os.getpid()

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


_REAL = _Real()
_in_force: ContextVar[System] = ContextVar("system", default=_REAL)


def system() -> System:
    """Return the machine that is in force."""
    return _in_force.get()


@contextmanager
def in_force(machine: System) -> Iterator[None]:
    """Put a machine in the place of the real one."""
    token = _in_force.set(machine)
    try:
        yield
    finally:
        _in_force.reset(token)
