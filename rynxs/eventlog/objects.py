"""What all sinks say alike of named objects: their names, versions, and the swap's comparison."""

from __future__ import annotations

import re
from hashlib import sha256

from rynxs.errors import SinkConflict, SinkUnavailable
from rynxs.eventlog.sink import ABSENT, ANY, Expect

NAME_SIZE_MAX = 255
RESERVED = ("hint", "log", "payload", "probe")
_SEGMENT = r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,199}"
_NAME = re.compile(rf"{_SEGMENT}(?:/{_SEGMENT}){{0,15}}", re.ASCII)


def is_object_name(name: str) -> bool:
    """Tell whether a text is an object's name.

    At most 16 segments of ``[A-Za-z0-9._-]``, none starting with a dot, joined by ``/``; at most
    255 characters; the first segment is not one that sinks keep for themselves (`RESERVED`).
    """
    return (
        len(name) <= NAME_SIZE_MAX
        and _NAME.fullmatch(name) is not None
        and name.partition("/")[0] not in RESERVED
    )


def check_object_name(name: str) -> None:
    """Refuse what is not an object's name.

    Raises:
        SinkUnavailable: it is not.
    """
    if not is_object_name(name):
        raise SinkUnavailable(
            f"object name {name!r}: expected are up to {NAME_SIZE_MAX} characters, segments that "
            f"match {_SEGMENT} joined by /, the first not one of {', '.join(RESERVED)}"
        )


def version_of(data: bytes) -> str:
    """Return the version of an object of these bytes, for sinks without one of their own."""
    return sha256(data).hexdigest()


def check_expected(name: str, found: str | None, expect: Expect | str) -> None:
    """Compare the present version of an object, None when it is absent, with the expected one.

    Raises:
        SinkConflict: they differ.
    """
    if expect is ANY:
        return
    wanted = None if expect is ABSENT else expect
    if wanted != found:
        raise SinkConflict(
            f"{name}: version is {found or 'absent'}, {wanted or 'absent'} was expected"
        )
