"""Opening an LMDB file as a log: what must hold before LMDB maps it, its mark and its databases."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from rynxs.api import SinkUnavailable
from rynxs_sink_lmdb import lineage, medium, meta, place
from rynxs_sink_lmdb.settings import MAP_BYTES_MIN

if TYPE_CHECKING:
    import lmdb

    from rynxs_sink_lmdb.medium import Databases, Txn
    from rynxs_sink_lmdb.place import Identity

RECORDS: Final = b"records"
OBJECTS: Final = b"objects"
LAST_BATCH: Final = b"last-batch"

_MARK: Final = b"format"
_FORMAT: Final = b"rynxs log 1"

KEPT: Final = (_MARK, LAST_BATCH)
"""Keys of the main database whose values outlive the file."""


class Opened(NamedTuple):
    """An open file.

    Attributes:
        environment: LMDB's handle of it.
        records: keyed by seq, 8 bytes big-endian.
        objects: keyed by name.
        page_size: bytes of a page.
        lock: which lock file is used; None when none is.
        lineage: of the file; empty when its writers did not give it one yet.
    """

    environment: lmdb.Environment
    records: Databases
    objects: Databases
    page_size: int
    lock: Identity | None
    lineage: bytes


def map_size(path: str) -> int:
    """Return the size of the smallest map that the file fits, from a row of doubled sizes."""
    size = MAP_BYTES_MIN
    wanted = Path(path).stat().st_size
    while size < wanted:
        size *= 2
    return size


def open_for_writing(path: str, map_max: int) -> Opened:
    """Open a file, and make it a log if it is empty; its name is durable on return.

    `claims.WRITE` must be held, so that no file of the log is being written anew.

    Raises:
        SinkUnavailable: the file is not a log.
        SinkCorrupt: the file is damaged.
    """
    medium.remove_file(place.rewritten_file(path))
    is_made = meta.check_file(path)
    place.allocate_lock(path)
    if not is_made:
        place.empty_file(path)
    environment = medium.open_for_writing(path, min(map_size(path), map_max))
    try:
        medium.reader_check(environment)
        records, objects, ids = _make_databases(environment, path)
        lock = place.identity(place.lock_file(path))
    except BaseException:
        environment.close()
        raise
    return Opened(environment, records, objects, environment.stat()["psize"], lock, ids)


def open_for_reading(path: str) -> Opened:
    """Open a log for reading, with the lock file if there is one that may be written.

    `claims.READ` or `claims.WRITE` must be held, so that the file is not replaced meanwhile.

    Raises:
        SinkUnavailable: the file is not a log.
        SinkCorrupt: the file is damaged.
    """
    if not meta.check_file(path):
        raise _no_log(path)
    lock = None
    has_lock = place.lock_is_usable(path)
    if has_lock:
        environment = medium.open_for_reading(path, map_size(path))
    else:
        place.refuse_in_use(path)
        environment = medium.open_without_lock(path, map_size(path))
    try:
        if has_lock:
            lock = place.identity(place.lock_file(path))
            medium.reader_check(environment)
        ids = _check_mark(environment, path)
        records = environment.open_db(RECORDS, create=False)
        objects = environment.open_db(OBJECTS, create=False)
    except BaseException:
        environment.close()
        raise
    return Opened(environment, records, objects, environment.stat()["psize"], lock, ids)


def _make_databases(environment: lmdb.Environment, path: str) -> tuple[Databases, Databases, bytes]:
    """Return those of records and of objects, made and marked durably if missing, and the lineage.

    The name of a file that has replaced another is made durable too, for who replaced it may have
    died before that.
    """
    txn = medium.begin_writing(environment)
    try:
        is_new = _mark(txn, path)
        ids = _lineage(txn)
        records = environment.open_db(RECORDS, txn=txn, create=is_new)
        objects = environment.open_db(OBJECTS, txn=txn, create=is_new)
        is_empty = not txn.stat(records)["entries"]
        medium.commit(txn)
    except BaseException:
        txn.abort()
        raise
    if is_empty:
        place.sync_directories(path)
    elif lineage.replaces_any(ids):
        medium.sync_directory(Path(path).parent)
    return records, objects, ids


def _lineage(txn: Txn) -> bytes:
    """Return the lineage of a file, and begin one if it has none."""
    found = txn.get(lineage.KEY)
    if found is None:
        found = lineage.begun()
        medium.put(txn, lineage.KEY, found)
    return found


def _mark(txn: Txn, path: str) -> bool:
    """Mark an empty file as a log, and tell whether it was empty; refuse one that is no log."""
    found = txn.get(_MARK)
    if found == _FORMAT:
        return False
    if found is not None or txn.stat()["entries"]:
        raise _not_a_log(path, found)
    medium.put(txn, _MARK, _FORMAT)
    return True


def _check_mark(environment: lmdb.Environment, path: str) -> bytes:
    """Refuse what is no log, and return the lineage of one."""
    txn = medium.begin_reading(environment)
    try:
        found, is_empty = txn.get(_MARK), not txn.stat()["entries"]
        ids = txn.get(lineage.KEY) or b""
    finally:
        txn.abort()
    if is_empty:
        raise _no_log(path)
    if found != _FORMAT:
        raise _not_a_log(path, found)
    return ids


def _no_log(path: str) -> SinkUnavailable:
    return SinkUnavailable(f"{path}: no log is here, the file is empty")


def _not_a_log(path: str, mark: bytes | None) -> SinkUnavailable:
    what = f"its mark is {mark!r}" if mark else "another program's"
    return SinkUnavailable(f"{path}: an LMDB file, and not a rynxs log: {what}")
