"""System calls that make files durable, with their errors translated.

Good path of a new file: write, fsync the file, rename it into place, fsync its directory. What
stays unsafe: a disk that acknowledges a flush it has not done.
"""

from __future__ import annotations

import errno
import os
import stat
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from rynxs.api import SinkUnavailable
from rynxs_sink_file.files import close_quietly, is_directory, is_empty, remove, write_all
from rynxs_sink_file.system import system

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_REPLACEMENT = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
_NEW_FILE = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Turn an OSError into `SinkUnavailable` that names the path."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            reason += "; make room and run again, nothing that was acknowledged is lost"
        raise SinkUnavailable(f"{error.filename or path}: {reason}") from error


def make_directory(path: Path) -> None:
    """Make a directory and its parents durably, where missing.

    A directory that holds something has a durable name, for its maker synced that before using it.
    An empty one may be the work of a process that died in between, so its name is synced again.
    """
    if is_directory(path):
        if is_empty(path):
            # One that was made for us may stand in a directory that we must not read.
            with suppress(PermissionError):
                sync_directory(path.parent)
        return
    make_directory(path.parent)
    try:
        system().mkdir(path)
    except FileExistsError:
        if not is_directory(path):
            raise
    sync_directory(path.parent)


def sync_directory(path: Path) -> None:
    """Make the entries of a directory durable."""
    descriptor = system().open(path, _DIRECTORY)
    try:
        system().fsync(descriptor)
    finally:
        system().close(descriptor)


def replace_file(path: Path, data: bytes) -> None:
    """Write a file durably and whole: a crash leaves the old or the new content."""
    beside = temporary(path)
    try:
        _write_file(beside, data)
        system().replace(beside, path)
    except OSError:
        with suppress(OSError):
            remove(beside)
        raise
    sync_directory(path.parent)


def replace_files(files: Mapping[Path, bytes]) -> None:
    """Write files durably and each whole; their directories are left to the caller to flush.

    A crash leaves of each the old or the new content.
    """
    beside = {path: temporary(path) for path in files}
    descriptors = []
    try:
        for path, data in files.items():
            descriptors.append(system().open(beside[path], _REPLACEMENT))
            write_all(descriptors[-1], data, 0)
        for descriptor in descriptors:
            system().fsync(descriptor)
        for path in files:
            system().replace(beside[path], path)
    except OSError:
        for path in beside.values():
            with suppress(OSError):
                remove(path)
        raise
    finally:
        for descriptor in descriptors:
            close_quietly(descriptor)


def temporary(path: Path) -> Path:
    """Return where the file is written that is to replace the one at a path."""
    return path.with_name(f".{path.name}.tmp")


def is_temporary(name: str) -> bool:
    """Tell whether a file has the name of a `temporary`."""
    return name.startswith(".") and name.endswith(".tmp")


def new_file_beside(path: Path, status: os.stat_result) -> int:
    """Make the empty `temporary` of a path and return a descriptor to read and write it.

    Owner and mode are those of a status, so that who could use the old file can use the new one.

    Raises:
        OSError: it can't be made, or not be given to that owner; none is there then.
    """
    beside = temporary(path)
    remove(beside)
    descriptor = system().open(beside, _NEW_FILE, 0o600)
    try:
        made = system().fstat(descriptor)
        if (made.st_uid, made.st_gid) != (status.st_uid, status.st_gid):
            system().fchown(descriptor, status.st_uid, status.st_gid)
        system().fchmod(descriptor, stat.S_IMODE(status.st_mode))
    except BaseException:
        close_quietly(descriptor)
        with suppress(OSError):
            system().unlink(beside)
        raise
    return descriptor


def _write_file(path: Path, data: bytes) -> None:
    descriptor = system().open(path, _REPLACEMENT)
    try:
        write_all(descriptor, data, 0)
        system().fsync(descriptor)
    finally:
        system().close(descriptor)
