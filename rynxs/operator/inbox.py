"""The inbox: what has happened and waits to be recorded, in order, and bounded.

Whoever brings something waits while it is full, so that a sink that is down slows the watches down
instead of filling the memory.
"""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

Item = TypeVar("Item")
_TIMES = 5
"""So many times a batch is taken at once, if most of it is not urgent."""


class Patience(NamedTuple):
    """How long a batch may take to fill up, in seconds.

    Attributes:
        quiet_s: so long nothing has come, and nothing is expected: that is all.
        urgent_s: something urgent waits no longer than that, though more is expected.
        most_s: nothing waits any longer.
    """

    quiet_s: float
    urgent_s: float
    most_s: float


class _Waiting(NamedTuple, Generic[Item]):
    since_s: float
    is_urgent: bool
    item: Item


class Inbox(Generic[Item]):
    """A bounded queue that is emptied in batches.

    Attributes:
        patience: how long to wait for a batch to fill up once there is something.
        expects: tells whether more is about to come, for which it is worth to wait.
    """

    def __init__(
        self,
        most: int,
        batch: int,
        patience: Patience,
        now_s: Callable[[], float],
        is_urgent: Callable[[Item], bool] = lambda _: True,
    ) -> None:
        """Be empty.

        Args:
            most: how many may wait.
            batch: how many that are urgent are taken at once, at most, and with what is not some
                times as many.
            patience: to begin with.
            now_s: a clock in seconds that never goes back.
            is_urgent: tells for what there is less patience.
        """
        self._most = most
        self._batch = batch
        self.patience = patience
        self._now_s = now_s
        self._is_urgent = is_urgent
        self._waiting: deque[_Waiting[Item]] = deque()
        self._urgent = 0
        self._changed = asyncio.Condition()
        self._turn = asyncio.Lock()
        self._came_s = 0.0
        self._is_closed = False
        self.expects: Callable[[], bool] = lambda: False

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def is_done(self) -> bool:
        """Whether it is closed and empty."""
        return self._is_closed and not self._waiting

    def waited_s(self) -> float:
        """Return for how long the oldest has waited, in seconds."""
        return self._now_s() - self._waiting[0].since_s if self._waiting else 0.0

    async def close(self) -> None:
        """Let `take` return at once from now on, for nothing more is to come."""
        async with self._changed:
            self._is_closed = True
            self._changed.notify_all()

    async def put(self, item: Item) -> None:
        """Bring something; wait while the inbox is full, and for whoever waits for that already."""
        async with self._turn, self._changed:
            await self._changed.wait_for(lambda: len(self._waiting) < self._most)
            self._came_s = self._now_s()
            waiting = _Waiting(self._came_s, self._is_urgent(item), item)
            self._waiting.append(waiting)
            self._urgent += waiting.is_urgent
            self._changed.notify_all()

    async def take(self, until_s: float | None) -> list[Item]:
        """Return the next batch, in order; an empty one if there is nothing by `until_s`."""
        async with self._changed:
            await self._wait(lambda: bool(self._waiting), until_s)
            while self._waiting and not self._is_closed and not self._is_full():
                due_s = self._due_s()
                if self._now_s() >= due_s:
                    break
                look_s = min(due_s, self._now_s() + self.patience.quiet_s)
                await self._wait(self._is_full, look_s)
            taken = self._taken()
            self._changed.notify_all()
            return taken

    def _is_full(self) -> bool:
        """Tell whether there is a whole batch, or no more can come."""
        count = len(self._waiting)
        return self._urgent >= self._batch or count >= min(self._batch * _TIMES, self._most)

    def _taken(self) -> list[Item]:
        taken: list[Item] = []
        urgent = 0
        while self._waiting and urgent < self._batch and len(taken) < self._batch * _TIMES:
            each = self._waiting.popleft()
            urgent += each.is_urgent
            taken.append(each.item)
        self._urgent -= urgent
        return taken

    def _due_s(self) -> float:
        """Return when what waits is to be taken, if nothing more comes until then."""
        quiet_s, urgent_s, most_s = self.patience
        due_s = self._waiting[0].since_s + most_s
        if not self.expects():
            due_s = min(due_s, self._came_s + quiet_s)
        for each in self._waiting:
            if each.is_urgent:
                return min(due_s, each.since_s + urgent_s)
        return due_s

    async def _wait(self, is_so: Callable[[], bool], until_s: float | None) -> None:
        """Wait until something is so, a moment has come, or the inbox is closed."""
        timeout = None if until_s is None else max(until_s - self._now_s(), 0)
        # Not asyncio.wait_for, which up to Python 3.11 loses a cancellation that comes together
        # with what it waits for (python/cpython#86296).
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                await self._changed.wait_for(lambda: self._is_closed or is_so())
