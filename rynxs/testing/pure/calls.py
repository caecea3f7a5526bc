"""One call of a reducer or renderer, which can be made again and with other arguments."""

from __future__ import annotations

import json
from collections.abc import Mapping
from math import isfinite
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from rynxs.engine.diff import differences
from rynxs.engine.event import Event
from rynxs.engine.state import Slices

if TYPE_CHECKING:
    from collections.abc import Callable

_FINISH: Final[Mapping[str, Callable[[Any], Any]]] = {
    "reduce": lambda result: result,
    "dependents": list,
    "reads": list,
    "judge": lambda result: result,
    "deadline": lambda result: result,
    "status": lambda result: result,
    "render": list,
    "revise": list,
}
"""What the kernel does with a result at once, so that a lazy one is computed within the call."""

_LINES_MAX = 20
_SCALARS: Final = frozenset({str, bool, int})


class Call(NamedTuple):
    """A call as the kernel would make it.

    Attributes:
        plugin: the reducer or renderer.
        method: its name in the contract.
        subject: whom it is about.
        arguments: of the method.
        occasion: in words, for messages.
    """

    plugin: Any
    method: str
    subject: str
    arguments: tuple[Any, ...]
    occasion: str

    def __str__(self) -> str:
        return f"{self.method}() {self.occasion}, for {self.subject}"

    def make(self) -> Any:
        """Make the call and return its result; whatever it raises goes on."""
        return _FINISH[self.method](getattr(self.plugin, self.method)(*self.arguments))

    def outcome(self) -> Any:
        """Make the call and return what came of it, as JSON that can be compared."""
        try:
            return {"returned": plain(self.make())}
        except Exception as error:  # a plugin may raise anything
            return {"raised": type(error).__name__}


def plain(value: Any) -> Any:
    """Return a copy of a value as JSON; what JSON can't hold becomes the name of its type."""
    kind = type(value)
    if value is None or kind in _SCALARS or (kind is float and isfinite(value)):
        return value
    if kind is dict or isinstance(value, Mapping):
        return {str(key): plain(member) for key, member in value.items()}
    if kind is list or isinstance(value, list | tuple):
        return [plain(member) for member in value]
    if isinstance(value, Slices):
        return {subject: plain(current) for subject, current in value.items()}
    if isinstance(value, Event):
        names = ("seq", "epoch", "time_us", "kind", "subject", "cause", "payload")
        return {name: plain(getattr(value, name)) for name in names}
    return f"<{kind.__name__}>"


def changes(before: Any, after: Any) -> str:
    """Return the fields in which two values differ, one a line; empty when none does."""
    if snapshot(before) == snapshot(after):  # nearly always, and found out far faster
        return ""
    found = [f"  {change}" for change in differences(plain(before), plain(after))]
    more = [f"  and {len(found) - _LINES_MAX} more"] if len(found) > _LINES_MAX else []
    return "\n".join(found[:_LINES_MAX] + more)


def snapshot(value: Any) -> str:
    """Return a value as JSON text, which tells later whether it was changed."""
    try:
        return json.dumps(value, default=_opened)
    except (TypeError, ValueError):  # a key that JSON can't hold, or a value that holds itself
        return json.dumps(plain(value))


def _opened(value: Any) -> Any:
    """Return what the JSON encoder knows in the place of what it does not."""
    if isinstance(value, Slices | Mapping):
        return dict(value.items())
    return plain(value)
