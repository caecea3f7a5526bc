"""Waiting for something only as long as nothing else goes wrong."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterable

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


async def ended(tasks: Iterable[asyncio.Task[Any]]) -> None:
    """Cancel tasks, and wait until they have ended."""
    tasks = list(tasks)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
