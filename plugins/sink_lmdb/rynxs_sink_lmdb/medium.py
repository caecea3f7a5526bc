"""The calls that can fail at the medium, each in one place, for tests to let them fail.

Errors come out as LMDB and the system raise them; `errors.translated` turns them.
"""

from __future__ import annotations

import fcntl
import os
import stat
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

import lmdb

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    Databases = lmdb._Database  # noqa: SLF001 - the stub has no public name for it
    Txn = lmdb.Transaction[bytes]

_DATABASES = 2
_FORMAT: Final = 0  # files of LMDB 0.9, which every LMDB tool reads
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_NEW_FILE = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC


def open_for_writing(path: str, map_size: int) -> lmdb.Environment:
    """Open a file that exists; an empty one gets its first pages."""
    return lmdb.open(
        path,
        map_size=map_size,
        subdir=False,
        mode=0o666,
        max_dbs=_DATABASES,
        max_spare_txns=0,
        lib_version=_FORMAT,
    )


def open_for_reading(path: str, map_size: int) -> lmdb.Environment:
    """Open a file for reading; the readers are entered in its lock file, which is written."""
    return lmdb.open(
        path,
        map_size=map_size,
        subdir=False,
        readonly=True,
        create=False,
        max_dbs=_DATABASES,
        max_spare_txns=0,
        lib_version=_FORMAT,
    )


def open_without_lock(path: str, map_size: int) -> lmdb.Environment:
    """Open a file for reading and leave no trace, so that a writer does not know of the reader."""
    return lmdb.open(
        path,
        map_size=map_size,
        subdir=False,
        readonly=True,
        create=False,
        max_dbs=_DATABASES,
        max_spare_txns=0,
        lock=False,
        lib_version=_FORMAT,
    )


def open_for_rewriting(path: str, map_size: int) -> lmdb.Environment:
    """Open an empty file that no one else uses; nothing in it is durable until `finish_file`."""
    return lmdb.open(
        path,
        map_size=map_size,
        subdir=False,
        max_dbs=_DATABASES,
        lock=False,
        sync=False,
        lib_version=_FORMAT,
    )


def begin_reading(environment: lmdb.Environment) -> Txn:
    """Begin a read transaction."""
    return environment.begin()


def begin_writing(environment: lmdb.Environment) -> Txn:
    """Begin the write transaction, once no other process is in one."""
    return environment.begin(write=True)


def put_many(txn: Txn, database: Databases, items: Sequence[tuple[bytes, bytes]]) -> None:
    """Put pairs behind the last key.

    Raises:
        lmdb.KeyExistsError: a key is not behind the last one.
    """
    _, added = txn.cursor(database).putmulti(items, dupdata=False, overwrite=False, append=True)
    if added != len(items):
        raise lmdb.KeyExistsError(f"{added} of {len(items)} records were put")


def put(txn: Txn, key: bytes, value: bytes, database: Databases | None = None) -> None:
    """Put or replace one value, by default in the main database."""
    txn.put(key, value, db=database)


def delete(txn: Txn, key: bytes, database: Databases) -> bool:
    """Delete one value, and tell whether it was there."""
    return txn.delete(key, db=database)


def commit(txn: Txn) -> None:
    """Make a transaction durable."""
    txn.commit()


def set_map_size(environment: lmdb.Environment, size: int) -> None:
    """Map so many bytes of the file; no transaction of this process may be open."""
    environment.set_mapsize(size)


def reader_check(environment: lmdb.Environment) -> int:
    """Free the slots of readers that died, and return how many they were."""
    return environment.reader_check()


def make_file(path: str) -> os.stat_result:
    """Make a file if it is missing, and return its status."""
    descriptor = os.open(path, _NEW_FILE, 0o666)
    try:
        return os.fstat(descriptor)
    finally:
        os.close(descriptor)


def make_new_file(path: str) -> None:
    """Make an empty file for this user alone, where none is."""
    os.close(os.open(path, _NEW_FILE | os.O_EXCL, 0o600))


def finish_file(path: str, pieces: Iterable[tuple[int, bytes]], like: os.stat_result) -> None:
    """Write pieces at their offsets, take over another file's owner and mode, and flush all."""
    descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    try:
        for offset, data in pieces:
            os.pwrite(descriptor, data, offset)
        made = os.fstat(descriptor)
        if (made.st_uid, made.st_gid) != (like.st_uid, like.st_gid):
            os.fchown(descriptor, like.st_uid, like.st_gid)
        os.fchmod(descriptor, stat.S_IMODE(like.st_mode))
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def replace_file(path: str, by: str) -> None:
    """Give a file's name to another one; durable once the directory is synced."""
    Path(by).replace(path)


def remove_file(path: str) -> None:
    """Remove a file, if it is there."""
    Path(path).unlink(missing_ok=True)


def take_lock(path: str, flags: int, lock: bytes) -> int:
    """Take a lock on bytes of a file, once no one else has one that excludes it.

    It belongs to the descriptor that is returned (fcntl(2): open file description locks).
    """
    descriptor = os.open(path, flags | os.O_CLOEXEC)
    try:
        fcntl.fcntl(descriptor, fcntl.F_OFD_SETLKW, lock)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def close_quietly(descriptor: int) -> None:
    """Close a file to which nothing was written by it, so that an error says nothing.

    Linux closes it even then (close(2)), and gives up its locks.
    """
    with suppress(OSError):
        os.close(descriptor)


def allocate_file(path: str, size: int) -> None:
    """Make a file of `size` bytes whose room on the disk is taken."""
    descriptor = os.open(path, _NEW_FILE, 0o666)
    try:
        os.posix_fallocate(descriptor, 0, size)
    finally:
        os.close(descriptor)


def sync_directory(path: Path) -> None:
    """Make the entries of a directory durable."""
    descriptor = os.open(path, _DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
