"""What there is of an answer over HTTP, and why there is none."""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aiohttp import ClientError, ClientResponse

_CHUNK_SIZE = 64 * 1024


async def start_of(answer: ClientResponse, size: int) -> bytes:
    """Return a body, or of one that is larger than `size` at least one byte more than that."""
    read = bytearray()
    async for chunk in answer.content.iter_chunked(_CHUNK_SIZE):
        read += chunk
        if len(read) > size:
            break
    return bytes(read)


def words_of(error: ClientError) -> str:
    """Return what is wrong with a connection, without saying where it goes."""
    inner = getattr(error, "os_error", error)
    if isinstance(inner, socket.gaierror):
        return "the host's name is not known"
    code = getattr(inner, "errno", None)
    return os.strerror(code) if code and code > 0 else type(inner).__name__
