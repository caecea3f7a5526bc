"""A sink in memory: the contract without a medium."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

from rynxs.errors import SinkConflict, SinkUnavailable
from rynxs.eventlog.batch import RECORDS_MAX
from rynxs.eventlog.sink import ABSENT, ANY, Sink, StoredObject

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rynxs.eventlog.record import Record
    from rynxs.eventlog.sink import Expect


class MemorySink(Sink):
    """Keeps records and objects until the process ends.

    Attributes:
        records: what was appended; a test may damage it.
        objects: what was put.
        appends: number of successful appends.
    """

    def __init__(self) -> None:
        self.records: list[Record] = []
        self.objects: dict[str, bytes] = {}
        self.appends = 0

    def size(self) -> int:
        """Return the number of records."""
        return len(self.records)

    def append(self, start: int, records: Sequence[Record]) -> None:
        """Append a batch."""
        if start != len(self.records):
            raise SinkConflict(f"append at {start}, but the log holds {len(self.records)} records")
        if not 0 < len(records) <= RECORDS_MAX:
            raise SinkUnavailable(f"a batch has 1 to {RECORDS_MAX} records, not {len(records)}")
        self.records += records
        self.appends += 1

    def read(self, start: int = 0, stop: int | None = None) -> Iterator[Record]:
        """Yield records."""
        yield from self.records[start:stop]

    def get(self, name: str) -> StoredObject | None:
        """Return an object, or None."""
        data = self.objects.get(name)
        return None if data is None else StoredObject(data, _version(data))

    def put(self, name: str, data: bytes, expect: Expect | str = ANY) -> str:
        """Store an object."""
        current = self.get(name)
        wanted = None if expect is ABSENT else expect
        if expect is not ANY and wanted != (current.version if current else None):
            raise SinkConflict(f"{name}: not the expected version")
        self.objects[name] = data
        return _version(data)

    def list(self, prefix: str = "") -> Sequence[str]:
        """Return the names that start with `prefix`, sorted."""
        return sorted(name for name in self.objects if name.startswith(prefix))

    def close(self) -> None:
        """Do nothing."""


def _version(data: bytes) -> str:
    return sha256(data).hexdigest()
