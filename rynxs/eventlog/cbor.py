"""CBOR without tags: what version 1 of the format knows of RFC 8949, and no more.

Tags would let a decoder build dates, patterns and shared values out of a few bytes; refusing them
keeps a header's bytes and its members in step, and leaves one family of errors to catch.
"""

from __future__ import annotations

from functools import partial
from typing import Any, NoReturn

import cbor2

_BUILT_IN_TAGS = (
    *range(6),
    *(25, 28, 29, 30, 35, 36, 37, 52, 54, 100, 256, 258, 260, 261, 1004, 43000, 55799),
)


def _refuse(*_: Any) -> NoReturn:
    raise ValueError("tags are not allowed")


loads = partial(
    cbor2.loads, semantic_decoders=dict.fromkeys(_BUILT_IN_TAGS, _refuse), tag_hook=_refuse
)
"""Decodes one item; bytes left over are not looked at, compare with `dumps` for that."""

dumps = partial(cbor2.dumps, canonical=True)
"""Encodes in deterministic form."""

DECODE_ERRORS = (cbor2.CBORError, ValueError, TypeError, RecursionError)
"""What `loads` raises for bytes that are not what it expects."""

_ARRAY = 0x80


def array_head(count: int) -> bytes:
    """Return the head of an array of `count` items."""
    head = dumps(count)
    return bytes((head[0] | _ARRAY,)) + head[1:]
