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
        self._waiting: deque[tuple[float, Item]] = deque()
        self._changed = asyncio.Condition()
        self._is_closed = False

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def is_done(self) -> bool:
        """Whether it is closed and empty."""
        return self._is_closed and not self._waiting

    def waited_s(self) -> float:
        """Return for how long the oldest has waited, in seconds."""
        return self._now_s() - self._waiting[0][0] if self._waiting else 0.0

    async def close(self) -> None:
        """Let `take` return at once from now on, for nothing more is to come."""
        async with self._changed:
            self._is_closed = True
            self._changed.notify_all()

    async def put(self, item: Item) -> None:
        """Bring something; wait while the inbox is full."""
        async with self._changed:
            await self._changed.wait_for(lambda: len(self._waiting) < self._most)
            self._waiting.append((self._now_s(), item))
            self._changed.notify_all()

    async def take(self, until_s: float | None) -> list[Item]:
        """Return the next batch, in order; an empty one if there is nothing by `until_s`."""
        async with self._changed:
            await self._wait(lambda: bool(self._waiting), until_s)
            if self._waiting:
                full = min(self._batch, self._most)
                await self._wait(lambda: len(self._waiting) >= full, self._now_s() + self._linger_s)
            count = min(self._batch, len(self._waiting))
            taken = [self._waiting.popleft()[1] for _ in range(count)]
            self._changed.notify_all()
            return taken

    async def _wait(self, is_so: Callable[[], bool], until_s: float | None) -> None:
        """Wait until something is so, a moment has come, or the inbox is closed."""
        timeout = None if until_s is None else max(until_s - self._now_s(), 0)
        try:
            await asyncio.wait_for(
                self._changed.wait_for(lambda: self._is_closed or is_so()), timeout
            )
        except TimeoutError:
            return
