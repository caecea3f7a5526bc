"""The simulated API server keeps the order of what it tells, as a connection does."""

from __future__ import annotations

import asyncio

from rynxs.operator.cluster import Bookmark, Seen
from rynxs.simulation.api_server import ApiServer, Client
from rynxs.simulation.faults import Faults
from rynxs.simulation.machine import Machine, OsProcess
from rynxs.simulation.network import Network
from rynxs.simulation.things import CONFIG_MAP, config_maps
from rynxs.simulation.world import SECOND, World

COUNT = 200


def test_a_watch_tells_what_happened_in_order_also_if_it_arrives_at_once() -> None:
    world = World(0)
    faults = Faults(world)
    faults.is_on = False
    server = ApiServer(world, faults)
    process = OsProcess(world, Machine(world, "machine"), "process")
    client = Client(server, Network(world, faults), process, faults)
    heard: list[Seen | Bookmark] = []
    take = heard.append

    async def watch() -> None:
        async for told in client.watch(CONFIG_MAP, "", "100"):
            take(told)

    def make() -> None:
        for body in config_maps("a", {"size": COUNT}, []):
            server.objects.make(body, "rynxs")

    process.start(lambda: asyncio.wait_for(watch(), 60), lambda _: None)
    world.after(SECOND, make)
    world.run(5 * SECOND)
    process.kill()
    changes = [told.object["metadata"] for told in heard if not isinstance(told, Bookmark)]
    versions = [int(metadata["resourceVersion"]) for metadata in changes]
    assert versions == list(range(101, 101 + COUNT))
