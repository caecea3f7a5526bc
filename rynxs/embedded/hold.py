"""Placing and lifting legal holds, under which nothing is redacted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rynxs.embedded.turn import check_reason, turn
from rynxs.engine.holds import WHOLE_LOG
from rynxs.errors import UsageError
from rynxs.eventlog.redaction import HOLD_PLACED, HOLD_RELEASED

if TYPE_CHECKING:
    from rynxs.config import Config
    from rynxs.embedded.turn import Turn
    from rynxs.eventlog.record import Header
    from rynxs.sources import Sources


def place_hold(config: Config, sources: Sources, scope: str, reason: str) -> int:
    """Place a hold on a subject, or on the whole log, and return the record that says so.

    Raises:
        UsageError: no record is about the subject, or the very hold is in force.
    """
    check_reason(reason)
    seen = {WHOLE_LOG}

    def watch(header: Header) -> None:
        if header.subject == scope:
            seen.add(scope)

    with turn(config, sources, watch) as opened:
        if scope not in seen:
            raise UsageError(f"no record is about {scope!r}; log list shows what there is")
        placed = opened.holds.placed_on(scope)
        if placed is not None:
            raise UsageError(f"record {placed} has placed a hold on {_named(scope)} already")
        return _record(opened, HOLD_PLACED, scope, reason, None)


def release_hold(config: Config, sources: Sources, scope: str, reason: str) -> int:
    """Lift the hold on a subject, or on the whole log, and return the record that says so.

    Raises:
        UsageError: there is no such hold.
    """
    check_reason(reason)
    with turn(config, sources) as opened:
        placed = opened.holds.placed_on(scope)
        if placed is None:
            raise UsageError(f"no hold on {_named(scope)} is in force")
        return _record(opened, HOLD_RELEASED, scope, reason, placed)


def _record(opened: Turn, kind: str, scope: str, reason: str, cause: int | None) -> int:
    body = {"actor": opened.actor.as_json(), "reason": reason, "scope": scope}
    seq = opened.pipeline.record(kind, scope, body, cause=cause)
    opened.commit()
    return seq


def _named(scope: str) -> str:
    return scope or "the whole log"
