"""Texts of a log as a page may show them: nothing in them acts unseen.

A control character, or a mark that turns the direction of writing, would make a page read otherwise
than what is recorded. They are shown as escapes, as terminals are given them.
"""

from __future__ import annotations

from typing import Any

from rynxs.escapes import escaped

_KEPT = "\n\t"


def visible(value: Any) -> Any:
    """Return a JSON value with every unseen character in its texts escaped, keys included."""
    if isinstance(value, str):
        return escaped(value, _KEPT)
    if isinstance(value, dict):
        return {escaped(key, _KEPT): visible(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [visible(each) for each in value]
    return value
