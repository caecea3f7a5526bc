"""JSON values as deterministic CBOR (RFC 8949 section 4.2), checked before and after.

Payload values are JSON's: text keys, finite numbers, integers within 64 bits, at most
`MAX_DEPTH` containers deep, text that is valid Unicode. For text keys the length-first order
that cbor2 calls canonical and the bytewise order of RFC 8949 section 4.2.1 are the same.
"""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING, Any

import cbor2

from rynxs.errors import ValueRefused
from rynxs.eventlog import cbor

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

MAX_DEPTH = 128
INTEGER_MIN = -(2**63)
INTEGER_MAX = 2**64 - 1
_TEXT = frozenset({str})
_CONTAINERS = frozenset({dict, list})
_PLAIN = frozenset({str, bool, int, type(None)})
_KNOWN = _PLAIN | _CONTAINERS


def encode(value: Mapping[str, Any]) -> bytes:
    """Return the deterministic CBOR of a map of JSON values.

    Raises:
        ValueRefused: the value is not a map, or holds something JSON can't; names the path.
    """
    if type(value) is not dict:
        raise ValueRefused("$", f"found {type(value).__name__}, a payload is a map")
    floats: list[float] = []
    try:
        ordered = _ordered_map(value, 1, floats)
    except _Refused as refused:
        raise ValueRefused(refused.path(), refused.reason) from None
    # Only floats differ once the keys are in order, and cbor2 sorts keys four times as slowly.
    return cbor.dumps(ordered, canonical=bool(floats))


def decode(data: bytes) -> dict[str, Any]:
    """Return the map that `data` encodes; anything but the deterministic form is refused.

    Raises:
        ValueRefused: the bytes are not exactly one map of JSON values in deterministic form.
    """
    try:
        value = cbor.loads(
            data,
            max_depth=MAX_DEPTH + 1,
            allow_indefinite=False,
            allow_duplicate_keys=False,
            strict_hashable_types=True,
        )
    except cbor.DECODE_ERRORS as error:
        raise ValueRefused("$", f"not CBOR of JSON values ({_first_line(error)})") from None
    if not _is_seen_to_be_deterministic(value, data) and encode(value) != data:
        raise ValueRefused("$", "not in deterministic form")
    return value  # type: ignore[no-any-return]


def _is_seen_to_be_deterministic(value: object, data: bytes) -> bool:
    """Tell whether a cheap look at a decoded value shows that `data` is its deterministic form.

    Encoding it as found shows everything but the order of keys, and what isn't JSON; of a float it
    makes eight bytes, which `data` may hold in fewer.
    """
    return type(value) is dict and _is_ordered(value) and cbor2.dumps(value) == data


def _is_ordered(value: dict[Any, Any]) -> bool:
    """Tell whether a decoded map is JSON without floats, all keys ASCII and in order.

    What it refuses may still be in deterministic form.
    """
    level: list[Any] = [value]
    depth = 0
    while level:
        depth += 1
        inner: list[Any] = []
        for container in level:
            members: Iterable[Any] = container
            if type(container) is dict:
                if not _are_ordered([*container]):
                    return False
                members = container.values()
            kinds = set(map(type, members))
            if not kinds <= _PLAIN:
                if not kinds <= _KNOWN:
                    return False
                inner += [member for member in members if type(member) in _CONTAINERS]
            if int in kinds and min(m for m in members if type(m) is int) < INTEGER_MIN:
                return False
        level = inner
    return depth <= MAX_DEPTH


def _are_ordered(keys: list[Any]) -> bool:
    return (
        set(map(type, keys)) <= _TEXT
        and "".join(keys).isascii()
        and sorted(sorted(keys), key=len) == keys
    )


class _Refused(Exception):
    """Carries the reason up; every level it passes adds its step of the path."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.steps: list[str] = []

    def path(self) -> str:
        return "$" + "".join(reversed(self.steps))


def _ordered(value: Any, depth: int, floats: list[float]) -> Any:
    """Return a checked value with the keys of its maps in order; `floats` gets every float."""
    kind = type(value)
    if kind is str:
        _check_text(value)
    elif kind is bool or value is None:
        pass
    elif kind is dict:
        return _ordered_map(value, depth, floats)
    elif kind is list:
        return _ordered_list(value, depth, floats)
    elif kind is int:
        if not INTEGER_MIN <= value <= INTEGER_MAX:
            raise _Refused("integer outside 64 bits")
    elif kind is float:
        if not isfinite(value):
            raise _Refused(f"found {value}, numbers must be finite")
        floats.append(value)
    else:
        raise _Refused(f"found {kind.__name__}, allowed are JSON's types")
    return value


def _ordered_map(value: dict[Any, Any], depth: int, floats: list[float]) -> dict[str, Any]:
    if depth > MAX_DEPTH:
        raise _Refused(f"nested deeper than {MAX_DEPTH}")
    ordered = {}
    for key in _ordered_keys(value):
        member = value[key]
        if type(member) is not str or not member.isascii():  # plain text is most of a payload
            try:
                member = _ordered(member, depth + 1, floats)
            except _Refused as refused:
                refused.steps.append(_step(key))
                raise
        ordered[key] = member
    return ordered


def _ordered_keys(value: dict[Any, Any]) -> list[str]:
    """Return the keys, the shorter one in UTF-8 first, equally long ones by their bytes."""
    if not set(map(type, value)) <= {str}:
        odd = next(key for key in value if type(key) is not str)
        raise _Refused(f"key of type {type(odd).__name__}, keys are text")
    keys = sorted(value)  # the order of code points is the order of UTF-8 bytes
    if "".join(keys).isascii():
        keys.sort(key=len)
        return keys
    for key in keys:
        try:
            _check_text(key)
        except _Refused as refused:
            refused.steps.append(_step(key))
            raise
    keys.sort(key=lambda key: len(key.encode()))
    return keys


def _ordered_list(value: list[Any], depth: int, floats: list[float]) -> list[Any]:
    if depth > MAX_DEPTH:
        raise _Refused(f"nested deeper than {MAX_DEPTH}")
    ordered = []
    for index, member in enumerate(value):
        try:
            ordered.append(_ordered(member, depth + 1, floats))
        except _Refused as refused:
            refused.steps.append(f"[{index}]")
            raise
    return ordered


def _check_text(value: str) -> None:
    if value.isascii():
        return
    try:
        value.encode()
    except UnicodeEncodeError:
        raise _Refused("lone surrogate, text must be valid Unicode") from None


def _step(key: str) -> str:
    return f".{key.encode('ascii', 'backslashreplace').decode()}"


def _first_line(error: BaseException) -> str:
    return (str(error) or type(error).__name__).splitlines()[0]
