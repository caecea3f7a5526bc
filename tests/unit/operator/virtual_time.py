"""Running asynchronous code in a time of its own, which passes only when all wait for it.

So a test of waits and time limits takes no time, and is the same on a busy machine. What waits for
a thread is done at once. What would wait for ever fails.
"""

from __future__ import annotations

import asyncio
import selectors
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

T = TypeVar("T")
_ROUNDS_MAX = 100_000


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end; the time begins at 1,000 s."""
    with asyncio.Runner(loop_factory=_Loop) as runner:
        return runner.run(main)


def now_s() -> float:
    """Return the time of the code that runs."""
    return asyncio.get_running_loop().time()


class _Selector(selectors.SelectSelector):
    now_s = 1_000.0
    rounds = 0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        self.rounds += 1
        if self.rounds > _ROUNDS_MAX:
            raise AssertionError("it never comes to rest")
        ready = super().select(0)
        if not ready:
            if timeout is None:
                raise AssertionError("all wait, and nothing will ever happen")
            self.now_s += timeout
        return ready


class _Executor(ThreadPoolExecutor):
    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        future: Future[T] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:  # as a thread does
            future.set_exception(error)
        return future


class _Loop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._virtual = _Selector()
        super().__init__(self._virtual)
        self.set_default_executor(_Executor(max_workers=1))

    def time(self) -> float:
        return self._virtual.now_s

    async def shutdown_default_executor(self, timeout: float | None = None) -> None:  # noqa: ASYNC109
        """There are no threads to wait for."""
