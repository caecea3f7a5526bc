"""A sink in memory, for tests: the contract without a medium. Its plugin module is this one."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from pydantic import Field

from rynxs.errors import SinkConflict, SinkUnavailable
from rynxs.eventlog.batch import RECORDS_MAX
from rynxs.eventlog.objects import check_expected, check_object_name, version_of
from rynxs.eventlog.record import Record
from rynxs.eventlog.sink import ANY, Sink, StoredObject, check_positions
from rynxs.extension import SinkPlugin
from rynxs.hookspecs import hookimpl
from rynxs.settings import ConfigModel

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rynxs.eventlog.sink import Expect
    from rynxs.sources import Sources


class MemoryStore:
    """What the sinks of one log share.

    Attributes:
        records: what was appended; a test may damage it.
        objects: what was put.
        appends: number of successful appends.
    """

    def __init__(self) -> None:
        self.exists = False
        self.records: list[Record] = []
        self.objects: dict[str, bytes] = {}
        self.appends = 0


class MemorySink(Sink):
    """Keeps records and objects until the process ends.

    Attributes:
        store: what it keeps; by default its own.
    """

    def __init__(self, store: MemoryStore | None = None) -> None:
        self.store = store or MemoryStore()
        self._is_open = True

    @property
    def records(self) -> list[Record]:
        """What was appended; a test may damage it."""
        return self.store.records

    @records.setter
    def records(self, records: list[Record]) -> None:
        self.store.records = records

    @property
    def objects(self) -> dict[str, bytes]:
        """What was put; a test may damage it."""
        return self.store.objects

    @property
    def appends(self) -> int:
        """Number of successful appends."""
        return self.store.appends

    def size(self) -> int:
        """Return the number of records."""
        return len(self.records)

    def append(self, start: int, records: Sequence[Record]) -> None:
        """Append a batch."""
        self._check_open()
        if start != len(self.records):
            raise SinkConflict(f"append at {start}, but the log holds {len(self.records)} records")
        if not 0 < len(records) <= RECORDS_MAX:
            raise SinkUnavailable(f"a batch has 1 to {RECORDS_MAX} records, not {len(records)}")
        self.store.records += records
        self.store.appends += 1

    def read(self, start: int = 0, stop: int | None = None) -> Iterator[Record]:
        """Yield records."""
        yield from self.records[start:stop]

    def erase(self, seqs: Sequence[int]) -> None:
        """Erase payloads and salts."""
        self._check_open()
        check_positions(seqs, len(self.records))
        for seq in seqs:
            self.records[seq] = Record(self.records[seq].header, b"", None)

    def get(self, name: str) -> StoredObject | None:
        """Return an object, or None."""
        check_object_name(name)
        data = self.objects.get(name)
        return None if data is None else StoredObject(data, version_of(data))

    def put(self, name: str, data: bytes, expect: Expect | str = ANY) -> str:
        """Store an object."""
        self._check_open()
        current = self.get(name)
        check_expected(name, current.version if current else None, expect)
        self.objects[name] = data
        return version_of(data)

    def list(self, prefix: str = "") -> Sequence[str]:
        """Return the names that start with `prefix`, sorted."""
        return sorted(name for name in self.objects if name.startswith(prefix))

    def delete(self, name: str) -> None:
        """Remove an object."""
        self._check_open()
        check_object_name(name)
        self.objects.pop(name, None)

    def close(self) -> None:
        """Take no more."""
        self._is_open = False

    def _check_open(self) -> None:
        if not self._is_open:
            raise SinkUnavailable("the log is closed")


class MemoryReader(MemorySink):
    """Reads what writers of the same store keep."""

    def append(self, start: int, records: Sequence[Record]) -> None:
        """Refuse."""
        raise SinkUnavailable("the log is open for reading only")

    def erase(self, seqs: Sequence[int]) -> None:
        """Refuse."""
        raise SinkUnavailable("the log is open for reading only")

    def put(self, name: str, data: bytes, expect: Expect | str = ANY) -> str:
        """Refuse."""
        raise SinkUnavailable("the log is open for reading only")

    def delete(self, name: str) -> None:
        """Refuse."""
        raise SinkUnavailable("the log is open for reading only")


class MemorySettings(ConfigModel):
    """Settings of the sink named ``memory``."""

    name: str = Field(min_length=1, description="Names a log of this process.")


@cache
def _store(name: str) -> MemoryStore:
    return MemoryStore()


def _parse_url(rest: str) -> dict[str, Any]:
    return {"name": rest}


def _open_writer(settings: MemorySettings, sources: Sources) -> Sink:
    store = _store(settings.name)
    store.exists = True
    return MemorySink(store)


def _open_reader(settings: MemorySettings) -> Sink:
    store = _store(settings.name)
    if not store.exists:
        raise SinkUnavailable(f"memory:{settings.name}: no log is here")
    return MemoryReader(store)


@hookimpl
def rynxs_sink() -> SinkPlugin:
    """Return the sink in memory."""
    return SinkPlugin(
        name="memory",
        settings=MemorySettings,
        parse_url=_parse_url,
        open_writer=_open_writer,
        open_reader=_open_reader,
    )
