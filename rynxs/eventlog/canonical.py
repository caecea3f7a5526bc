"""JSON values as deterministic CBOR (RFC 8949 section 4.2), checked before and after.

Payload values are JSON's: text keys, finite numbers, integers within 64 bits, at most
`MAX_DEPTH` containers deep, text that is valid Unicode. For text keys the length-first order
that cbor2 calls canonical and the bytewise order of RFC 8949 section 4.2.1 are the same.
"""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING, Any

from rynxs.errors import ValueRefused
from rynxs.eventlog import cbor

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_DEPTH = 128
INTEGER_MIN = -(2**63)
INTEGER_MAX = 2**64 - 1


def encode(value: Mapping[str, Any]) -> bytes:
    """Return the deterministic CBOR of a map of JSON values.

    Raises:
        ValueRefused: the value is not a map, or holds something JSON can't; names the path.
    """
    if type(value) is not dict:
        raise ValueRefused("$", f"found {type(value).__name__}, a payload is a map")
    try:
        _check(value, 1)
    except _Refused as refused:
        raise ValueRefused(refused.path(), refused.reason) from None
    return cbor.dumps(value)


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
    if encode(value) != data:
        raise ValueRefused("$", "not in deterministic form")
    return value  # type: ignore[no-any-return]


class _Refused(Exception):
    """Carries the reason up; every level it passes adds its step of the path."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.steps: list[str] = []

    def path(self) -> str:
        return "$" + "".join(reversed(self.steps))


def _check(value: object, depth: int) -> None:
    kind = type(value)
    if kind is str:
        _check_text(value)  # type: ignore[arg-type]
    elif kind is dict:
        _check_map(value, depth)  # type: ignore[arg-type]
    elif kind is list:
        _check_list(value, depth)  # type: ignore[arg-type]
    elif kind is int:
        if not INTEGER_MIN <= value <= INTEGER_MAX:  # type: ignore[operator]
            raise _Refused("integer outside 64 bits")
    elif kind is float:
        if not isfinite(value):  # type: ignore[arg-type]
            raise _Refused(f"found {value}, numbers must be finite")
    elif value is not None and kind is not bool:
        raise _Refused(f"found {kind.__name__}, allowed are JSON's types")


def _check_map(value: dict[object, object], depth: int) -> None:
    if depth > MAX_DEPTH:
        raise _Refused(f"nested deeper than {MAX_DEPTH}")
    for key, member in value.items():
        if type(key) is not str:
            raise _Refused(f"key of type {type(key).__name__}, keys are text")
        try:
            _check_text(key)
            _check(member, depth + 1)
        except _Refused as refused:
            refused.steps.append(f".{key.encode('ascii', 'backslashreplace').decode()}")
            raise


def _check_list(value: list[object], depth: int) -> None:
    if depth > MAX_DEPTH:
        raise _Refused(f"nested deeper than {MAX_DEPTH}")
    for index, member in enumerate(value):
        try:
            _check(member, depth + 1)
        except _Refused as refused:
            refused.steps.append(f"[{index}]")
            raise


def _check_text(value: str) -> None:
    if value.isascii():
        return
    try:
        value.encode()
    except UnicodeEncodeError:
        raise _Refused("lone surrogate, text must be valid Unicode") from None


def _first_line(error: BaseException) -> str:
    return (str(error) or type(error).__name__).splitlines()[0]
