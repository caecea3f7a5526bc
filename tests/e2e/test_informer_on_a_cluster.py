"""An informer on a real API server that restarts and has forgotten what happened."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from rynxs.operator.cluster import Place
from rynxs.operator.informer import Failure, Followed, Hears, Informer
from tests.cluster.client import ask, first, status_of
from tests.cluster.control_plane import control_plane
from tests.cluster.history import forget
from tests.cluster.objects import config_map

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rynxs.operator.cluster import Listed, Seen
    from rynxs.operator.kubernetes import KubernetesCluster
    from tests.cluster.control_plane import Cluster

CONFIG_MAP = "v1/ConfigMap"


@pytest.fixture
def own_cluster() -> Iterator[Cluster]:
    """A cluster to be killed."""
    with control_plane() as running:
        yield running


class Follower:
    """Keeps the uids of what an informer tells; after a failure it waits until it is let go."""

    def __init__(self, client: KubernetesCluster) -> None:
        self.uids: dict[str, str] = {}
        self.failures: list[int] = []
        self.go_on = asyncio.Event()
        self._changed = asyncio.Condition()
        followed = Followed(CONFIG_MAP, "default", is_whole=False)
        hears = Hears(self._listed, self._seen, self._failed)
        self.informer = Informer(client, followed, hears, self._sleep)

    async def until(self, enough: Callable[[], bool]) -> None:
        async with self._changed:
            await self._changed.wait_for(enough)

    async def _listed(self, found: Listed) -> None:
        async with self._changed:
            listed = [each["metadata"] for each in found.objects]
            self.uids = {each["name"]: each["uid"] for each in listed}
            self._changed.notify_all()

    async def _seen(self, told: Seen) -> None:
        async with self._changed:
            metadata = told.object["metadata"]
            self.uids[metadata["name"]] = metadata["uid"]
            if told.is_gone:
                del self.uids[metadata["name"]]
            self._changed.notify_all()

    async def _failed(self, failure: Failure) -> None:
        async with self._changed:
            self.failures.append(failure.error.status)
            self._changed.notify_all()

    async def _sleep(self, _: float) -> None:
        await self.go_on.wait()


def test_after_a_restart_history_is_lost_and_an_informer_misses_nothing(
    own_cluster: Cluster,
) -> None:
    """One is deleted, and one made anew, while it can't hear of it."""

    async def work(client: KubernetesCluster) -> None:
        made = {name: await client.create(config_map("default", name)) for name in "abc"}
        version = (await client.list(CONFIG_MAP, "default")).version
        follower = Follower(client)
        following = asyncio.create_task(follower.informer.run())
        await follower.until(lambda: len(follower.uids) == len(made))
        own_cluster.apiserver.kill()
        await follower.until(lambda: bool(follower.failures))
        own_cluster.apiserver.start()
        for name in "bc":
            found = (await client.get(Place(CONFIG_MAP, "default", name)))["metadata"]
            where = Place(CONFIG_MAP, "default", name)
            await client.delete(where, found["uid"], found["resourceVersion"])
        anew = await client.create(config_map("default", "c"))
        forget(own_cluster)
        own_cluster.apiserver.restart()
        lost = first(client.watch(CONFIG_MAP, "default", version), 2)
        assert await status_of(lost) == (410, "Expired")
        follower.go_on.set()
        await follower.until(lambda: follower.uids.get("c") == anew["uid"])
        assert follower.uids == {"a": made["a"]["uid"], "c": anew["uid"]}
        assert (follower.failures, follower.informer.is_synced) == ([0], True)
        following.cancel()
        await asyncio.wait([following])

    ask(own_cluster.apiserver.kubeconfig, work)
