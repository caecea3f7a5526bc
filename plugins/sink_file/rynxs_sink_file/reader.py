"""The file sink opened for reading: nothing is written, and a live writer is not disturbed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from rynxs.api import ANY, Sink, SinkCorrupt, SinkUnavailable, SinkUnfinished
from rynxs_sink_file import objects, recovery
from rynxs_sink_file.durable import translated
from rynxs_sink_file.files import exists, is_directory, opened
from rynxs_sink_file.layout import Layout, Tail, find_tail, read_records
from rynxs_sink_file.lock import is_held

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rynxs.api import Expect, Incident, Record, StoredObject
    from rynxs_sink_file.settings import FileSettings


class FileReader(Sink):
    """A reader of a log directory, beside a live writer or not.

    Beside a live writer it may see a batch that is written but not yet acknowledged.
    """

    def __init__(self, settings: FileSettings) -> None:
        """Open an existing log.

        Raises:
            SinkUnavailable: there is no log, or it can't be read.
        """
        self._layout = Layout(Path(settings.path))
        with translated(self._layout.root):
            if not exists(self._layout.root):
                raise SinkUnavailable(f"{self._layout.root}: no log is here")
            if not is_directory(self._layout.segments):
                raise SinkUnavailable(f"{self._layout.root}: not the directory of a log")

    def size(self) -> int:
        """Return the number of readable records at this moment."""
        return self._find_tail().seq

    def append(self, start: int, records: Sequence[Record]) -> None:
        """Refuse."""
        raise SinkUnavailable(f"{self._layout.root}: the log is open for reading only")

    def read(self, start: int = 0, stop: int | None = None) -> Iterator[Record]:
        """Yield records; past the last one, report a tail that no live writer is writing."""
        failed = -1
        while True:
            tail = self._find_tail()
            try:
                end = tail.seq if stop is None else min(stop, tail.seq)
                for record in read_records(self._layout, start, end):
                    yield record
                    start += 1
            except SinkCorrupt as error:
                # The writer may just have taken a batch back that it could not flush: look again.
                if error.seq == failed or self._find_tail() == tail:
                    raise
                failed = error.seq
            else:
                break
        if stop is None or stop > tail.seq:
            self._report(tail)

    def erase(self, seqs: Sequence[int]) -> None:
        """Refuse."""
        raise SinkUnavailable(f"{self._layout.root}: the log is open for reading only")

    def get(self, name: str) -> StoredObject | None:
        """Return an object, or None."""
        return objects.get_object(self._layout.objects, name)

    def put(self, name: str, data: bytes, expect: Expect | str = ANY) -> str:
        """Refuse."""
        raise SinkUnavailable(f"{self._layout.root}: the log is open for reading only")

    def delete(self, name: str) -> None:
        """Refuse."""
        raise SinkUnavailable(f"{self._layout.root}: the log is open for reading only")

    def list(self, prefix: str = "") -> Sequence[str]:
        """Return the names that start with `prefix`, sorted."""
        return objects.list_objects(self._layout.objects, prefix)

    def incidents(self) -> Sequence[Incident]:
        """Return what was quarantined."""
        with translated(self._layout.quarantine):
            return recovery.incidents(self._layout)

    def close(self) -> None:
        """Do nothing: no file stays open between calls."""

    def _find_tail(self) -> Tail:
        with translated(self._layout.segments):
            paths = self._layout.segment_paths()
            if not paths:
                return Tail(0, 0)
            with opened(paths[-1]) as descriptor:
                return find_tail(paths[-1], descriptor)

    def _report(self, tail: Tail) -> None:
        """Raise what is wrong with a tail, if it still stands once everything has been asked."""
        with translated(self._layout.root):
            wrong = self._judge(tail)
        if wrong is not None and self._find_tail() == tail:  # else a writer has finished meanwhile
            raise wrong

    def _judge(self, tail: Tail) -> SinkCorrupt | None:
        try:
            recovery.check_tail(self._layout, tail)
        except SinkCorrupt as error:  # of what was durable; a live writer is no excuse
            return error
        if tail.fault is None or is_held(self._layout.lock):
            return None
        return SinkUnfinished(
            tail.fault.seq,
            f"{tail.fault.reason}; the next writer will move this unacknowledged end to "
            f"{self._layout.quarantine}",
        )
