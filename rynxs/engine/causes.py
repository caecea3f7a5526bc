"""Causes: what an event says of who wanted it, and what it changed of the object it is about."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from rynxs.engine import diff
from rynxs.engine import event as ev
from rynxs.engine.subject import parse_subject
from rynxs.sources import format_time

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rynxs.engine.diff import Change
    from rynxs.engine.event import Event


class Cause(NamedTuple):
    """One event in a chain of causes.

    Attributes:
        seq, time_us, kind, subject, cause: as in its header.
        actor: who asked for it, with the mark of an actor nobody vouched for; empty where the event
            names none, ``(redacted)`` where it is erased.
        changes: what of the object is not as it was in the observation before, or of the
            composition as it was in the epoch before; empty if not looked at.
    """

    seq: int
    time_us: int
    kind: str
    subject: str
    cause: int | None
    actor: str
    changes: list[Change]

    def as_json(self) -> dict[str, Any]:
        """Return the cause as JSON."""
        return {
            "actor": self.actor or None,
            "cause": self.cause,
            "changes": [change.as_json() for change in self.changes],
            "kind": self.kind,
            "seq": self.seq,
            "subject": self.subject,
            "time": format_time(self.time_us),
        }


def cause_of(event: Event, changes: list[Change] | None = None) -> Cause:
    """Return an event as a link in a chain of causes."""
    return Cause(
        event.seq,
        event.time_us,
        event.kind,
        event.subject,
        event.cause,
        actor_of(event),
        changes or [],
    )


def actor_of(event: Event) -> str:
    """Return who asked for an event, empty where it does not say."""
    if event.is_erased:
        return "(redacted)"
    if event.kind == ev.EPOCH_STARTED:
        return str(event.payload.get("identity", ""))
    actor = event.payload.get("actor")
    if not isinstance(actor, dict) or not isinstance(actor.get("name"), str):
        return ""
    return actor["name"] if actor.get("authenticated") is True else f"{actor['name']} (unverified)"


def changes_of(event: Event, before: Event | None) -> list[Change]:
    """Return what an observation, or the start of an epoch, changed since the one before it.

    Args:
        event: the event; of any other kind, nothing is said to have changed.
        before: the observation before, or the start of the epoch before; None if there is none.
    """
    member = _compared_member(event)
    if not member or event.is_erased or (before is not None and before.is_erased):
        return []
    old = diff.ABSENT if before is None else before.payload.get(member)
    new = event.payload.get(member)
    changes = diff.differences(_by_name(old), _by_name(new))
    return [change._replace(path=member) if change.path == "." else change for change in changes]


def is_observation(event: Event) -> bool:
    """Tell whether an event is an observation of its subject."""
    return bool(event.subject) and event.kind == ev.observed(parse_subject(event.subject).kind)


def _compared_member(event: Event) -> str:
    if event.kind == ev.EPOCH_STARTED:
        return "composition"
    return "object" if is_observation(event) else ""


def _by_name(value: Any) -> Any:
    """Return a composition with its parts by name, so that the same ones are compared."""
    if not isinstance(value, dict) or "reducers" not in value:
        return value
    return {
        family: {part["name"]: _rest(part) for part in parts} for family, parts in value.items()
    }


def _rest(part: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in part.items() if name != "name"}
