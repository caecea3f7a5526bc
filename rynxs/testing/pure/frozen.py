"""JSON values, events and views that take no change and note who tried one."""

from __future__ import annotations

import traceback
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from rynxs.engine.event import Event
from rynxs.engine.state import Slices

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping


class FrozenDict(dict[str, Any]):
    """A map whose changing methods note the attempt and raise; copies of it are plain maps."""

    def __init__(self, members: Mapping[str, Any], attempts: list[str]) -> None:
        super().__init__({key: freeze(member, attempts) for key, member in members.items()})
        self.attempts = attempts

    def __copy__(self) -> dict[str, Any]:
        return dict(self)

    def __deepcopy__(self, memo: object) -> dict[str, Any]:
        return {key: _thawed(member) for key, member in self.items()}


class FrozenList(list[Any]):
    """A list of the same kind."""

    def __init__(self, members: list[Any], attempts: list[str]) -> None:
        super().__init__(freeze(member, attempts) for member in members)
        self.attempts = attempts

    def __copy__(self) -> list[Any]:
        return list(self)

    def __deepcopy__(self, memo: object) -> list[Any]:
        return [_thawed(member) for member in self]


class FrozenEvent(Event):
    """An event whose payload is frozen."""

    def __init__(self, event: Event, attempts: list[str]) -> None:
        super().__init__(
            event.seq,
            event.epoch,
            event.time_us,
            event.kind,
            event.subject,
            event.encoded,
            event.cause,
        )
        self._frozen: dict[str, Any] = FrozenDict(event.payload, attempts)

    @property
    def payload(self) -> dict[str, Any]:
        """The frozen payload."""
        return self._frozen


class FrozenView:
    """A view of frozen slices."""

    def __init__(self, slices: Slices, attempts: list[str]) -> None:
        self._slices = slices
        self._attempts = attempts

    def get(self, subject: str) -> Mapping[str, Any] | None:
        """Return the slice of a subject, or None."""
        current = self._slices.get(subject)
        return freeze(current, self._attempts)  # type: ignore[no-any-return]

    def of_kind(self, group_kind: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """Yield subject and slice of every object of a kind."""
        for subject, current in self._slices.of_kind(group_kind):
            yield subject, freeze(current, self._attempts)

    def governed(self, subject: str) -> Mapping[str, Any] | None:
        """Return the slice of a subject as its verdict lets it be."""
        return freeze(self._slices.governed(subject), self._attempts)  # type: ignore[no-any-return]

    def verdict(self, subject: str) -> Mapping[str, Any] | None:
        """Return the verdict on a subject, or None."""
        return freeze(self._slices.verdict(subject), self._attempts)  # type: ignore[no-any-return]

    def total(self, holder: str) -> Mapping[str, int]:
        """Return what all verdicts hold of a holder."""
        return freeze(self._slices.total(holder), self._attempts)  # type: ignore[no-any-return]


def freeze(value: Any, attempts: list[str]) -> Any:
    """Return a frozen copy of what a reducer or renderer is given; `attempts` gets the changes."""
    if isinstance(value, Event):
        return FrozenEvent(value, attempts)
    if isinstance(value, Slices):
        return FrozenView(value, attempts)
    if isinstance(value, dict):
        return FrozenDict(value, attempts)
    return FrozenList(value, attempts) if isinstance(value, list) else value


def _thawed(value: Any) -> Any:
    return value.__deepcopy__(None) if isinstance(value, FrozenDict | FrozenList) else value


def _refusing(method: str) -> Callable[..., None]:
    def refuse(self: FrozenDict | FrozenList, *_: object, **__: object) -> None:
        name = "dict" if isinstance(self, dict) else "list"
        caller = traceback.extract_stack(limit=2)[0]
        place = f"{caller.name} ({PurePath(caller.filename).name}:{caller.lineno})"
        self.attempts.append(f"{name}.{method} <- {place}")
        raise TypeError(f"what is passed in is never changed, but {method} was called")

    return refuse


_CHANGES_OF_BOTH = ("__setitem__", "__delitem__", "clear", "pop")
_CHANGES_OF_DICT = ("__ior__", "popitem", "setdefault", "update")
_CHANGES_OF_LIST = (
    "__iadd__",
    "__imul__",
    "append",
    "extend",
    "insert",
    "remove",
    "reverse",
    "sort",
)
for _method in (*_CHANGES_OF_BOTH, *_CHANGES_OF_DICT):
    setattr(FrozenDict, _method, _refusing(_method))
for _method in (*_CHANGES_OF_BOTH, *_CHANGES_OF_LIST):
    setattr(FrozenList, _method, _refusing(_method))
