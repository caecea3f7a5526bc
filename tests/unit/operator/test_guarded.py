"""Waiting for something only as long as nothing else goes wrong."""

from __future__ import annotations

import asyncio
import threading

import pytest

from rynxs.operator.guarded import ended, guarded, in_thread
from tests.unit.operator.virtual_time import now_s, run


async def after(delay_s: float, result: str | Exception) -> str:
    await asyncio.sleep(delay_s)
    if isinstance(result, Exception):
        raise result
    return result


def test_what_comes_of_the_work_is_returned_and_the_guard_goes_on() -> None:
    async def main() -> None:
        guard = asyncio.create_task(after(9, "on guard"))
        assert await guarded(after(5, "done"), guard) == "done"
        assert not guard.done()
        with pytest.raises(ValueError, match="broken"):
            await guarded(after(1, ValueError("broken")), guard)
        assert await guard == "on guard"

    run(main())


def test_what_a_guard_raises_is_raised_and_the_work_has_ended_by_then() -> None:
    async def main() -> None:
        cleaned: list[float] = []

        async def work() -> None:
            try:
                await asyncio.sleep(100)
            finally:
                await asyncio.sleep(2)
                cleaned.append(now_s())

        guard = asyncio.create_task(after(5, ValueError("lost")))
        with pytest.raises(ValueError, match="lost"):
            await guarded(work(), guard)
        assert cleaned == [1007.0]

    run(main())


def test_a_guard_that_ends_by_itself_ends_the_work() -> None:
    async def main() -> None:
        guard = asyncio.create_task(after(5, "home"))
        with pytest.raises(asyncio.CancelledError):
            await guarded(after(100, "done"), guard)
        assert now_s() == 1005

    run(main())


def test_what_is_done_counts_though_the_guard_has_failed_at_the_same_time() -> None:
    async def main() -> None:
        guard = asyncio.create_task(after(5, ValueError("lost")))
        assert await guarded(after(5, "done"), guard) == "done"
        await asyncio.wait([guard])
        assert guard.exception() is not None

    run(main())


def test_tasks_are_cancelled_and_waited_for_whatever_they_raise() -> None:
    async def main() -> None:
        tasks = [asyncio.create_task(after(100, "")), asyncio.create_task(after(1, OSError()))]
        await asyncio.sleep(2)
        await ended(tasks)
        assert tasks[0].cancelled()
        assert tasks[1].done()
        assert now_s() == 1002

    run(main())


def test_what_is_done_in_a_thread_has_ended_though_whoever_waits_for_it_is_cancelled() -> None:
    begun, go_on, written = threading.Event(), threading.Event(), list[str]()

    def write(what: str) -> None:
        begun.set()
        assert go_on.wait(30)
        written.append(what)
        raise OSError("the disk is full")

    async def main() -> None:
        writing = asyncio.create_task(in_thread(write, "a"))
        await asyncio.to_thread(begun.wait, 30)
        writing.cancel()
        done, _ = await asyncio.wait([writing], timeout=0.05)
        assert not done
        go_on.set()
        await asyncio.wait([writing])
        assert (writing.cancelled(), written) == (True, ["a"])

    asyncio.run(main())


def test_what_comes_of_work_in_a_thread_is_returned_or_raised() -> None:
    async def main() -> None:
        assert await in_thread(divmod, 7, 2) == (3, 1)
        with pytest.raises(ZeroDivisionError):
            await in_thread(divmod, 7, 0)

    asyncio.run(main())
