"""The LMDB sink opened for appending: one write transaction a batch."""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING, Final, NamedTuple

from rynxs.api import (
    ANY,
    RECORDS_MAX,
    SinkConflict,
    SinkUnavailable,
    check_object_name,
    version_of,
)
from rynxs_sink_lmdb import medium, objects, registry
from rynxs_sink_lmdb.objects import put_objects
from rynxs_sink_lmdb.opening import LAST_BATCH
from rynxs_sink_lmdb.reader import LmdbReader
from rynxs_sink_lmdb.records import count, encode

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rynxs.api import Expect, Record
    from rynxs_sink_lmdb.environment import SharedEnvironment, Snapshot
    from rynxs_sink_lmdb.records import Item
    from rynxs_sink_lmdb.settings import LmdbSettings

_TOKEN_SIZE: Final = 16


class _Attempt(NamedTuple):
    """A batch that is being written; its token tells it from another writer's same bytes."""

    start: int
    records: Sequence[Record]
    token: bytes


class LmdbWriter(LmdbReader):
    """A writer of a log; of several, each position is won by one, and the others conflict."""

    def __init__(self, settings: LmdbSettings) -> None:
        """Open a log, making it if it is not there.

        Raises:
            SinkUnavailable: the file can't be used, or is not a log.
            SinkCorrupt: the file is damaged.
        """
        super().__init__(settings)
        self._in_doubt: _Attempt | None = None

    def append(self, start: int, records: Sequence[Record]) -> None:
        """Write a batch in one transaction, and flush it."""
        environment = self._open_environment()
        if not 0 < len(records) <= RECORDS_MAX:
            raise SinkUnavailable(f"a batch has 1 to {RECORDS_MAX} records, not {len(records)}")
        items = encode(start, records)
        attempt = self._attempt(start, records)
        self._in_doubt = attempt
        try:
            environment.write(partial(_append, start, items, attempt.token), start)
        except SinkConflict:
            self._in_doubt = None
            raise
        self._in_doubt = None

    def erase(self, seqs: Sequence[int]) -> None:
        """Write the file anew without these payloads, and put it in the place of the old one."""
        self._open_environment().rewrite(frozenset(seqs))

    def put(self, name: str, data: bytes, expect: Expect | str = ANY) -> str:
        """Store an object in a transaction of its own."""
        check_object_name(name)
        self._open_environment().write(partial(objects.put_object, name, data, expect))
        return version_of(data)

    def put_all(self, objects: Sequence[tuple[str, bytes]]) -> None:
        """Store objects in one transaction."""
        for name, _ in objects:
            check_object_name(name)
        self._open_environment().write(partial(put_objects, objects))

    def delete(self, name: str) -> None:
        """Delete an object; the next erasure takes its bytes out of the file."""
        check_object_name(name)
        self._open_environment().write(partial(objects.delete_object, name))

    def _acquire(self, settings: LmdbSettings) -> SharedEnvironment:
        return registry.acquire_writer(settings.path, settings.map_bytes_max)

    def _attempt(self, start: int, batch: Sequence[Record]) -> _Attempt:
        """Return the failed attempt of which this is the repetition, else a new one."""
        failed = self._in_doubt
        if failed and failed.start == start and list(failed.records) == list(batch):
            return failed
        return _Attempt(start, batch, os.urandom(_TOKEN_SIZE))


def _append(start: int, items: Sequence[Item], token: bytes, snapshot: Snapshot) -> None:
    """Put a batch at the end, unless a commit that was reported as failed has done so.

    In that case its token is put again, for a transaction that is committed is durable with all
    that went before.
    """
    size = count(snapshot)
    if size == start:
        medium.put_many(snapshot.txn, snapshot.records, items)
    elif size != start + len(items) or snapshot.txn.get(LAST_BATCH) != token:
        raise SinkConflict(f"append at {start}, but the log holds {size} records")
    medium.put(snapshot.txn, LAST_BATCH, token)
