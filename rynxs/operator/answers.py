"""Answers that may not be waited for to the end, and connections that end at once.

Over TLS, aiohttp takes leave of the other side, and waits for it to do the same; nobody waits for
aiohttp. Where a connection is of no more use, it is closed at once here.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from weakref import WeakSet

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from aiohttp import ClientResponse


def abort(answer: ClientResponse) -> None:
    """Close the connection of an answer that was not read to its end."""
    connection = answer.connection
    if connection is not None and connection.transport is not None:
        connection.transport.abort()
    answer.close()


class Connections:
    """Connections that somebody else closes, as if there were time."""

    def __init__(self) -> None:
        """Know of none yet."""
        self._transports: WeakSet[asyncio.WriteTransport] = WeakSet()

    def add(self, transport: asyncio.BaseTransport | None) -> None:
        """Take in a connection, None for one that has ended."""
        if isinstance(transport, asyncio.WriteTransport):
            self._transports.add(transport)

    def abort(self) -> None:
        """Close those that are not closed yet."""
        for each in self._transports:
            each.abort()


class Answers:
    """The answers that one client waits for."""

    def __init__(self) -> None:
        """Wait for none yet."""
        self._left: set[asyncio.Future[ClientResponse]] = set()

    async def to(self, request: Awaitable[ClientResponse]) -> ClientResponse:
        """Return the answer to a request; whoever is cancelled leaves the request to itself."""
        asking = asyncio.ensure_future(request)
        try:
            return await asyncio.shield(asking)
        except asyncio.CancelledError:
            self._left.add(asking)
            asking.add_done_callback(self._came_too_late)
            raise

    async def ended(self) -> None:
        """Wait until none is to come any more; all connections are closed, so that is soon."""
        if self._left:
            await asyncio.wait(self._left)

    def _came_too_late(self, asking: asyncio.Future[ClientResponse]) -> None:
        self._left.discard(asking)
        if not asking.cancelled() and asking.exception() is None:
            abort(asking.result())
