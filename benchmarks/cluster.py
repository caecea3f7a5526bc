"""``python -m benchmarks.cluster [--quick]``: the operator on a cluster with fake nodes.

Prints each figure with its bound; where a bare client can do the same, it does, in the same run.
"""

from __future__ import annotations

import asyncio
import tempfile
from argparse import ArgumentParser
from contextlib import closing
from math import ceil
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any, NamedTuple

from rich.console import Console

from benchmarks import result
from benchmarks.bare_client import BareClient
from benchmarks.operated import Operated, await_so, manifests_of
from benchmarks.result import Row
from rynxs.fields import seconds_of
from rynxs.operator.access import find_access
from rynxs.operator.transport import Transport
from rynxs.settings import OperatorSettings
from tests.cluster.objects import agent
from tests.cluster.operated import establish_crds
from tests.cluster.replica import Replica, s3_environment
from tests.cluster.running import running_cluster
from tests.servers.minio import MinioServer

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tests.cluster.running import RunningCluster
    from tests.servers.endpoint import S3Endpoint

_SETTINGS = OperatorSettings()
_WIDTH_MIN = 140
_ELECTION = _SETTINGS.leader_election
_MARGIN_S = 2
_ORDERLY_MOST_S = 3
_BARE_MOST = 1.5
_MEMORY = "process_resident_memory_bytes"
_MEMORY_MOST_MIB = 300
_GROWTH_MOST = 1.1
"""What a quarter of the churn leaves behind, the other three may exceed by so much."""


class Sizes(NamedTuple):
    """How much is measured.

    Attributes:
        agents: created at once.
        many: agents in memory.
        churn_s: how long these change, and how many change at a time.
        failovers: of each sort.
    """

    agents: int
    many: int
    churn_s: float
    churned: int
    failovers: int


FULL = Sizes(agents=1_000, many=5_000, churn_s=300.0, churned=50, failovers=3)
QUICK = Sizes(agents=100, many=300, churn_s=10.0, churned=10, failovers=1)


def main() -> None:
    """Measure, print a table, and exit with status 1 if a bound is not kept."""
    parser = ArgumentParser(prog="python -m benchmarks.cluster", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small sizes")
    parser.add_argument("--only", choices=list(_MEASURES), help="one of the measurements")
    asked = parser.parse_args()
    sizes = QUICK if asked.quick else FULL
    measures = [asked.only] if asked.only else list(_MEASURES)
    console = Console(highlight=False)
    console.width = max(console.width, _WIDTH_MIN)
    with (
        running_cluster(nodes=4) as cluster,
        tempfile.TemporaryDirectory(prefix="rynxs-bench-") as directory,
    ):
        rows = asyncio.run(_measure(cluster, Path(directory), sizes, measures, console))
    console.print(result.table(rows))
    raise SystemExit(not all(row.met for row in rows))


async def _measure(
    cluster: RunningCluster,
    directory: Path,
    sizes: Sizes,
    measures: Sequence[str],
    console: Console,
) -> list[Row]:
    access = await find_access(str(cluster.apiserver.kubeconfig), asyncio.get_running_loop().time)
    transport = Transport(access, "bare")
    client = BareClient(transport, _SETTINGS.concurrency)
    operated = Operated(cluster, client, directory)
    establish_crds(cluster.kubectl)
    rows: list[Row] = []
    try:
        for name in measures:
            console.print(f"measuring: {name}")
            rows += await _MEASURES[name](operated, sizes)
    finally:
        await transport.close()
    return rows


async def _creating(operated: Operated, sizes: Sizes) -> list[Row]:
    """Measure how soon agents that are created at once are what they ask for, then a resync."""
    client, count = operated.client, sizes.agents
    namespace, other = operated.namespace("operated"), operated.namespace("bare")
    agents = [agent(namespace, f"a{number}") for number in range(count)]
    with operated.replica("creating", namespaces=[namespace]) as replica:
        replica.until_ready()
        since_s = perf_counter()
        await client.create(agents)
        await operated.until_applied(replica, namespace, count)
        ours_s = perf_counter() - since_s
        appends = replica.metric("rynxs_append_duration_seconds_count")
        await operated.at_rest(replica)
        replica.terminate()
    manifests = await manifests_of(client, namespace, other)
    since_s = perf_counter()
    await client.create([agent(other, f"a{number}") for number in range(count)])
    await client.apply(manifests)
    await client.patch_statuses([agent(other, f"a{number}") for number in range(count)])
    bare_s = perf_counter() - since_s
    resync = await operated.resync("creating", namespace)
    batches = 3 * ceil(count / _SETTINGS.batch)
    one = result.spread
    return [
        Row(
            f"{count} agents at once, {len(manifests)} objects: until all are applied",
            "s",
            one([ours_s]),
            one([bare_s]),
            result.at_most(_BARE_MOST),
        ),
        Row("appends meanwhile", "", one([appends]), None, result.up_to(batches, "")),
        Row("writes at a resync of them", "", one([resync.writes]), None, result.exactly(0)),
        Row("events at a resync of them", "", one([resync.events]), None, result.exactly(0)),
    ]


async def _failing_over(operated: Operated, sizes: Sizes) -> list[Row]:
    """Measure how long nothing is applied when a leader is killed, and when it is told to end."""
    namespace = operated.namespace("failing-over")
    killed: list[float] = []
    ended: list[float] = []
    with MinioServer() as minio, closing(minio.client()) as client:
        client.create_bucket(Bucket="rynxs")
        log = f"s3://rynxs/log?endpoint=http://{minio.endpoint}"
        for number in range(sizes.failovers):
            for seconds, stop in ((killed, Replica.kill), (ended, Replica.terminate)):
                case = f"{stop.__name__}-{number}"
                seconds.append(await _fail_over(operated, namespace, case, log, minio, stop))
    lease_s, retry_s = (
        seconds_of(text) for text in (_ELECTION.lease_duration, _ELECTION.retry_period)
    )
    return [
        Row(
            "leader killed: until the next one applies something new",
            "s",
            result.spread(killed),
            None,
            result.up_to(lease_s + retry_s + _MARGIN_S, "s"),
        ),
        Row(
            "leader told to end: until the next one applies something new",
            "s",
            result.spread(ended),
            None,
            result.up_to(_ORDERLY_MOST_S, "s"),
        ),
    ]


async def _fail_over(
    operated: Operated,
    namespace: str,
    case: str,
    log: str,
    server: S3Endpoint,
    stop: Callable[[Replica], object],
) -> float:
    """Return how many seconds after `stop` began an agent that was made then is applied."""
    settings = {"namespaces": [namespace], "leaderElection": {"enabled": True}}
    environment = s3_environment(server)
    first = operated.replica(f"{case}-first", log, environment, **settings)
    second = operated.replica(f"{case}-second", log, environment, **settings)
    with first:
        await asyncio.to_thread(first.until_leading)
        with second:
            await asyncio.to_thread(second.until_ready)
            return await _until_applied(operated, agent(namespace, case), first, stop)


async def _until_applied(
    operated: Operated, body: dict[str, Any], first: Replica, stop: Callable[[Replica], object]
) -> float:
    metadata = body["metadata"]
    since_s = perf_counter()
    stopping = asyncio.create_task(asyncio.to_thread(stop, first))
    await operated.client.create([body])
    await await_so(lambda: operated.is_rendered(metadata["namespace"], metadata["name"]))
    took_s = perf_counter() - since_s
    await stopping
    return took_s


async def _growing(operated: Operated, sizes: Sizes) -> list[Row]:
    """Measure the memory of an operator of many agents, and whether changes make it grow."""
    client, count = operated.client, sizes.many
    namespace = operated.namespace("many")
    agents = [agent(namespace, f"a{number}") for number in range(count)]
    with operated.replica("many", namespaces=[namespace]) as replica:
        replica.until_ready()
        await client.create(agents)
        await operated.until_applied(replica, namespace, count)
        await operated.at_rest(replica)
        held = replica.metric(_MEMORY) / 2**20
        until_s, turn, warm = perf_counter() + sizes.churn_s, 0, held
        while perf_counter() < until_s:
            first = turn * sizes.churned % (count - sizes.churned)
            part = agents[first : first + sizes.churned]
            await client.edit(part, team=f"team-{turn}")
            await client.delete(part[::5])
            await client.create(part[::5])
            if perf_counter() < until_s - sizes.churn_s * 0.75:
                warm = replica.metric(_MEMORY) / 2**20
            turn += 1
        await operated.at_rest(replica)
        after = replica.metric(_MEMORY) / 2**20
        replica.terminate()
    return [
        Row(
            f"memory at {count} agents",
            "MiB",
            result.spread([held]),
            None,
            result.up_to(_MEMORY_MOST_MIB, "MiB"),
        ),
        Row(
            f"memory after {turn * sizes.churned} edits in {sizes.churn_s:.0f} s",
            "MiB",
            result.spread([after]),
            result.spread([warm]),
            result.at_most(_GROWTH_MOST),
        ),
    ]


_MEASURES = {"creating": _creating, "failing-over": _failing_over, "growing": _growing}

if __name__ == "__main__":
    main()
