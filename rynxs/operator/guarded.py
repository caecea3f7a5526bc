"""Waiting for something only as long as nothing else goes wrong, or until it has really ended."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterable

Result = TypeVar("Result")


async def guarded(work: Coroutine[Any, Any, Result], *guards: asyncio.Task[Any]) -> Result:
    """Return what comes of `work`; if a guard ends before, that is cancelled.

    Raises:
        Exception: what `work` raised, or the guard.
    """
    task = asyncio.ensure_future(work)
    try:
        await asyncio.wait({task, *guards}, return_when=asyncio.FIRST_COMPLETED)
        for guard in guards:
            if guard.done() and not task.done():
                guard.result()
                raise asyncio.CancelledError
        return task.result()
    finally:
        await ended([task])


async def together(*works: Coroutine[Any, Any, None]) -> None:
    """Do several things at once, until one of them fails or this is cancelled; then all have ended.

    Raises:
        Exception: what the first of them raised.
    """
    tasks = [asyncio.ensure_future(work) for work in works]
    try:
        await asyncio.gather(*tasks)
    finally:
        await ended(tasks)


async def in_thread(work: Callable[..., Result], *arguments: Any) -> Result:
    """Return what comes of `work`, which is done in a thread.

    Even if this is cancelled, it has ended by then: nobody may use or close what it is at, and the
    lock of a log must not be released while something is being written to it.

    Raises:
        Exception: what `work` raised.
    """
    working = asyncio.ensure_future(asyncio.to_thread(work, *arguments))
    try:
        return await asyncio.shield(working)
    except asyncio.CancelledError:
        await asyncio.gather(working, return_exceptions=True)
        raise


async def ended(tasks: Iterable[asyncio.Task[Any]]) -> None:
    """Cancel tasks, and wait until they have ended."""
    tasks = list(tasks)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
