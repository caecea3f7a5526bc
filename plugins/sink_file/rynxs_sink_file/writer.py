"""The file sink opened for appending: group commit with one fdatasync a batch."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from rynxs.api import (
    ANY,
    RECORDS_MAX,
    Sink,
    SinkConflict,
    SinkUnavailable,
    check_positions,
)
from rynxs_sink_file import erasure, objects, recovery
from rynxs_sink_file import layout as lay
from rynxs_sink_file.durable import (
    make_directory,
    sync_directory,
    translated,
)
from rynxs_sink_file.files import close_quietly
from rynxs_sink_file.layout import Layout, find_tail, read_records
from rynxs_sink_file.lock import WriterLock
from rynxs_sink_file.objects import put_objects
from rynxs_sink_file.open_segment import OpenSegment
from rynxs_sink_file.segment import encode_batch
from rynxs_sink_file.system import system

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
        self._size = 0
        self._segment: OpenSegment | None = None
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
            if self._segment is not None:
                self._segment.check_alone()
            if self._segment is None or self._segment.end >= self._segment_bytes:
                self._segment = self._start_segment()
            self._segment.write(start, batch)
        self._size += len(records)

    def read(self, start: int = 0, stop: int | None = None) -> Iterator[Record]:
        """Yield records."""
        stop = self._size if stop is None else min(stop, self._size)
        return read_records(self._layout, start, stop)

    def erase(self, seqs: Sequence[int]) -> None:
        """Write the segments that hold these payloads anew, without them."""
        self._check_open()
        check_positions(seqs, self._size)
        objects.remove_leftovers(self._layout.objects)
        with translated(self._layout.segments):
            if self._segment is not None:
                self._segment.check_alone()
            erasure.remove_leftovers(self._layout.segments)
            erasure.remove_tails(self._layout.quarantine)
            for path, share in erasure.by_segment(self._layout, seqs).items():
                if not erasure.holds_any(path, share):
                    continue
                if self._segment is not None and self._segment.is_at(path):
                    self._segment.erase(share)
                else:
                    erasure.erase_in(path, share)
            # Also with nothing left to do: who did it may have died before the names were durable.
            sync_directory(self._layout.segments)

    def get(self, name: str) -> StoredObject | None:
        """Return an object, or None."""
        return objects.get_object(self._layout.objects, name)

    def put(self, name: str, data: bytes, expect: Expect | str = ANY) -> str:
        """Store an object."""
        self._check_open()
        return objects.put_object(self._layout.objects, name, data, expect)

    def put_all(self, objects: Sequence[tuple[str, bytes]]) -> None:
        """Store objects."""
        self._check_open()
        put_objects(self._layout.objects, objects)

    def delete(self, name: str) -> None:
        """Remove an object."""
        self._check_open()
        objects.delete_object(self._layout.objects, name)

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
        erasure.remove_leftovers(self._layout.segments)
        paths = self._layout.segment_paths()
        if not paths:
            recovery.check_tail(self._layout, lay.Tail(0, 0))
            return
        last = paths[-1]
        descriptor = system().open(last, os.O_RDWR | os.O_CLOEXEC)
        try:
            tail = find_tail(last, descriptor)
            recovery.check_tail(self._layout, tail)
            if tail.fault is not None:
                recovery.quarantine(self._layout, descriptor, tail)
            # A killed writer may have left a whole batch that it never flushed; it counts now.
            system().fsync(descriptor)
            sync_directory(self._layout.segments)
        except BaseException:
            close_quietly(descriptor)
            raise
        self._size = tail.seq
        self._segment = OpenSegment(last, descriptor, tail.offset)

    def _start_segment(self) -> OpenSegment:
        """Start a segment; its name is durable before a batch in it is acknowledged."""
        path = self._layout.segment(self._size)
        # Not O_EXCL: a crash or a full disk may have left it, empty.
        descriptor = system().open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC)
        try:
            if system().fstat(descriptor).st_size:
                raise SinkConflict(f"{path}: another writer has started it")
            sync_directory(self._layout.segments)
        except BaseException:
            close_quietly(descriptor)
            raise
        if self._segment is not None:
            self._segment.close()
        return OpenSegment(path, descriptor, 0)

    def _check_open(self) -> None:
        if self._lock is None:
            raise SinkUnavailable(f"{self._layout.root}: the log is closed")

    def _release(self) -> None:
        if self._segment is not None:
            self._segment.close()
            self._segment = None
        if self._lock is not None:
            self._lock.release()
            self._lock = None
