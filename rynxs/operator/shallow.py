"""Answers of the API server without what is nested too deep to be worked with.

Whoever may change an object may nest its ``managedFields`` as deep as the API server parses, which
is beyond what Python does. Nothing that is of use here is nested nearly so deep.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from aiohttp import StreamReader

_DEPTH_MOST: Final = 200
_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL)
_TOKEN = re.compile(_STRING.pattern + rb"|[{}\[\]]", re.DOTALL)
_BRACKETS: Final = b"{}[]"
_OTHERS: Final = bytes(set(range(256)) - set(_BRACKETS))


def shallow(text: bytes) -> bytes:
    """Return a JSON text in which what is nested too deep is replaced by an empty object."""
    return text if _is_shallow(text) else _cut(text)


def _is_shallow(text: bytes) -> bool:
    """Tell whether nothing is nested too deep, without a look at each bracket by itself."""
    if text.count(b"{") + text.count(b"[") <= _DEPTH_MOST:
        return True
    left = _STRING.sub(b"", text).translate(None, _OTHERS)
    for _ in range(_DEPTH_MOST):
        left = left.replace(b"{}", b"").replace(b"[]", b"")
        if not left:
            return True
    return False


def _cut(text: bytes) -> bytes:
    kept: list[bytes] = []
    start, depth = 0, 0
    for token in _TOKEN.finditer(text):
        mark = token[0]
        if mark in (b"{", b"["):
            depth += 1
            if depth == _DEPTH_MOST + 1:
                kept += [text[start : token.start()], b"{}"]
        elif mark in (b"}", b"]"):
            if depth == _DEPTH_MOST + 1:
                start = token.end()
            depth -= 1
    if depth > _DEPTH_MOST:
        return text  # it breaks off: no JSON at all
    kept.append(text[start:])
    return b"".join(kept)


class ShallowReader:
    """A stream of JSON texts, one a line, or of a single one, which are cut as `shallow` does."""

    def __init__(self, stream: StreamReader) -> None:
        """Read nothing yet."""
        self._stream = stream

    def __getattr__(self, name: str) -> object:
        """Return what the stream itself has."""
        return getattr(self._stream, name)

    async def read(self) -> bytes:
        """Return the rest, which is one text."""
        return shallow(await self._stream.read())

    async def iter_chunked(self, size: int) -> AsyncIterator[bytes]:
        """Yield line after line, each with its end; read so many bytes at once."""
        parts: list[bytes] = []
        async for chunk in self._stream.iter_chunked(size):
            *ended, rest = chunk.split(b"\n")
            for each in ended:
                yield shallow(b"".join([*parts, each])) + b"\n"
                parts = []
            parts.append(rest)
        rest = b"".join(parts)
        if rest:
            yield shallow(rest)
