"""The sink contract: where records and named objects are kept. docs/PLUGINS.md explains it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from enum import Enum
from typing import TYPE_CHECKING, Final, NamedTuple

from rynxs.errors import SinkUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rynxs.eventlog.record import Record


class Expect(Enum):
    """What `Sink.put` demands of the object's present version."""

    ANY = "any"
    ABSENT = "absent"


ANY: Final = Expect.ANY
ABSENT: Final = Expect.ABSENT


class StoredObject(NamedTuple):
    """A named object: its bytes and an opaque version, equal only for equal bytes."""

    data: bytes
    version: str


class Grouping(NamedTuple):
    """How many records a sink wants in one batch, and how long they may wait for each other.

    Attributes:
        records: at most so many.
        size: at most so many bytes of payload, unless one record alone has more.
        linger_s: the operator appends once it has been quiet for so many seconds.
    """

    records: int
    size: int
    linger_s: float


class Incident(NamedTuple):
    """Something the sink did to open the log, to be recorded as an event once.

    Attributes:
        id: unique among the sink's incidents, stable over restarts.
        seq: the position that the set-aside bytes would have had.
        size: bytes set aside.
        reason: what was found.
    """

    id: str
    seq: int
    size: int
    reason: str


class Sink(ABC):
    """Append-only storage of one log, with a few named objects beside it.

    All methods raise `SinkUnavailable`, `SinkConflict` or `SinkCorrupt` and no driver's error. A
    sink is used by one thread at a time.
    """

    grouping = Grouping(records=1_000, size=16 * 1024 * 1024, linger_s=0.05)

    @abstractmethod
    def size(self) -> int:
        """Return the number of durable records.

        For a reader: of those that are readable now. A writer need not count what others have
        appended since it was opened.
        """

    @abstractmethod
    def append(self, start: int, records: Sequence[Record]) -> None:
        """Make records durable at positions `start`..., all or nothing; durable on return.

        Takes from 1 to `rynxs.api.RECORDS_MAX` records, erased ones (payload None) among them.

        Raises:
            SinkConflict: `start` is not `size()`, or another writer owns that position.
            SinkUnavailable: not acknowledged, and perhaps written; the same bytes may be sent again
                by this sink.
        """

    @abstractmethod
    def read(self, start: int = 0, stop: int | None = None) -> Iterator[Record]:
        """Yield records `start` to `stop` (exclusive, default the end) at a cost of O(result).

        Erased ones have their header, no salt, and None for a payload.

        Raises:
            SinkCorrupt: what is stored at some position is not what was written there.
            SinkConflict: the sink is a writer's, which has seen the log end before `start`, and
                another writer has gone on. It may yield their records instead.
        """

    @abstractmethod
    def erase(self, seqs: Sequence[int]) -> None:
        """Erase payload and salt of durable records; durable on return, done again it does nothing.

        Headers stay. No byte of a payload or salt stays in the storage, caches, copies and earlier
        versions that the sink keeps included.

        Raises:
            SinkUnavailable: perhaps some are erased, call again; or one is locked, or not there.
        """

    def locked_until(self, seqs: Sequence[int]) -> int | None:
        """Return when the last lock on these payloads opens, in microseconds since 1970, or None.

        None when they may be erased now, as in a storage without locks.
        """
        return None

    @abstractmethod
    def get(self, name: str) -> StoredObject | None:
        """Return the object of that name, or None."""

    @abstractmethod
    def put(self, name: str, data: bytes, expect: Expect | str = ANY) -> str:
        """Store an object durably and return its version.

        Args:
            name: as `rynxs.api.is_object_name` allows.
            data: the bytes.
            expect: `ANY`, `ABSENT`, or the version that must be there now.

        Raises:
            SinkConflict: the object's present version is not the expected one.
        """

    def put_all(self, objects: Sequence[tuple[str, bytes]]) -> None:
        """Store objects durably, whatever is there now; a crash may leave some of them.

        A sink that can do this faster than by one `put` after the other should.

        Args:
            objects: names, all different, and bytes.
        """
        for name, data in objects:
            self.put(name, data)

    @abstractmethod
    def list(self, prefix: str = "") -> Sequence[str]:
        """Return the names that start with `prefix`, sorted."""

    @abstractmethod
    def delete(self, name: str) -> None:
        """Remove an object durably, with all its versions; do nothing if it is not there.

        Raises:
            SinkUnavailable: perhaps it is still there, call again.
        """

    def incidents(self) -> Sequence[Incident]:
        """Return what was set aside at this or an earlier opening, oldest first."""
        return ()

    @abstractmethod
    def close(self) -> None:
        """Release the sink; a second call does nothing."""


def check_positions(seqs: Sequence[int], size: int) -> None:
    """Refuse what is not the position of a durable record.

    Raises:
        SinkUnavailable: one is not from 0 to `size` (exclusive).
    """
    for seq in seqs:
        if not 0 <= seq < size:
            raise SinkUnavailable(f"record {seq} is not there, the log holds {size} records")
