"""The file sink opened for appending: group commit with one fdatasync a batch."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from rynxs.api import ANY, RECORDS_MAX, Sink, SinkConflict, SinkUnavailable
from rynxs_sink_file import index, objects, recovery
from rynxs_sink_file import layout as lay
from rynxs_sink_file.durable import (
    close_quietly,
    make_directory,
    sync_directory,
    translated,
    write_all,
)
from rynxs_sink_file.index import IndexWriter, Position
from rynxs_sink_file.layout import Layout, find_tail, read_records
from rynxs_sink_file.lock import WriterLock
from rynxs_sink_file.segment import encode_batch

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rynxs.api import Expect, Incident, Record, StoredObject
    from rynxs_sink_file.settings import FileSettings


class FileWriter(Sink):
    """The one writer of a log directory."""

    def __init__(self, settings: FileSettings, identity: str) -> None:
        """Take the lock, make the log if it is not there, and recover its tail.

        Raises:
            SinkUnavailable: the directory can't be used, or another writer has it.
            SinkCorrupt: durable records are missing or damaged.
        """
        self._layout = Layout(Path(settings.path))
        self._segment_bytes = settings.segment_bytes
        self._descriptor = -1
        self._in_doubt = False
        with translated(self._layout.root):
            self._layout.refuse_foreign()
            make_directory(self._layout.segments)
            make_directory(self._layout.objects)
            self._lock: WriterLock | None = WriterLock(self._layout.lock, identity)
        try:
            with translated(self._layout.segments):
                self._open_last_segment()
        except BaseException:
            self._release()
            raise

    def size(self) -> int:
        """Return the number of durable records."""
        return self._size

    def append(self, start: int, records: Sequence[Record]) -> None:
        """Write a batch and flush it; a batch that can't be flushed is cut off again."""
        if start != self._size:
            raise SinkConflict(f"append at {start}, but the log holds {self._size} records")
        if not 0 < len(records) <= RECORDS_MAX:
            raise SinkUnavailable(f"a batch has 1 to {RECORDS_MAX} records, not {len(records)}")
        self._check_open()
        batch = encode_batch(start, records)
        with translated(self._layout.segments):
            self._check_alone()
            if self._descriptor < 0 or self._end >= self._segment_bytes:
                self._new_segment()
            self._write(batch)
        self._index.add(Position(start, self._end))
        self._end += len(batch)
        self._size += len(records)

    def read(self, start: int = 0, stop: int | None = None) -> Iterator[Record]:
        """Yield records."""
        stop = self._size if stop is None else min(stop, self._size)
        return read_records(self._layout, start, stop)

    def get(self, name: str) -> StoredObject | None:
        """Return an object, or None."""
        return objects.get_object(self._layout.objects, name)

    def put(self, name: str, data: bytes, expect: Expect | str = ANY) -> str:
        """Store an object."""
        self._check_open()
        return objects.put_object(self._layout.objects, name, data, expect)

    def list(self, prefix: str = "") -> Sequence[str]:
        """Return the names that start with `prefix`, sorted."""
        return objects.list_objects(self._layout.objects, prefix)

    def incidents(self) -> Sequence[Incident]:
        """Return what was quarantined."""
        with translated(self._layout.quarantine):
            return recovery.incidents(self._layout)

    def close(self) -> None:
        """Mark what is durable and release the lock."""
        if self._lock is None:
            return
        try:
            with translated(self._layout.durable_mark):
                if self._size > recovery.durable_mark(self._layout):
                    recovery.mark_durable(self._layout, self._size)
        finally:
            self._release()

    def _open_last_segment(self) -> None:
        paths = self._layout.segment_paths()
        self._size = self._end = 0
        if not paths:
            recovery.check_tail(self._layout, lay.Tail(0, 0))
            return
        last = paths[-1]
        self._descriptor = os.open(last, os.O_RDWR | os.O_CLOEXEC)
        tail = find_tail(last, self._descriptor)
        recovery.check_tail(self._layout, tail)
        if tail.fault is not None:
            recovery.quarantine(self._layout, self._descriptor, tail)
        # A killed writer may have left a whole batch that it never flushed; it counts from now on.
        os.fsync(self._descriptor)
        sync_directory(self._layout.segments)
        self._size, self._end = tail.seq, tail.offset
        self._index = IndexWriter(last, index.rewrite(last, self._descriptor, tail.offset))

    def _new_segment(self) -> None:
        """Start a segment; its name is durable before a batch in it is acknowledged."""
        path = self._layout.segment(self._size)
        # Not O_EXCL: a crash or a full disk may have left it, empty.
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        try:
            if os.fstat(descriptor).st_size:
                raise SinkConflict(f"{path}: another writer has started it")
            sync_directory(self._layout.segments)
        except BaseException:
            close_quietly(descriptor)
            raise
        if self._descriptor >= 0:
            close_quietly(self._descriptor)
        self._descriptor, self._end = descriptor, 0
        self._index = IndexWriter(path, 0)

    def _write(self, batch: bytes) -> None:
        if self._in_doubt:
            self._cut_off()
        self._in_doubt = True
        try:
            write_all(self._descriptor, batch, self._end)
            os.fdatasync(self._descriptor)
        except BaseException:
            with suppress(OSError):
                self._cut_off()
            raise
        self._in_doubt = False

    def _cut_off(self) -> None:
        """Remove durably what a failed append may have left.

        If that fails too, the next append does it first, or the next opening judges the bytes: a
        shorter batch written over a longer one would leave an end that is no batch, and recovery
        takes whatever follows a batch for a proof that the batch was durable. Pages that a failed
        flush dropped are those of this batch alone, and the next append writes all of them anew.
        """
        os.ftruncate(self._descriptor, self._end)
        os.fsync(self._descriptor)
        self._in_doubt = False

    def _check_alone(self) -> None:
        """Notice that the segment was written or removed behind our back, past a deleted lock.

        Raises:
            SinkConflict: it was.
        """
        if self._descriptor < 0 or self._in_doubt:
            return
        status = os.fstat(self._descriptor)
        if status.st_size != self._end or not status.st_nlink:
            raise SinkConflict(f"{self._layout.segments}: changed while this writer has it open")

    def _check_open(self) -> None:
        if self._lock is None:
            raise SinkUnavailable(f"{self._layout.root}: the log is closed")

    def _release(self) -> None:
        if self._descriptor >= 0:
            close_quietly(self._descriptor)
            self._descriptor = -1
        if self._lock is not None:
            self._lock.release()
            self._lock = None
