"""A cluster whose writes are counted, each once and by what came of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from rynxs.operator.cluster import ClusterError, place_of
from rynxs.operator.counted import CountedCluster
from tests.unit.operator.fake_cluster import FakeCluster
from tests.unit.operator.rig import CONFIG, config
from tests.unit.operator.virtual_time import run

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

Write = tuple[str, "Callable[[CountedCluster, FakeCluster], Awaitable[object]]"]


async def create(counted: CountedCluster, _: FakeCluster) -> None:
    await counted.create(config("b"))


async def apply(counted: CountedCluster, cluster: FakeCluster) -> None:
    metadata = cluster.show(CONFIG)["metadata"]
    known = {name: metadata[name] for name in ("uid", "resourceVersion")}
    body = config(size="2")
    body["metadata"] = {**body["metadata"], **known}
    await counted.apply(body, metadata["managedFields"])


async def delete(counted: CountedCluster, cluster: FakeCluster) -> None:
    metadata = cluster.show(CONFIG)["metadata"]
    await counted.delete(place_of(CONFIG), metadata["uid"], metadata["resourceVersion"])


WRITES: list[Write] = [("create", create), ("update", apply), ("delete", delete)]
VERBS = {"create": "create", "update": "apply", "delete": "delete"}


@pytest.mark.parametrize("write", WRITES, ids=lambda write: write[0])
@pytest.mark.parametrize(
    ("status", "result"),
    [(None, "ok"), (404, "conflict"), (409, "conflict"), (403, "failed"), (0, "failed")],
)
def test_a_write_is_counted_by_what_came_of_it(
    write: Write, status: int | None, result: str
) -> None:
    async def main() -> None:
        cluster, counts = FakeCluster(), list[tuple[str, str]]()
        cluster.make(config(), manager="rynxs")
        counted = CountedCluster(cluster, lambda *count: counts.append(count))
        action, ask = write
        if status is None:
            await ask(counted, cluster)
        else:
            cluster.fail(VERBS[action], ClusterError(status, "", "no"))
            with pytest.raises(ClusterError, match="no"):
                await ask(counted, cluster)
        assert counts == [(action, result)]

    run(main())


def test_what_is_only_read_is_not_counted() -> None:
    async def main() -> None:
        cluster, counts = FakeCluster(), list[tuple[str, str]]()
        cluster.make(config())
        counted = CountedCluster(cluster, lambda *count: counts.append(count))
        found = await counted.get(place_of(CONFIG))
        assert found["metadata"]["name"] == "a"
        with pytest.raises(ClusterError):
            await counted.get(place_of("v1/ConfigMap/default/none"))
        assert counts == []

    run(main())
