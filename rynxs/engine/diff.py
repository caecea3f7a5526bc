"""Field-level differences between two JSON values."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from rynxs.problems import join_path

_SHOWN_MAX = 80


class _Absent:
    def __repr__(self) -> str:
        return "(absent)"


ABSENT: Final = _Absent()


class Change(NamedTuple):
    """One field that differs; `before` or `after` is `ABSENT` where the field is not there."""

    path: str
    before: Any
    after: Any

    def __str__(self) -> str:
        return f"{self.path}: {_short(self.before)} -> {_short(self.after)}"

    def as_json(self) -> dict[str, Any]:
        """Return the change as JSON, an absent side left out."""
        sides = {"before": self.before, "after": self.after}
        return {"path": self.path} | {k: v for k, v in sides.items() if v is not ABSENT}


def differences(before: Any, after: Any, path: tuple[object, ...] = ()) -> list[Change]:
    """Return every field that differs, in the order of sorted names and positions."""
    if isinstance(before, dict) and isinstance(after, dict):
        steps: list[object] = sorted({*before, *after})
        pairs = [(step, before.get(step, ABSENT), after.get(step, ABSENT)) for step in steps]
    elif isinstance(before, list) and isinstance(after, list):
        steps = list(range(max(len(before), len(after))))
        pairs = [(step, _at(before, step), _at(after, step)) for step in steps]
    elif type(before) is type(after) and before == after:
        return []
    else:
        return [Change(join_path(path), before, after)]
    return [change for step, old, new in pairs for change in differences(old, new, (*path, step))]


def _at(values: list[Any], index: Any) -> Any:
    return values[index] if index < len(values) else ABSENT


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _SHOWN_MAX else f"{text[:_SHOWN_MAX]}..."
