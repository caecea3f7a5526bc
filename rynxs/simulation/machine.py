"""Machines and the processes on them: clocks of their own, event loops, and every way to stop."""

from __future__ import annotations

import asyncio
from contextvars import Context, copy_context
from typing import TYPE_CHECKING, Any

from rynxs.simulation.fiber import Fiber, current
from rynxs.simulation.world import SECOND

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence
    from random import Random

    from rynxs.simulation.world import World

_START_US = 1_800_000_000 * SECOND
"""The time of day at which each world begins, in POSIX microseconds."""
_WAITS_MAX = 20
_TASKS_KEPT = 1_000
_BUSY_US = 400
"""So long a turn of an event loop takes, at most."""


class Machine:
    """What a replica runs on.

    Attributes:
        name: of it.
        skew_us: how far its time of day is off.
        rate: how fast its clocks go.
    """

    def __init__(self, world: World, name: str) -> None:
        """Stand there, with clocks that are right."""
        self.name = name
        self.skew_us = 0
        self.rate = 1.0
        self._world = world
        self._asleep_us = 0
        self._since_us: int | None = None

    @property
    def is_asleep(self) -> bool:
        """Whether it stands still, as a virtual machine does that is moved."""
        return self._since_us is not None

    def now_us(self) -> int:
        """Return the time of day, in POSIX microseconds."""
        return _START_US + self._world.now_us + self.skew_us

    def boot_s(self) -> float:
        """Return seconds since it started, those asleep included."""
        return 1_000.0 + self._world.now_us / SECOND * self.rate

    def monotonic_s(self) -> float:
        """Return seconds since it started, without those asleep."""
        until_us = self._world.now_us if self._since_us is None else self._since_us
        return 1_000.0 + (until_us - self._asleep_us) / SECOND * self.rate

    def sleep(self) -> None:
        """Stand still."""
        if self._since_us is None:
            self._since_us = self._world.now_us

    def wake(self) -> None:
        """Go on."""
        if self._since_us is not None:
            self._asleep_us += self._world.now_us - self._since_us
            self._since_us = None


class OsProcess:
    """A process on a machine: an event loop, and threads, of which only one runs at any moment.

    Attributes:
        name: of it, unlike any other's.
        machine: on which it runs.
        is_alive: until it ends or is killed.
        unheard: is told errors of its tasks that nobody has asked for.
        fail, fail_power: kill it, or its machine, as soon as the world goes on.
    """

    def __init__(self, world: World, machine: Machine, name: str) -> None:
        """Run nothing yet."""
        self.name = name
        self.unheard: Callable[[str], None] = lambda _what: None
        self.machine = machine
        self.is_alive = True
        self.fail: Callable[[], None] = lambda: world.after(0, self.kill)
        self.fail_power: Callable[[], None] = self.fail
        self.loop = _Loop(self)
        self._world = world
        self._chance: Random = world.chance(f"process {name}")
        self._is_stopped = False
        self._held: list[Callable[[], None]] = []
        self._fibers: list[Fiber] = []
        self._turn_us: int | None = None
        self._is_running = False

    def start(
        self,
        main: Callable[[], Coroutine[Any, Any, None]],
        ended: Callable[[BaseException | None], None],
    ) -> None:
        """Run a coroutine; `ended` is told why it ended, None for in order."""

        def begin() -> None:
            task = self.loop.create_task(main())
            task.add_done_callback(finish)

        def finish(task: asyncio.Task[None]) -> None:
            if not self.is_alive:
                return
            error = asyncio.CancelledError() if task.cancelled() else task.exception()
            self._world.after(0, self.kill)
            ended(error)

        self.deliver(begin)

    def deliver(self, callback: Callable[[], None]) -> None:
        """Have something called on the event loop, unless the process has died by then."""
        if self.is_alive:
            self.loop.call_soon(callback)
            self.need_turn(0)

    def after(self, delay_us: int, action: Callable[[], None]) -> None:
        """Let something happen in the process later: not while it stands still, nor once dead."""
        self._world.after(delay_us, lambda: self._do(action))

    def sleep(self, seconds: float) -> None:
        """Wait, called in a fiber; elsewhere nothing blocks for long."""
        fiber = current()
        if fiber is not None:
            self.after(round(seconds * SECOND), fiber.go_on)
            fiber.wait()

    def run_in_fiber(
        self, work: Callable[[], Any], ended: Callable[[Any, Exception | None], None]
    ) -> None:
        """Do blocking work beside the event loop."""

        def finish(result: Any, error: Exception | None) -> None:
            self._fibers.remove(fiber)
            ended(result, error)

        fiber = Fiber(work, finish)
        self._fibers.append(fiber)
        self.after(self._chance.randrange(_BUSY_US), fiber.go_on)

    def stop(self) -> None:
        """Stand still, as after SIGSTOP; the machine's clocks go on."""
        self._is_stopped = True

    def go_on(self) -> None:
        """Go on after `stop`, or after the machine has slept."""
        self._is_stopped = False
        if self._stands_still():
            return
        held, self._held = self._held, []
        for action in held:  # in order, as what came through one connection
            self._do(action)
        self.need_turn(0)

    def kill(self) -> None:
        """Die at once: nothing more of it happens."""
        if not self.is_alive:
            return
        self.is_alive = False
        for fiber in self._fibers:
            fiber.kill()
        self.loop.abandon()

    def need_turn(self, delay_us: int) -> None:
        """Let the event loop have a turn, by then at the latest."""
        due_us = self._world.now_us + delay_us
        if self._is_running or (self._turn_us is not None and self._turn_us <= due_us):
            return
        self._turn_us = due_us
        busy_us = self._chance.randrange(_BUSY_US)
        self.after(delay_us + busy_us, lambda: self._turn(due_us))

    def _turn(self, due_us: int) -> None:
        if self._turn_us != due_us:
            return  # there was one before
        self._turn_us = None
        self._is_running = True
        try:
            self.loop.turn()
        finally:
            self._is_running = False
        wait_s = self.loop.wait_s()
        if wait_s is not None and self.is_alive:
            self.need_turn(int(wait_s / self.machine.rate * SECOND) + 1 if wait_s > 0 else 0)

    def _do(self, action: Callable[[], None]) -> None:
        if not self.is_alive:
            return
        if self._stands_still():
            self._held.append(action)
        else:
            action()

    def _stands_still(self) -> bool:
        return self._is_stopped or self.machine.is_asleep


class _Nothing:
    """A selector without files: whatever arrives is delivered."""

    def select(self, timeout: float | None) -> Sequence[Any]:
        return ()

    def close(self) -> None:
        """Close nothing."""


class _Loop(asyncio.BaseEventLoop):
    """An event loop in simulated time, to be given its turns."""

    def __init__(self, process: OsProcess) -> None:
        super().__init__()
        self.set_debug(False)
        self._process = process
        self._selector = _Nothing()
        self._made: list[tuple[asyncio.Task[Any], Context]] = []
        self.set_task_factory(self._task)
        self.set_exception_handler(lambda _loop, context: self._unheard(context))

    def time(self) -> float:
        return self._process.machine.monotonic_s()

    def turn(self) -> None:
        """Run what is ready."""
        asyncio._set_running_loop(self)  # noqa: SLF001 - as `run_forever` does
        try:
            self._run_once()  # type: ignore[attr-defined]
        finally:
            asyncio._set_running_loop(None)  # noqa: SLF001

    def wait_s(self) -> float | None:
        """Return how long there is nothing to do; None for ever."""
        if self._ready:  # type: ignore[attr-defined]
            return 0.0
        timers = self._scheduled  # type: ignore[attr-defined]
        return max(timers[0].when() - self.time(), 0.0) if timers else None

    def call_soon_threadsafe(  # type: ignore[override]  # the arguments' types are not followed
        self, callback: Any, *args: Any, context: Any = None
    ) -> Any:
        handle = self.call_soon(callback, *args, context=context)
        self._process.need_turn(0)
        return handle

    def run_in_executor(self, executor: Any, func: Any, *args: Any) -> Any:  # type: ignore[override]
        future = self.create_future()

        def ended(result: Any, error: Exception | None) -> None:
            self.call_soon_threadsafe(settle, result, error)

        def settle(result: Any, error: Exception | None) -> None:
            if future.cancelled():
                return
            if error is None:
                future.set_result(result)
            else:
                future.set_exception(error)

        self._process.run_in_fiber(lambda: func(*args), ended)
        return future

    def abandon(self) -> None:
        """Let all tasks go, as they stand."""
        for task, context in self._made:
            if not task.done():
                task._log_destroy_pending = False  # type: ignore[attr-defined]  # noqa: SLF001
                context.run(_close, task.get_coro())
        self._made.clear()
        self.close()

    def _task(self, loop: Any, coroutine: Any, context: Context | None = None) -> asyncio.Task[Any]:
        context = context or copy_context()
        task: asyncio.Task[Any] = asyncio.Task(coroutine, loop=loop, context=context)
        self._made.append((task, context))
        if len(self._made) > _TASKS_KEPT:
            self._made = [each for each in self._made if not each[0].done()]
        return task

    def _process_events(self, event_list: Any) -> None:
        """Take in what files have told; there are none."""

    def _write_to_self(self) -> None:
        """Wake up: whoever calls asks for a turn."""

    def _unheard(self, context: dict[str, Any]) -> None:
        if self._process.is_alive:
            self._process.unheard(str(context.get("exception") or context["message"]))


def _close(coroutine: Any) -> None:
    """End a coroutine where it waits, also if it wants to wait for more in the end."""
    for _ in range(_WAITS_MAX):
        try:
            coroutine.close()
        except RuntimeError:
            continue
        except BaseException:  # it can't do any more
            return
        else:
            return
