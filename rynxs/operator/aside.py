"""A thread with an event loop of its own, for what can't be had on everybody's."""

from __future__ import annotations

import asyncio
import selectors
from contextlib import suppress
from threading import Thread
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Coroutine

_LOOK_S = 0.01
_LOOKS = 200


class Aside:
    """A thread with its event loop; it lives once.

    Attributes:
        home: the loop that all is handed over to.
        ended: done when the thread is through, with the reason.
        failed: done when what was called at home has raised something.
    """

    def __init__(self, home: asyncio.AbstractEventLoop) -> None:
        """Make both, and begin nothing."""
        self.home = home
        self.ended: asyncio.Future[str] = home.create_future()
        self.failed: asyncio.Future[None] = home.create_future()
        self._stopping = asyncio.Event()
        self._selector = selectors.DefaultSelector()
        self._loop = asyncio.SelectorEventLoop(self._selector)
        self._own = len(self._selector.get_map())

    def start(self, work: Coroutine[Any, Any, str]) -> None:
        """Begin with a piece of work, which returns why it ended."""
        self._thread = Thread(target=self._live, args=(work,), name="kopf", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Have it end, its work being cancelled; from home, at any time."""
        with suppress(RuntimeError):  # its loop is closed
            self._loop.call_soon_threadsafe(self._stopping.set)

    def join(self) -> None:
        """Wait for the thread, once `ended` is done, which is the last that it does."""
        self._thread.join()

    async def at_home(self, work: Coroutine[Any, Any, None]) -> None:
        """Do something at home, and wait for it; from the thread."""
        told = asyncio.run_coroutine_threadsafe(self._guarded(work), self.home)
        await asyncio.wrap_future(told)

    async def _guarded(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except Exception as error:  # kopf would log it and go on
            if not self.failed.done():
                self.failed.set_exception(error)

    def _live(self, work: Coroutine[Any, Any, str]) -> None:
        reason = "its thread broke off"
        try:
            with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
                reason = runner.run(self._until_stopped(work))
        finally:
            with suppress(RuntimeError):  # nobody is at home any more
                self.home.call_soon_threadsafe(self.ended.set_result, reason)

    async def _until_stopped(self, work: Coroutine[Any, Any, str]) -> str:
        working = asyncio.create_task(work)
        stopped = asyncio.create_task(self._stopping.wait())
        either: list[asyncio.Task[Any]] = [working, stopped]
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()
        working.cancel()
        try:
            return await working
        except asyncio.CancelledError:
            return "it was told to"
        finally:
            await self._disconnected()

    async def _disconnected(self) -> None:
        """Wait until no connection is left, for none can be closed any more without the loop.

        All are closed by now, but over TLS each side takes leave of the other one. Whoever does not
        is not waited for any longer than 2 s.
        """
        for _ in range(_LOOKS):
            if len(self._selector.get_map()) <= self._own:
                return
            await asyncio.sleep(_LOOK_S)
