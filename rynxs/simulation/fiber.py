"""Fibers: blocking code that waits in simulated time, while the rest of the world goes on.

Each has a thread, for that is how blocking code is left and returned to; but only one of them all
runs at any moment, and it is the world that says which.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

_here = threading.local()


class Killed(BaseException):
    """The process whose code this is has died: nothing that it does counts any more."""


class Fiber:
    """Work that is done in a thread of its own.

    Attributes:
        is_killed: whether its process has died.
    """

    def __init__(
        self, work: Callable[[], Any], ended: Callable[[Any, Exception | None], None]
    ) -> None:
        """Do nothing before the first `go_on`.

        Args:
            work: what is to be done.
            ended: is given what came of it, or why that failed; not called of one that was killed.
        """
        self.is_killed = False
        self._work = work
        self._ended = ended
        self._go = threading.Lock()
        self._back = threading.Lock()
        self._go.acquire()
        self._back.acquire()
        self._is_done = False
        _thread_for(self)

    def go_on(self) -> None:
        """Run until it waits or has ended."""
        if not self._is_done:
            self._go.release()
            self._back.acquire()

    def kill(self) -> None:
        """End it where it waits."""
        self.is_killed = True
        self.go_on()

    def wait(self) -> None:
        """Wait, called by the work itself, until somebody calls `go_on`.

        Raises:
            Killed: its process has died meanwhile.
        """
        self._back.release()
        self._go.acquire()
        self.check()

    def check(self) -> None:
        """Raise if the process has died."""
        if self.is_killed:
            raise Killed

    def run(self) -> None:
        """Do the work, in a thread."""
        self._go.acquire()
        _here.fiber = self
        try:
            self.check()
            result = self._work()
        except Killed:
            pass
        except Exception as error:
            self._finish(None, error)
        else:
            self._finish(result, None)
        finally:
            _here.fiber = None
            self._is_done = True
            self._back.release()

    def _finish(self, result: Any, error: Exception | None) -> None:
        if not self.is_killed:
            self._ended(result, error)


def current() -> Fiber | None:
    """Return the fiber that asks, None outside of all."""
    fiber: Fiber | None = getattr(_here, "fiber", None)
    return fiber


class _Thread:
    """A thread that runs fibers, one after the other; kept, for it is dear to start."""

    def __init__(self) -> None:
        self.fiber: Fiber | None = None
        self.wanted = threading.Lock()
        self.wanted.acquire()
        threading.Thread(target=self._run, daemon=True, name="fiber").start()

    def _run(self) -> None:
        while True:
            self.wanted.acquire()
            assert self.fiber is not None
            fiber, self.fiber = self.fiber, None
            fiber.run()
            _idle.append(self)


_idle: list[_Thread] = []


def _thread_for(fiber: Fiber) -> None:
    thread = _idle.pop() if _idle else _Thread()
    thread.fiber = fiber
    thread.wanted.release()
