"""The operator's client, for a test."""

from __future__ import annotations

import asyncio
import time
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, TypeVar

import pytest

from rynxs.operator.access import find_access
from rynxs.operator.cluster import ClusterError
from rynxs.operator.kubernetes import KubernetesCluster
from rynxs.operator.transport import Transport

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection
    from pathlib import Path

    from rynxs.operator.cluster import Bookmark, Seen, Told

Result = TypeVar("Result")
LIMIT_S = 60.0


def ask(
    kubeconfig: Path,
    work: Callable[[KubernetesCluster], Awaitable[Result]],
    statuses: Collection[str] = (),
) -> Result:
    """Return what a piece of work comes to, done with a client of its own.

    Args:
        kubeconfig: of the cluster.
        work: what to do.
        statuses: each ``apiVersion/Kind`` whose objects are read with their status.

    Raises:
        TimeoutError: a minute passed.
    """

    async def main() -> Result:
        access = await find_access(str(kubeconfig), time.monotonic)
        client = KubernetesCluster(Transport(access, "rynxs-test"), statuses)
        try:
            async with asyncio.timeout(LIMIT_S):
                return await work(client)
        finally:
            await client.close()

    return asyncio.run(main())


async def status_of(asked: Awaitable[Any]) -> tuple[int, str]:
    """Return the status and the reason with which a request is refused, as it must be."""
    with pytest.raises(ClusterError) as refused:
        await asked
    return refused.value.status, refused.value.reason


async def first(told: Told, count: int) -> list[Seen | Bookmark]:
    """Return the first things that a watch tells."""
    heard: list[Seen | Bookmark] = []
    async with aclosing(told):
        async for each in told:
            heard.append(each)
            if len(heard) == count:
                break
    return heard
