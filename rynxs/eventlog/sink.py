"""The sink contract: where records and named objects are kept. docs/PLUGINS.md explains it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from enum import Enum
from typing import TYPE_CHECKING, Final, NamedTuple

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
        linger_s: seconds for which a group commit may wait for more records.
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

    grouping = Grouping(records=1_000, size=16 * 1024 * 1024, linger_s=0.0)

    @abstractmethod
    def size(self) -> int:
        """Return the number of durable records.

        For a reader: of those that are readable now. A writer need not count what others have
        appended since it was opened.
        """

    @abstractmethod
    def append(self, start: int, records: Sequence[Record]) -> None:
        """Make records durable at positions `start`..., all or nothing; durable on return.

        Takes from 1 to `rynxs.api.RECORDS_MAX` records.

        Raises:
            SinkConflict: `start` is not `size()`, or another writer owns that position.
            SinkUnavailable: not acknowledged, and perhaps written; the same bytes may be sent again
                by this sink.
        """

    @abstractmethod
    def read(self, start: int = 0, stop: int | None = None) -> Iterator[Record]:
        """Yield records `start` to `stop` (exclusive, default the end) at a cost of O(result).

        Raises:
            SinkCorrupt: what is stored at some position is not what was written there.
        """

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

    @abstractmethod
    def list(self, prefix: str = "") -> Sequence[str]:
        """Return the names that start with `prefix`, sorted."""

    def incidents(self) -> Sequence[Incident]:
        """Return what was set aside at this or an earlier opening, oldest first."""
        return ()

    @abstractmethod
    def close(self) -> None:
        """Release the sink; a second call does nothing."""
