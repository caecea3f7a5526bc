"""The manifests that a log holds in full, wherever a plan first asked for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rynxs.engine import event as ev
from rynxs.engine import history, plan, shapes
from rynxs.engine.event import Event

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from rynxs.eventlog.sink import Sink

_PLANNED = ev.PLANNED.encode()


class RecordedManifests:
    """Looks manifests up in the plans before `stop`, which takes a pass over the headers."""

    def __init__(self, sink: Sink, stop: int) -> None:
        self._sink = sink
        self._stop = stop

    def newest(self, subject: str, identifier: str) -> dict[str, Any] | None:
        """Return the manifest last recorded for a subject and a manifest id, or None."""
        return self.newest_of([subject]).get((subject, identifier))

    def newest_of(self, subjects: Collection[str]) -> dict[tuple[str, str], dict[str, Any]]:
        """Return the manifests last recorded for some subjects, by subject and manifest id.

        Raises:
            LogCorrupt: a plan has not its shape.
        """
        return {
            (event.subject, plan.manifest_id(body)): body
            for event in self._plans(subjects)
            for body in event.payload["changed"]
        }

    def by_digest(self, subjects: Collection[str]) -> dict[tuple[str, str, str], dict[str, Any]]:
        """Return all manifests recorded for some subjects, by subject, id and digest.

        Raises:
            LogCorrupt: a plan has not its shape.
        """
        return {
            (event.subject, plan.manifest_id(body), plan.digest_of_manifest(body)): body
            for event in self._plans(subjects)
            for body in event.payload["changed"]
        }

    def _plans(self, subjects: Collection[str]) -> Iterator[Event]:
        for seq, record in enumerate(self._sink.read(0, self._stop)):
            # Looking for the bytes first spares the decoding of every other header.
            if _PLANNED not in record.header:
                continue
            header = history.header_of(record, seq)
            if header.kind == ev.PLANNED and header.subject in subjects:
                event = Event.of_record(header, record)
                if not event.is_erased:
                    shapes.checked(shapes.Planned, event)
                    yield event
