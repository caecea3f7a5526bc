"""Opening an LMDB file as a log: what must hold before LMDB maps it, its mark and its databases."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from rynxs.api import SinkUnavailable
from rynxs_sink_lmdb import medium, meta, place
from rynxs_sink_lmdb.settings import MAP_BYTES_MIN

if TYPE_CHECKING:
    import lmdb

    from rynxs_sink_lmdb.medium import Databases, Txn
    from rynxs_sink_lmdb.place import Identity

_MARK: Final = b"format"
_FORMAT: Final = b"rynxs log 1"
_RECORDS: Final = b"records"
_OBJECTS: Final = b"objects"


class Opened(NamedTuple):
    """An open file.

    Attributes:
        environment: LMDB's handle of it.
        records: keyed by seq, 8 bytes big-endian.
        objects: keyed by name.
        page_size: bytes of a page.
        lock: which lock file is used; None when none is.
    """

    environment: lmdb.Environment
    records: Databases
    objects: Databases
    page_size: int
    lock: Identity | None


def map_size(path: str) -> int:
    """Return the size of the smallest map that the file fits, from a row of doubled sizes."""
    size = MAP_BYTES_MIN
    wanted = Path(path).stat().st_size
    while size < wanted:
        size *= 2
    return size


def open_for_writing(path: str, map_max: int) -> Opened:
    """Open a file, and make it a log if it is empty; its name is durable on return.

    Raises:
        SinkUnavailable: the file is not a log.
        SinkCorrupt: the file is damaged.
    """
    is_made = meta.check_file(path)
    place.allocate_lock(path)
    if not is_made:
        place.empty_file(path)
    environment = medium.open_for_writing(path, min(map_size(path), map_max))
    try:
        medium.reader_check(environment)
        records, objects = _make_databases(environment, path)
    except BaseException:
        environment.close()
        raise
    lock = place.identity(place.lock_file(path))
    return Opened(environment, records, objects, environment.stat()["psize"], lock)


def open_for_reading(path: str) -> Opened:
    """Open a log for reading, with the lock file if there is one that may be written.

    Raises:
        SinkUnavailable: the file is not a log.
        SinkCorrupt: the file is damaged.
    """
    if not meta.check_file(path):
        raise _no_log(path)
    lock = None
    if place.lock_is_usable(path):
        environment = medium.open_for_reading(path, map_size(path))
        lock = place.identity(place.lock_file(path))
    else:
        place.refuse_in_use(path)
        environment = medium.open_without_lock(path, map_size(path))
    try:
        if lock is not None:
            medium.reader_check(environment)
        _check_mark(environment, path)
        records = environment.open_db(_RECORDS, create=False)
        objects = environment.open_db(_OBJECTS, create=False)
    except BaseException:
        environment.close()
        raise
    return Opened(environment, records, objects, environment.stat()["psize"], lock)


def _make_databases(environment: lmdb.Environment, path: str) -> tuple[Databases, Databases]:
    """Return those of records and of objects, made and marked durably if the file is empty."""
    txn = medium.begin_writing(environment)
    try:
        is_new = _mark(txn, path)
        records = environment.open_db(_RECORDS, txn=txn, create=is_new)
        objects = environment.open_db(_OBJECTS, txn=txn, create=is_new)
        is_empty = not txn.stat(records)["entries"]
        medium.commit(txn)
    except BaseException:
        txn.abort()
        raise
    if is_empty:
        place.sync_directories(path)
    return records, objects


def _mark(txn: Txn, path: str) -> bool:
    """Mark an empty file as a log, and tell whether it was empty; refuse one that is no log."""
    found = txn.get(_MARK)
    if found == _FORMAT:
        return False
    if found is not None or txn.stat()["entries"]:
        raise _not_a_log(path, found)
    medium.put(txn, _MARK, _FORMAT)
    return True


def _check_mark(environment: lmdb.Environment, path: str) -> None:
    txn = medium.begin_reading(environment)
    try:
        found, is_empty = txn.get(_MARK), not txn.stat()["entries"]
    finally:
        txn.abort()
    if is_empty:
        raise _no_log(path)
    if found != _FORMAT:
        raise _not_a_log(path, found)


def _no_log(path: str) -> SinkUnavailable:
    return SinkUnavailable(f"{path}: no log is here, the file is empty")


def _not_a_log(path: str, mark: bytes | None) -> SinkUnavailable:
    what = f"its mark is {mark!r}" if mark else "another program's"
    return SinkUnavailable(f"{path}: an LMDB file, and not a rynxs log: {what}")
