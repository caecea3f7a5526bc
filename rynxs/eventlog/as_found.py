"""A sink with its checkpoints as they were at one moment, to be copied while a writer goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rynxs.eventlog import checkpoint as cp
from rynxs.eventlog.log import FRONTIER
from rynxs.eventlog.sink import ANY, Expect, Sink

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rynxs.eventlog.record import Record
    from rynxs.eventlog.sink import StoredObject


class AsFound(Sink):
    """A sink with the checkpoints that it held at one moment: what is verified is what is copied.

    A live writer adds checkpoints of records that a copy may not reach.

    Attributes:
        notes: the checkpoints by name, the newest last.
    """

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        newest = sink.get(cp.LATEST)  # before the numbered ones: a writer stores it after its own
        self._names = sink.list()
        numbered = {name: sink.get(name) for name in self.list(cp.NUMBERED)}
        notes = {**numbered, cp.LATEST: newest}
        self.notes = {name: note for name, note in notes.items() if note is not None}

    def others(self) -> list[str]:
        """Return the names of the objects that a copy takes along beside the checkpoints."""
        return [
            name
            for name in self._names
            if name not in (cp.LATEST, FRONTIER) and not name.startswith(cp.NUMBERED)
        ]

    def size(self) -> int:
        """Return the number of records."""
        return self._sink.size()

    def append(self, start: int, records: Sequence[Record]) -> None:
        """Append to the sink."""
        self._sink.append(start, records)

    def read(self, start: int = 0, stop: int | None = None) -> Iterator[Record]:
        """Yield records."""
        return self._sink.read(start, stop)

    def erase(self, seqs: Sequence[int]) -> None:
        """Erase in the sink."""
        self._sink.erase(seqs)

    def locked_until(self, seqs: Sequence[int]) -> int | None:
        """Return when the sink's last lock opens."""
        return self._sink.locked_until(seqs)

    def get(self, name: str) -> StoredObject | None:
        """Return a checkpoint as it was found, any other object as it is now."""
        is_checkpoint = name == cp.LATEST or name.startswith(cp.NUMBERED)
        return self.notes.get(name) if is_checkpoint else self._sink.get(name)

    def put(self, name: str, data: bytes, expect: Expect | str = ANY) -> str:
        """Store an object in the sink."""
        return self._sink.put(name, data, expect)

    def list(self, prefix: str = "") -> Sequence[str]:
        """Return the names found that start with `prefix`, sorted."""
        return [name for name in self._names if name.startswith(prefix)]

    def delete(self, name: str) -> None:
        """Remove an object from the sink."""
        self._sink.delete(name)

    def close(self) -> None:
        """Leave the sink open: who opened it closes it."""
