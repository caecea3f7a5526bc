"""Writing a log anew into another file, without some payloads.

LMDB never clears a page, neither a free one nor the unused rest of one that is in use, and a copy
of its pages, compacted or not, takes along some of what is there. So the new file is filled with
what the old one holds by key, through an environment of its own that has never seen anything else.

The two files share a lock file, in which LMDB keeps the number of the last transaction. So the new
file is made to go on with the old one's number (`meta.continued`).
"""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Final

from rynxs.api import SinkUnavailable, check_positions
from rynxs_sink_lmdb import lineage, medium, meta, objects, records
from rynxs_sink_lmdb.opening import KEPT, OBJECTS, RECORDS, map_size

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    import lmdb

    from rynxs_sink_lmdb.environment import Snapshot
    from rynxs_sink_lmdb.medium import Databases, Txn
    from rynxs_sink_lmdb.records import Item

_CHUNK_RECORDS: Final = 10_000
_CHUNK_BYTES: Final = 8 * 1024 * 1024


def is_needed(seqs: Collection[int], snapshot: Snapshot) -> bool:
    """Tell whether one of these payloads is in the file, or the rest of a deleted object.

    Raises:
        SinkUnavailable: one is no record of the log.
        SinkCorrupt: a record is damaged.
    """
    check_positions(sorted(seqs), records.count(snapshot))
    if snapshot.txn.get(objects.REMAINS) is not None:
        return True
    return any(records.get(seq, snapshot).payload is not None for seq in sorted(seqs))


def rewrite(seqs: Collection[int], snapshot: Snapshot, path: str, target: str) -> None:
    """Write to `target`, where nothing is, what the file at `path` holds, and flush it.

    Args:
        seqs: whose payloads are left out.
        snapshot: the write transaction of the file at `path`, in which nothing is written.
        path: the log's file.
        target: the new file.

    Raises:
        SinkUnavailable: the file at `path` has several names.
        SinkCorrupt: a record to be erased is damaged.
        lmdb.Error: the file can't be read, or the new one not be written.
        OSError: the new file can't be written.
    """
    status = Path(path).stat()
    if status.st_nlink != 1:
        raise SinkUnavailable(
            f"{path}: the file has {status.st_nlink} names, and would keep what is to be erased "
            "under the others; leave it one name"
        )
    last = snapshot.txn.id() - 1  # of the transactions that are done
    medium.make_new_file(target)
    # The new file has fewer pages, but for the few of a small log.
    with closing(medium.open_for_rewriting(target, 2 * map_size(path))) as environment:
        _fill(environment, snapshot, {records.key_of(seq) for seq in seqs}, last)
    medium.finish_file(target, meta.continued(target, last), status)


class _Target:
    """The new file while it is filled, in fewer than `most` transactions, or in one.

    What transaction N of a file frees is free for N + 2 at the earliest, so that the file may be
    said to be at `most` only if all of its own are over by then.
    """

    def __init__(self, environment: lmdb.Environment, most: int) -> None:
        self._environment = environment
        self._left = most - 2
        self.txn = medium.begin_writing(environment)

    def put(self, database: Databases, items: Sequence[Item]) -> None:
        """Put items behind the last key."""
        medium.put_many(self.txn, database, items)
        if self._left > 0:
            self._left -= 1
            medium.commit(self.txn)
            self.txn = medium.begin_writing(self._environment)


def _fill(
    environment: lmdb.Environment, snapshot: Snapshot, erased: Collection[bytes], most: int
) -> None:
    target = _Target(environment, most)
    try:
        new_records = environment.open_db(RECORDS, txn=target.txn)
        new_objects = environment.open_db(OBJECTS, txn=target.txn)
        _put_main(snapshot, target.txn)
        for items in _chunks(snapshot.txn, snapshot.records):
            target.put(new_records, [_left_of(item, erased) for item in items])
        for items in _chunks(snapshot.txn, snapshot.objects):
            target.put(new_objects, items)
        medium.commit(target.txn)
    except BaseException:
        target.txn.abort()
        raise


def _left_of(item: Item, erased: Collection[bytes]) -> Item:
    return records.without_payload(item) if item[0] in erased else item


def _put_main(snapshot: Snapshot, txn: Txn) -> None:
    """Put the values of the main database."""
    for key in KEPT:
        value = snapshot.txn.get(key)
        if value is not None:
            medium.put(txn, key, value)
    medium.put(txn, lineage.KEY, lineage.continued(snapshot.txn.get(lineage.KEY) or b""))


def _chunks(txn: Txn, database: Databases) -> Iterator[list[Item]]:
    """Yield the items of a database in order, as many at a time as fit the memory."""
    chunk: list[Item] = []
    room = _CHUNK_BYTES
    for item in txn.cursor(database).iternext():
        chunk.append(item)
        room -= len(item[1])
        if room <= 0 or len(chunk) == _CHUNK_RECORDS:
            yield chunk
            chunk, room = [], _CHUNK_BYTES
    if chunk:
        yield chunk
