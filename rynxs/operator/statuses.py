"""The status of users' objects: what it should say, and whether that is news; without I/O."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from rynxs.sources import format_time

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rynxs.operator.position import Position

_SECONDS_SIZE = len("2026-01-01T00:00:00")


class Written(NamedTuple):
    """What is known of an object in the cluster.

    Attributes:
        uid: of the object.
        generation: of its spec, as it was last observed.
        status: as it is there.
    """

    uid: str
    generation: int | None
    status: Mapping[str, Any]


def wanted(
    said: Mapping[str, Any],
    written: Written,
    origin: str,
    position: Position | None,
    now_us: int,
) -> dict[str, Any]:
    """Return the whole status that an object should have.

    Args:
        said: what its reducer and its governor say.
        written: what it has now; a condition that stays keeps the time since which it is so.
        origin: of the log.
        position: the newest record about the object.
        now_us: POSIX time in microseconds.
    """
    status = {name: member for name, member in said.items() if member is not None}
    status["conditions"] = _conditions(said.get("conditions", ()), written, now_us)
    if written.generation is not None:
        status["observedGeneration"] = written.generation
    if position is not None:
        status["log"] = {"leafHash": position.leaf.hex(), "origin": origin, "seq": position.seq}
    return status


def patch(status: Mapping[str, Any], written: Written) -> dict[str, Any] | None:
    """Return the merge patch (RFC 7396) that brings a status about, None if nothing is news.

    That the log has gone on about the object is no news by itself: it would be written for ever.
    """
    gone = {name: None for name in written.status if name not in status}
    changed = {
        name: member for name, member in status.items() if written.status.get(name) != member
    }
    if not (gone or changed.keys() - {"log"}):
        return None
    return {**gone, **changed}


def _conditions(
    said: Sequence[Mapping[str, Any]], written: Written, now_us: int
) -> list[dict[str, Any]]:
    before = {each.get("type"): each for each in written.status.get("conditions") or ()}
    moment = f"{format_time(now_us)[:_SECONDS_SIZE]}Z"
    found = []
    for condition in said:
        last = before.get(condition["type"], {})
        stays = last.get("status") == condition["status"]
        since = last.get("lastTransitionTime") if stays else None
        made = {**condition, "lastTransitionTime": since or moment}
        if written.generation is not None:
            made["observedGeneration"] = written.generation
        found.append(made)
    return sorted(found, key=lambda each: str(each["type"]))
