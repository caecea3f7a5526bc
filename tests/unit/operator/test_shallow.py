"""What the API server answers is cut where it is nested too deep for Python, and nowhere else."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rynxs.operator.shallow import ShallowReader, shallow

if TYPE_CHECKING:
    from collections.abc import Callable

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)
DEEPER_THAN_PYTHON = 9_000
MOST = 200


def nested(depth: int, opening: bytes = b'{"f:a":', closing: bytes = b"}") -> bytes:
    return opening * (depth - 1) + b"{}" + closing * (depth - 1)


def depth_of(found: Any) -> int:
    if not isinstance(found, dict | list):
        return 0
    return 1 + max(map(depth_of, found.values() if isinstance(found, dict) else found), default=0)


@given(JSON)
def test_what_is_not_nested_deep_stays_as_it_is(found: Any) -> None:
    text = json.dumps([[found] * MOST]).encode()
    assert shallow(text) == text


@pytest.mark.parametrize(
    ("opening", "closing"),
    [
        (b'{"f:a":', b"}"),
        (b"[", b"]"),
        (b'{"}":', b',"{":[]}'),
        (b'{"\\"{[":', b',"]}\\\\":0}'),
        (b'[{"a":"]","b":', b',"c":"["}]'),
    ],
    ids=["maps", "lists", "with brackets that pair in strings", "with escapes", "of both kinds"],
)
def test_what_is_nested_too_deep_is_cut_and_the_rest_stays(opening: bytes, closing: bytes) -> None:
    deep = nested(DEEPER_THAN_PYTHON, opening, closing)
    text = b'{"before":{"a":[1,"{"]},"deep":%s,"after":{"b":["}"]}}' % deep
    found = json.loads(shallow(text))
    assert (found["before"], found["after"]) == ({"a": [1, "{"]}, {"b": ["}"]})
    assert depth_of(found) == MOST + 1


def test_as_much_as_is_allowed_is_not_cut_and_one_more_is() -> None:
    assert shallow(nested(MOST)) == nested(MOST)
    assert shallow(nested(MOST + 1)) == nested(MOST + 1)  # what is left there is an empty map, too
    assert shallow(nested(MOST + 2)) == nested(MOST + 1)


def test_what_breaks_off_is_handed_on_as_it_is() -> None:
    text = b"[" * DEEPER_THAN_PYTHON
    assert shallow(text) == text


@pytest.mark.parametrize("size", [1, 7, 1_000_000])
def test_a_stream_is_cut_line_by_line_however_it_comes(size: int) -> None:
    lines = [b'{"a":1}', nested(300), b'{"b":2}']

    async def read(stream: ShallowReader) -> list[bytes]:
        return b"".join([each async for each in stream.iter_chunked(size)]).split(b"\n")

    assert streamed(b"\n".join(lines), read) == [lines[0], nested(MOST + 1), lines[2]]
    assert streamed(b"\n".join([*lines, b""]), read) == [lines[0], nested(MOST + 1), lines[2], b""]


def test_a_whole_answer_is_cut_and_the_rest_of_the_stream_is_its_own() -> None:
    async def read(stream: ShallowReader) -> tuple[bytes, object]:
        return await stream.read(), stream.at_eof()  # type: ignore[operator]

    assert streamed(nested(300), read) == (nested(MOST + 1), True)


def streamed(text: bytes, read: Callable[[ShallowReader], Any]) -> Any:
    """Return what is read of a stream that comes to an end."""

    async def main() -> Any:
        stream = asyncio.StreamReader()
        stream.feed_data(text)
        stream.feed_eof()
        return await read(ShallowReader(_Chunked(stream)))  # type: ignore[arg-type]

    return asyncio.run(main())


class _Chunked:
    """A stream as aiohttp has them."""

    def __init__(self, stream: asyncio.StreamReader) -> None:
        self.read = stream.read
        self.at_eof = stream.at_eof

    async def iter_chunked(self, size: int) -> Any:
        while chunk := await self.read(size):
            yield chunk
