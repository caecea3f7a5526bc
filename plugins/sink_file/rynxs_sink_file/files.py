"""Questions about paths, and whole files read and written, by the machine's system calls."""

from __future__ import annotations

import errno
import io
import os
import stat
from contextlib import closing, contextmanager, suppress
from typing import TYPE_CHECKING, Any

from rynxs_sink_file.system import system

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_MISSING = FileNotFoundError, NotADirectoryError
_APPENDING = os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC
_REPLACING = _APPENDING | os.O_TRUNC


@contextmanager
def opened(path: Path) -> Iterator[int]:
    """Open a file for reading and yield its descriptor."""
    descriptor = system().open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        yield descriptor
    finally:
        close_quietly(descriptor)


@contextmanager
def buffered(path: Path, size: int) -> Iterator[io.BufferedReader[Any]]:
    """Open a file for reading it from front to back; `size` bytes of it are read ahead."""
    with opened(path) as descriptor, io.BufferedReader(_Raw(path, descriptor), size) as reader:
        yield reader


def read_file(path: Path) -> bytes:
    """Return what a file holds."""
    with buffered(path, io.DEFAULT_BUFFER_SIZE) as reader:
        return reader.read()


def append_to(path: Path, data: bytes) -> None:
    """Add to the end of a file, without making that durable."""
    descriptor = system().open(path, _APPENDING)
    try:
        write_all(descriptor, data, system().fstat(descriptor).st_size)
    finally:
        system().close(descriptor)


def overwrite(path: Path, data: bytes) -> None:
    """Write a file anew, without making that durable."""
    descriptor = system().open(path, _REPLACING)
    try:
        write_all(descriptor, data, 0)
    finally:
        system().close(descriptor)


def write_all(descriptor: int, data: bytes, offset: int) -> None:
    """Write all of `data` at `offset`."""
    view = memoryview(data)
    while view:
        written = system().pwrite(descriptor, view, offset)
        if not written:
            raise OSError(errno.EIO, "nothing could be written")
        view, offset = view[written:], offset + written


def read_all(descriptor: int, size: int, offset: int) -> bytes:
    """Return `size` bytes at `offset`, fewer only at the end of the file."""
    data = system().pread(descriptor, size, offset)
    while len(data) < size:
        more = system().pread(descriptor, size - len(data), offset + len(data))
        if not more:
            break
        data += more
    return data


def exists(path: Path) -> bool:
    """Tell whether there is something at a path."""
    return _mode(path) != 0


def is_directory(path: Path) -> bool:
    """Tell whether there is a directory at a path."""
    return stat.S_ISDIR(_mode(path))


def is_file(path: Path) -> bool:
    """Tell whether there is a regular file at a path."""
    return stat.S_ISREG(_mode(path))


def names(path: Path) -> list[str]:
    """Return the names in a directory, sorted."""
    return sorted(name for name, _ in system().scandir(path))


def is_empty(path: Path) -> bool:
    """Tell whether a directory holds nothing, at the same cost however much it holds."""
    with closing(system().scandir(path)) as entries:
        return next(entries, None) is None


def files_below(path: Path) -> Iterator[Path]:
    """Yield what is below a directory and is none; nothing if it is not there."""
    with suppress(*_MISSING):
        for name, is_a_directory in sorted(system().scandir(path)):
            if is_a_directory:
                yield from files_below(path / name)
            else:
                yield path / name


def remove(path: Path) -> None:
    """Remove a file, if it is there."""
    with suppress(FileNotFoundError):
        system().unlink(path)


def close_quietly(descriptor: int) -> None:
    """Close a file whose content is flushed or of no account, so that an error says nothing."""
    with suppress(OSError):
        system().close(descriptor)


def _mode(path: Path) -> int:
    try:
        return system().stat(path).st_mode
    except _MISSING:
        return 0


class _Raw(io.RawIOBase):
    """An open file, read by position; closing it leaves the descriptor open."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self._path = path
        self._descriptor = descriptor
        self._offset = 0

    def fileno(self) -> int:
        return self._descriptor

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._offset

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._offset}.get(whence)
        if start is None:
            start = system().fstat(self._descriptor).st_size
        self._offset = start + offset
        return self._offset

    def readinto(self, buffer: Any) -> int:
        try:
            count = system().preadv(self._descriptor, [buffer], self._offset)
        except OSError as error:
            error.filename = str(self._path)  # the call itself names none
            raise
        self._offset += count
        return count
