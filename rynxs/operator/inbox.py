"""The inbox: what has happened and waits to be recorded, in order, and bounded.

Whoever brings something waits while it is full, so that a sink that is down slows the watches down
instead of filling the memory.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

Item = TypeVar("Item")


class Inbox(Generic[Item]):
    """A bounded queue that is emptied in batches."""

    def __init__(self, most: int, batch: int, linger_s: float, now_s: Callable[[], float]) -> None:
        """Be empty.

        Args:
            most: how many may wait.
            batch: how many are taken at once, at most.
            linger_s: how long to wait for a batch to fill up once there is something.
            now_s: a clock in seconds that never goes back.
        """
        self._most = most
        self._batch = batch
        self._linger_s = linger_s
        self._now_s = now_s
        self._waiting: deque[Item] = deque()
        self._changed = asyncio.Condition()

    def __len__(self) -> int:
        return len(self._waiting)

    async def put(self, item: Item) -> None:
        """Bring something; wait while the inbox is full."""
        async with self._changed:
            await self._changed.wait_for(lambda: len(self._waiting) < self._most)
            self._waiting.append(item)
            self._changed.notify_all()

    async def take(self, until_s: float | None) -> list[Item]:
        """Return the next batch, in order; an empty one if there is nothing by `until_s`."""
        async with self._changed:
            await self._wait(lambda: bool(self._waiting), until_s)
            if self._waiting:
                full = min(self._batch, self._most)
                await self._wait(lambda: len(self._waiting) >= full, self._now_s() + self._linger_s)
            count = min(self._batch, len(self._waiting))
            taken = [self._waiting.popleft() for _ in range(count)]
            self._changed.notify_all()
            return taken

    async def _wait(self, is_so: Callable[[], bool], until_s: float | None) -> None:
        """Wait until something is so, or a moment has come."""
        timeout = None if until_s is None else max(until_s - self._now_s(), 0)
        try:
            await asyncio.wait_for(self._changed.wait_for(is_so), timeout)
        except TimeoutError:
            return
