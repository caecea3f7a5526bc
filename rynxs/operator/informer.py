"""Informers: what there is of a kind, and what becomes of it, told from the list on without a gap.

What was told is not kept here. Nothing is concluded from an error: that an object is gone is told
by the watch, or by a complete list in which it is not.
"""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import TYPE_CHECKING, NamedTuple

from rynxs.operator.backoff import delay_s
from rynxs.operator.cluster import Bookmark, ClusterError, Listed, Seen, as_it_is

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from rynxs.operator.cluster import Reduce, Watched

_LOST = frozenset({404, 410})
"""What a watch can't go on after: its version is too old, or the kind was not served meanwhile."""
_DELAY_MOST_S = 30.0


class Followed(NamedTuple):
    """What an informer follows.

    Attributes:
        kind: ``apiVersion/Kind``.
        namespace: empty for all.
        is_whole: whole objects, whoever manages them; else of those that rynxs manages, their
            metadata, and their status where that is watched.
        reduced: what to keep of an object.
    """

    kind: str
    namespace: str
    is_whole: bool
    reduced: Reduce = as_it_is


class Failure(NamedTuple):
    """A kind that can't be listed or watched for now; it is tried again.

    Attributes:
        error: what the cluster said.
        attempt: how often in a row, counted from 1.
    """

    followed: Followed
    error: ClusterError
    attempt: int


class Hears(NamedTuple):
    """Who is told; while one of them is at it, nothing more is read from the cluster.

    Attributes:
        listed: a complete list and its version, at the start and whenever history was lost.
        seen: what happened after that.
        failed: what went wrong.
        well: all is well again after that.
    """

    listed: Callable[[Listed], Awaitable[None]]
    seen: Callable[[Seen], Awaitable[None]]
    failed: Callable[[Failure], Awaitable[None]]
    well: Callable[[], None] = lambda: None


class Informer:
    """Follows one kind, in one namespace or in all.

    Attributes:
        followed: what it follows.
        error: what the cluster said last, None while all is well.
    """

    def __init__(
        self,
        cluster: Watched,
        followed: Followed,
        hears: Hears,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """Know nothing yet.

        Args:
            cluster: to ask.
            followed: what.
            hears: who is told.
            sleep: waits for so many seconds, after a failure.
        """
        self.followed = followed
        self.error: ClusterError | None = None
        self._cluster = cluster
        self._hears = hears
        self._sleep = sleep
        self._synced = asyncio.Event()
        self._version: str | None = None
        self._attempt = 0
        self._losses = 0

    @property
    def is_synced(self) -> bool:
        """Whether a complete list was handed over, and no history has been lost since."""
        return self._synced.is_set()

    async def synced(self) -> None:
        """Wait until it is so."""
        await self._synced.wait()

    async def run(self) -> None:
        """Follow, until this is cancelled."""
        while True:
            try:
                await self._watch(self._version or await self._list())
            except ClusterError as error:
                await self._fail(error)

    async def _list(self) -> str:
        """Hand a complete list over, and return the version to watch on from."""
        kind, namespace, is_whole, reduced = self.followed
        ask = self._cluster.list_objects if is_whole else self._cluster.list
        found = await ask(kind, namespace, reduced)
        await self._hears.listed(found)
        self._recover()
        self._version = found.version
        self._synced.set()
        return found.version

    async def _watch(self, version: str) -> None:
        """Hand over what happens, until the watch ends."""
        kind, namespace, is_whole, _ = self.followed
        ask = self._cluster.watch_objects if is_whole else self._cluster.watch
        is_accepted = False
        async with aclosing(ask(kind, namespace, version)) as told:
            async for each in told:
                self._recover()
                self._version = await self._hand_over(each)
                if is_accepted:
                    self._attempt = self._losses = 0
                is_accepted = True
        self._attempt = self._losses = 0

    def _recover(self) -> None:
        if self.error is not None:
            self.error = None
            self._hears.well()

    async def _hand_over(self, told: Seen | Bookmark) -> str:
        """Hand over what a watch tells, and return the version that it tells of."""
        if isinstance(told, Bookmark):
            return told.version
        version = str(told.object["metadata"]["resourceVersion"])
        await self._hears.seen(Seen(told.is_gone, self.followed.reduced(told.object)))
        return version

    async def _fail(self, error: ClusterError) -> None:
        """Take in an error. When history is lost that is no failure, unless it is so every time."""
        if error.status in _LOST and self._version is not None:
            self._version = None
            self._synced.clear()
            self._losses += 1
            if self._losses == 1:
                return
        self.error = error
        self._attempt += 1
        await self._hears.failed(Failure(self.followed, error, self._attempt))
        delay = max(delay_s(self._attempt), error.retry_after_s or 0.0)
        await self._sleep(min(delay, _DELAY_MOST_S))
