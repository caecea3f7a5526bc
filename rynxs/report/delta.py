"""Differences between two JSON values that a reader can apply again, in Python or in the page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from rynxs.engine.diff import ABSENT

if TYPE_CHECKING:
    from collections.abc import Mapping

Path = tuple[str | int, ...]


class Change(NamedTuple):
    """One field that differs; `before` or `after` is `ABSENT` where the field is not there.

    A list only grows and shrinks at its end: a position without `after` cuts the list off there.
    """

    path: Path
    before: Any
    after: Any

    def as_json(self) -> dict[str, Any]:
        """Return the change as JSON, an absent side left out."""
        sides = {"before": self.before, "after": self.after}
        return {"path": list(self.path)} | {k: v for k, v in sides.items() if v is not ABSENT}


def changes(before: Any, after: Any, path: Path = ()) -> list[Change]:
    """Return what makes `after` of `before`, by sorted names and rising positions.

    True and 1 are two values, as are 1 and 1.0.
    """
    if isinstance(before, dict) and isinstance(after, dict):
        return [
            change
            for name in sorted({*before, *after})
            for change in _change(before, after, name, path)
        ]
    if isinstance(before, list) and isinstance(after, list):
        old, new = dict(enumerate(before)), dict(enumerate(after))
        places = range(max(len(before), len(after)))
        return [change for place in places for change in _change(old, new, place, path)]
    if type(before) is type(after) and before == after:
        return []
    return [Change(path, before, after)]


def _change(
    before: Mapping[Any, Any], after: Mapping[Any, Any], step: str | int, path: Path
) -> list[Change]:
    return changes(before.get(step, ABSENT), after.get(step, ABSENT), (*path, step))
