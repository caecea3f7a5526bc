"""The files of a log: the LMDB file, the lock file beside it, and the directories above."""

from __future__ import annotations

import fcntl
import os
import stat
import struct
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple

from rynxs.api import SinkUnavailable
from rynxs_sink_lmdb import medium, meta

# LMDB takes as many readers as the lock file has room for: here about a thousand.
LOCK_SIZE: Final = 64 * 1024

_BLOCK = 512  # stat(2): the unit of st_blocks, whatever the file system's is
FLOCK = struct.Struct("@hhqqi4x")  # fcntl(2): type, whence, start, length, process


class Identity(NamedTuple):
    """Which file a path leads to."""

    device: int
    inode: int


def locate(path: str) -> str:
    """Return the path without symbolic links.

    LMDB puts the lock file beside the name by which it is given the file, and whoever comes by
    another name does not meet the same lock.
    """
    return os.path.realpath(path)


def lock_file(path: str) -> str:
    """Return the path of the lock file of a log."""
    return f"{path}-lock"


def rewritten_file(path: str) -> str:
    """Return the path of the file that is to replace a log's, while that is written anew."""
    return f"{path}-rewrite"


def identity_of(status: os.stat_result) -> Identity:
    """Return which file a status is of."""
    return Identity(status.st_dev, status.st_ino)


def identity(path: str) -> Identity | None:
    """Return which file a path leads to; None when there is none."""
    try:
        return identity_of(Path(path).stat())
    except FileNotFoundError:
        return None


def make_file(path: str) -> Identity:
    """Make the file of a log, empty, and the directories above it, where missing.

    Raises:
        SinkUnavailable: what is there can't be a log.
        OSError: it can't be made, or not be written to.
    """
    if Path(path).is_dir():
        raise SinkUnavailable(f"{path}: a directory; name a file, such as {path}/log.mdb")
    parent = Path(path).parent
    if not parent.exists():
        parent.mkdir(parents=True, exist_ok=True)
    status = medium.make_file(path)
    _check_regular(path, status)
    if status.st_nlink != 1:
        raise SinkUnavailable(
            f"{path}: the file has {status.st_nlink} names, and a lock file beside each would let "
            "several writers in; leave it one name"
        )
    return identity_of(status)


def find_file(path: str) -> Identity:
    """Return which file a log is kept in.

    Raises:
        SinkUnavailable: there is none.
        OSError: it can't be looked for.
    """
    try:
        status = Path(path).stat()
    except FileNotFoundError:
        raise SinkUnavailable(f"{path}: no log is here") from None
    _check_regular(path, status)
    return identity_of(status)


def lock_is_usable(path: str) -> bool:
    """Tell whether there is a lock file in which this process can enter itself as a reader.

    An empty one is not: a writer died, or the disk was full, before anything could be entered.
    """
    lock = lock_file(path)
    with suppress(FileNotFoundError):
        is_there = Path(lock).stat().st_size > 0
        return is_there and os.access(lock, os.R_OK | os.W_OK, effective_ids=True)
    return False


def refuse_in_use(path: str) -> None:
    """Refuse to read a log without its lock file while another process has it open.

    A writer would write over pages that are being read, at which LMDB ends the process. Every
    process that has the log open holds a lock on the first byte of the lock file.

    Raises:
        SinkUnavailable: one has, or that can't be told.
    """
    try:
        descriptor = os.open(lock_file(path), os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        wanted = FLOCK.pack(fcntl.F_WRLCK, os.SEEK_SET, 0, 1, 0)
        found, *_ = FLOCK.unpack(fcntl.fcntl(descriptor, fcntl.F_GETLK, wanted))
    finally:
        os.close(descriptor)
    if found != fcntl.F_UNLCK:
        raise SinkUnavailable(
            f"{path}: another process has the log open; to read beside it, this user must be able "
            f"to write to {lock_file(path)}"
        )


def allocate_lock(path: str) -> None:
    """Make the lock file of a log where it is missing, and take its room on the disk.

    LMDB would leave it a hole and write to it through a map: on a full disk the process would be
    killed. Must not be called while this process has the log open, for closing any descriptor of
    the lock file gives up the process's locks on it.
    """
    size, allocated = 0, 0
    with suppress(FileNotFoundError):
        status = Path(lock_file(path)).stat()
        size, allocated = status.st_size, status.st_blocks * _BLOCK
    if not size or allocated < size:
        medium.allocate_file(lock_file(path), size or LOCK_SIZE)


def empty_file(path: str) -> None:
    """Empty a file for which the disk had no room for more than its first page.

    Nothing is done while another process has the file open, or once one has finished it. Must not
    be called while this process has, as `allocate_lock`.
    """
    descriptor = os.open(lock_file(path), os.O_RDWR | os.O_CLOEXEC)
    try:
        fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB, 1)
        if not meta.check_file(path):
            os.truncate(path, 0)
    except BlockingIOError:
        return
    finally:
        os.close(descriptor)


def sync_directories(path: str) -> None:
    """Make the name of a log's file durable, and those of the directories above it.

    Any of them may have been made by a process that died before it could sync them; they are
    looked at up to where the file system is mounted.
    """
    nearest, *others = Path(path).parents
    medium.sync_directory(nearest)
    for inner, outer in zip([nearest, *others], others, strict=False):
        if inner.is_mount():
            return
        # One that was made for us may stand in a directory that we must not read.
        with suppress(PermissionError):
            medium.sync_directory(outer)


def _check_regular(path: str, status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise SinkUnavailable(f"{path}: not a regular file, so no log is here")
