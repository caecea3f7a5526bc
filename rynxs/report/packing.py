"""The document's events as the page holds them: columns, with every repeated text once.

Fifty thousand events stay a few megabytes so, and a browser reads them in a fraction of a second.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_EXACT_MAX = 2**53 - 1  # of JavaScript's numbers
_NUMBER = "$number"
_NONE = -1


class _Table:
    """Distinct values in the order of their first use, each known by its position."""

    def __init__(self, *first: Any) -> None:
        self.values: list[Any] = []
        self._places: dict[str, int] = {}
        for value in first:
            self.place(value)

    def place(self, value: Any) -> int:
        key = json.dumps(value)
        if key not in self._places:
            self._places[key] = len(self.values)
            self.values.append(value)
        return self._places[key]


def packed(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the page's script needs of a document; `assets/history.js` reads it."""
    events: Sequence[dict[str, Any]] = document["events"]
    subjects = _Table("", *(known["subject"] for known in document["subjects"]))
    kinds, titles, actors, paths = _Table(), _Table(), _Table(), _Table()

    def change(each: Mapping[str, Any]) -> list[Any]:
        place = paths.place(each["path"])
        return [place, exact(each["after"])] if "after" in each else [place]

    return {
        "time": _time_column(events),
        "epoch": [entry["epoch"] for entry in events],
        "kind": [kinds.place(entry["kind"]) for entry in events],
        "title": [titles.place(entry["title"]) for entry in events],
        "subject": [subjects.place(entry["subject"]) for entry in events],
        # How far back: a small number mostly.
        "cause": [entry["seq"] - entry.get("cause", entry["seq"]) for entry in events],
        "actor": [actors.place(entry["actor"]) if "actor" in entry else _NONE for entry in events],
        "changes": [[change(each) for each in entry.get("changes", ())] for entry in events],
        "details": {e["seq"]: exact(e["detail"]) for e in events if "detail" in e},
        "states": {e["seq"]: exact(e["state"]) for e in events if "state" in e},
        "erased": [entry["seq"] for entry in events if "erased" in entry],
        "actors": actors.values,
        "kinds": kinds.values,
        "paths": paths.values,
        "subjects": subjects.values,
        "titles": titles.values,
    }


def exact(value: Any) -> Any:
    """Return a JSON value that JavaScript reads without rounding a number.

    Numbers that it would change, or show as another value (1.0 as 1), become ``{"$number": text}``;
    keys that start with a dollar sign get a second one.
    """
    if isinstance(value, dict):
        return {f"${k}" if k.startswith("$") else k: exact(v) for k, v in value.items()}
    if isinstance(value, list):
        return [exact(member) for member in value]
    is_wide = isinstance(value, int) and not -_EXACT_MAX <= value <= _EXACT_MAX
    if isinstance(value, float) or is_wide:
        return {_NUMBER: json.dumps(value)}
    return value


def _time_column(events: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the times, an empty text for one that is that of the event before."""
    times = [entry["time"] for entry in events]
    return ["" if now == before else now for before, now in zip(["", *times], times, strict=False)]
