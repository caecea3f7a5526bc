"""The library eventsourcing as a peer, with its recorder for SQLite and its JSON transcoder.

The recorder sets the write-ahead log and leaves ``synchronous`` as it is, which is FULL.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import NAMESPACE_URL, UUID, uuid5

from eventsourcing.persistence import JSONTranscoder, Mapper
from eventsourcing.sqlite import SQLiteApplicationRecorder, SQLiteDatastore

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from benchmarks.workload import Item

_READ_AT_ONCE = 1_000


@dataclass(frozen=True)
class Recorded:
    """An event of a subject, as the library's mapper takes one."""

    originator_id: UUID
    originator_version: int
    payload: dict[str, Any]


class EventStore:
    """Events in a file, each subject a sequence of its own."""

    def __init__(self, path: Path) -> None:
        self._datastore = SQLiteDatastore(str(path))
        self._recorder = SQLiteApplicationRecorder(self._datastore)
        self._recorder.create_table()
        self._mapper = Mapper(JSONTranscoder())
        self._ids: dict[str, UUID] = {}
        self._versions: dict[UUID, int] = {}

    def prepared(self, batch: list[Item]) -> Callable[[], object]:
        """Map events to what is stored, and return what inserts them in one transaction."""
        events = [self._mapper.to_stored_event(self._event(*item)) for item in batch]
        return lambda: self._recorder.insert_events(events)

    def replay(self) -> dict[UUID, Recorded]:
        """Read all events back in their order, map them, and keep the newest of each subject."""
        newest: dict[UUID, Recorded] = {}
        to_event, last = self._mapper.to_domain_event, 0
        while page := self._recorder.select_notifications(
            last, _READ_AT_ONCE, inclusive_of_start=False
        ):
            for notification in page:
                event = to_event(notification)
                newest[event.originator_id] = event
            last = page[-1].id
        return newest

    def close(self) -> None:
        """Close the database."""
        self._datastore.close()

    def _event(self, subject: str, payload: dict[str, Any]) -> Recorded:
        originator = self._ids.get(subject)
        if originator is None:
            originator = self._ids[subject] = uuid5(NAMESPACE_URL, subject)
        version = self._versions.get(originator, 0) + 1
        self._versions[originator] = version
        return Recorded(originator, version, payload)
