"""Legal holds: what must not be redacted, for as long as somebody says so."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rynxs.engine import shapes
from rynxs.errors import LogCorrupt
from rynxs.eventlog.redaction import HOLD_PLACED, HOLD_RELEASED

if TYPE_CHECKING:
    from rynxs.engine.event import Event

WHOLE_LOG = ""
_KINDS = frozenset({HOLD_PLACED, HOLD_RELEASED})


class Holds:
    """The holds that a log says are in force; it is told of its events in order."""

    def __init__(self) -> None:
        self._placed: dict[str, int] = {}

    def fold(self, event: Event) -> None:
        """Take in the next event; it matters if it places or lifts a hold.

        Raises:
            LogCorrupt: it does, and is not of its shape, or of another scope than its subject.
        """
        if event.kind not in _KINDS:
            return
        scope = shapes.checked(shapes.Hold, event).scope
        if scope != event.subject:
            raise LogCorrupt(event.seq, f"a hold of {scope!r} on {event.subject!r}")
        if event.kind == HOLD_PLACED:
            self._placed.setdefault(scope, event.seq)
        else:
            self._placed.pop(scope, None)

    def in_force(self) -> list[str]:
        """Return the scopes of all holds in force, sorted."""
        return sorted(self._placed)

    def placed_on(self, scope: str) -> int | None:
        """Return the record that placed the hold of just this scope, or None."""
        return self._placed.get(scope)

    def covering(self, subject: str) -> int | None:
        """Return the record that placed a hold on a subject or on the whole log, or None."""
        return self._placed.get(subject, self._placed.get(WHOLE_LOG))
