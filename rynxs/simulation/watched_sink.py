"""A shipped sink, with the invariants told of what it has made durable."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rynxs.eventlog.sink import ANY, Sink

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rynxs.eventlog.record import Record
    from rynxs.eventlog.sink import Expect, Incident, StoredObject
    from rynxs.simulation.invariants import Invariants
    from rynxs.simulation.machine import OsProcess


class WatchedSink(Sink):
    """Passes everything on."""

    def __init__(
        self, sink: Sink, process: OsProcess, invariants: Invariants, *, is_writer: bool
    ) -> None:
        """Watch a sink of a process.

        Args:
            sink: the shipped one.
            process: whose it is.
            invariants: are told.
            is_writer: whether what it reads is durable, too.
        """
        self._sink = sink
        self._process = process
        self._invariants = invariants
        self._is_writer = is_writer
        self.grouping = sink.grouping

    def size(self) -> int:
        """Pass it on."""
        return self._sink.size()

    def append(self, start: int, records: Sequence[Record]) -> None:
        """Pass it on; once it returns, it counts."""
        self._sink.append(start, records)
        self._invariants.durable(self._process, start, records, is_acknowledged=True)

    def read(self, start: int = 0, stop: int | None = None) -> Iterator[Record]:
        """Pass it on; what a writer reads is durable."""
        for seq, record in enumerate(self._sink.read(start, stop), start):
            if self._is_writer:
                self._invariants.durable(self._process, seq, [record], is_acknowledged=False)
            else:
                self._invariants.read(seq, record)
            yield record

    def erase(self, seqs: Sequence[int]) -> None:
        """Pass it on."""
        self._sink.erase(seqs)

    def locked_until(self, seqs: Sequence[int]) -> int | None:
        """Pass it on."""
        return self._sink.locked_until(seqs)

    def get(self, name: str) -> StoredObject | None:
        """Pass it on."""
        return self._sink.get(name)

    def put(self, name: str, data: bytes, expect: Expect | str = ANY) -> str:
        """Pass it on; a checkpoint is for ever."""
        self._invariants.published(self._process, name, data)
        return self._sink.put(name, data, expect)

    def put_all(self, objects: Sequence[tuple[str, bytes]]) -> None:
        """Pass it on."""
        self._sink.put_all(objects)

    def delete(self, name: str) -> None:
        """Pass it on."""
        self._sink.delete(name)

    def list(self, prefix: str = "") -> Sequence[str]:
        """Pass it on."""
        return self._sink.list(prefix)

    def incidents(self) -> Sequence[Incident]:
        """Pass it on."""
        return self._sink.incidents()

    def close(self) -> None:
        """Pass it on."""
        self._sink.close()
