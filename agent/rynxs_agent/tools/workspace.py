"""The workspace: a directory that no path leads out of.

A path is walked one name at a time, each opened relative to the directory before it and never
through a symbolic link (``O_NOFOLLOW``), so that it does not matter what somebody puts there
meanwhile. Links are refused altogether, those to files inside too.
"""

from __future__ import annotations

import errno
import os
import stat
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from rynxs_agent.errors import ConfigurationError, ToolError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_DIRECTORY: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_PLACE: Final = getattr(os, "O_PATH", os.O_RDONLY) | _DIRECTORY
_READ: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_CREATE: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_DEPTH_MAX = 32
_FILE_MODE = 0o644
_DIRECTORY_MODE = 0o755
_ATTEMPTS = 100
_WORDS: Final = {
    errno.ELOOP: "is a symbolic link, which is not followed",
    errno.ENOENT: "is not there",
    errno.ENOTDIR: "leads through what is no directory, or is a symbolic link",
    errno.EISDIR: "is a directory",
    errno.ENOTEMPTY: "is a directory that is not empty",
}


class Piece(NamedTuple):
    """A part of a file.

    Attributes:
        data: its bytes.
        size: of the whole file, in bytes.
    """

    data: bytes
    size: int


class Entry(NamedTuple):
    """One entry of a directory.

    Attributes:
        name: in the directory.
        kind: ``file``, ``directory``, or ``other``, such as a link.
        size: of a file in bytes, else 0.
    """

    name: str
    kind: str
    size: int


class Workspace:
    """A directory, and what may be done in it. Paths are relative to it, or begin with its own."""

    def __init__(self, root: Path) -> None:
        """Open a directory.

        Raises:
            ConfigurationError: that is not possible.
        """
        self.root = root
        try:
            self._root = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError as error:
            raise ConfigurationError(f"the workspace can't be opened: {error.strerror}") from None
        self._temporary = count()

    def close(self) -> None:
        """Give the directory back; harmless when repeated."""
        root, self._root = self._root, -1
        if root >= 0:
            os.close(root)

    def names_of(self, path: str) -> tuple[str, ...]:
        """Return the names that a path is made of, none for the workspace itself.

        Raises:
            ToolError: it leads out of the workspace, or is no path.
        """
        try:
            path.encode()
        except UnicodeEncodeError:
            raise ToolError("that path is not text") from None
        own = str(self.root)
        if path == own or path.startswith(own.rstrip("/") + "/"):
            path = path[len(own) :]
        elif path.startswith("/"):
            raise ToolError(f"{path!r} is not in the workspace, {own}")
        names = tuple(name for name in path.split("/") if name not in {"", "."})
        if "\0" in path or ".." in names or len(names) > _DEPTH_MAX:
            raise ToolError(f"{path!r} has '..' or NUL in it, or is too deep")
        return names

    def read(self, path: str, offset: int, size: int) -> Piece:
        """Return at most `size` bytes of a file, from an offset on.

        Raises:
            ToolError: it can't be read.
        """
        *above, name = self._file_names(path)
        with _told(path), self._directory(above) as directory:
            file = os.open(name, _READ, dir_fd=directory)
            try:
                status = os.fstat(file)
                if not stat.S_ISREG(status.st_mode):
                    raise ToolError(f"{path!r} is not a file")
                return Piece(os.pread(file, size, offset), status.st_size)
            finally:
                os.close(file)

    def write(self, path: str, data: bytes) -> None:
        """Make or replace a file as a whole, with the directories above it.

        Raises:
            ToolError: it can't be written; then it is as before.
        """
        *above, name = self._file_names(path)
        with _told(path), self._directory(above, make=True) as directory:
            mode = _mode_to_keep(directory, name)
            temporary, file = self._create(directory)
            try:
                with os.fdopen(file, "wb") as stream:
                    stream.write(data)
                    os.fchmod(file, mode)
                os.rename(temporary, name, src_dir_fd=directory, dst_dir_fd=directory)
            except OSError:
                with suppress(OSError):
                    os.unlink(temporary, dir_fd=directory)
                raise

    def entries(self, path: str, most: int) -> list[Entry]:
        """Return what is in a directory by name, at most so many.

        Raises:
            ToolError: it can't be read.
        """
        with _told(path), self._directory(self.names_of(path)) as directory:
            names = sorted(os.listdir(directory))[:most]  # noqa: PTH208 - by descriptor
            return [entry for name in names if (entry := _entry(directory, name))]

    def delete(self, path: str) -> None:
        """Remove a file, a link, or an empty directory.

        Raises:
            ToolError: it is not there, or can't be removed.
        """
        *above, name = self._file_names(path)
        with _told(path), self._directory(above) as directory:
            mode = os.stat(name, dir_fd=directory, follow_symlinks=False).st_mode
            remove = os.rmdir if stat.S_ISDIR(mode) else os.unlink
            remove(name, dir_fd=directory)

    def make_writable(self, path: str) -> None:
        """Let their owner use the directories that lead to a file, as far as there are any."""
        *above, _ = self._file_names(path)
        for depth, name in enumerate(above):
            with suppress(OSError), self._directory(above[:depth]) as directory:
                place = os.open(name, _PLACE, dir_fd=directory)
                try:
                    # By its descriptor, for which it need not be readable.
                    Path(f"/proc/self/fd/{place}").chmod(_DIRECTORY_MODE)
                finally:
                    os.close(place)

    def _file_names(self, path: str) -> tuple[str, ...]:
        names = self.names_of(path)
        if not names:
            raise ToolError("that is the workspace itself")
        return names

    @contextmanager
    def _directory(self, names: Sequence[str], *, make: bool = False) -> Iterator[int]:
        """Open the directory of some names below the root, and make those that are missing."""
        directory = os.dup(self._root)
        try:
            for name in names:
                if make:
                    with suppress(FileExistsError):
                        os.mkdir(name, _DIRECTORY_MODE, dir_fd=directory)
                deeper = os.open(name, _DIRECTORY, dir_fd=directory)
                os.close(directory)
                directory = deeper
            yield directory
        finally:
            os.close(directory)

    def _create(self, directory: int) -> tuple[str, int]:
        """Make an empty file under a name that is free."""
        for _ in range(_ATTEMPTS):
            name = f".rynxs-{os.getpid()}-{next(self._temporary)}"
            with suppress(FileExistsError):
                return name, os.open(name, _CREATE, 0o600, dir_fd=directory)
        raise ToolError("no name is free for a temporary file")


@contextmanager
def _told(path: str) -> Iterator[None]:
    """Turn an error of the system into one for the model."""
    try:
        yield
    except OSError as error:
        words = _WORDS.get(error.errno or 0) or f"can't be used: {error.strerror}"
        raise ToolError(f"{path!r} {words}") from None


def _mode_to_keep(directory: int, name: str) -> int:
    """Return the permissions of the file that is replaced, or those of a new one."""
    try:
        mode = os.stat(name, dir_fd=directory, follow_symlinks=False).st_mode
    except FileNotFoundError:
        return _FILE_MODE
    return stat.S_IMODE(mode) & 0o777 if stat.S_ISREG(mode) else _FILE_MODE


def _entry(directory: int, name: str) -> Entry | None:
    """Return what is told of an entry, None if it is gone by now."""
    try:
        status = os.stat(name, dir_fd=directory, follow_symlinks=False)
    except FileNotFoundError:
        return None
    if stat.S_ISDIR(status.st_mode):
        return Entry(name, "directory", 0)
    is_file = stat.S_ISREG(status.st_mode)
    return Entry(name, "file" if is_file else "other", status.st_size if is_file else 0)
