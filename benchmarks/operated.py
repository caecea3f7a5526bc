"""A cluster with our kinds, and operators on it, for measurements."""

from __future__ import annotations

import asyncio
from time import perf_counter
from typing import TYPE_CHECKING, Any, NamedTuple

from tests.cluster.operated import is_applied
from tests.cluster.replica import Replica

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from pathlib import Path

    from benchmarks.bare_client import BareClient
    from tests.cluster.running import RunningCluster

_POLL_S = 0.25
_LIMIT_S = 1_200.0
_REST_S = 8.0
"""More than anything waits in the operator's inbox."""
_KINDS = (
    "v1/ConfigMap",
    "v1/ServiceAccount",
    "v1/Service",
    "apps/v1/Deployment",
    "networking.k8s.io/v1/NetworkPolicy",
)
_WRITES = frozenset({"create", "update", "patch", "delete"})


class Resync(NamedTuple):
    """What an operator does that starts and finds everything as it should be."""

    events: float
    writes: float


async def await_so(is_so: Callable[[], Awaitable[bool]]) -> None:
    """Wait until something is so.

    Raises:
        TimeoutError: Twenty minutes passed.
    """
    until_s = perf_counter() + _LIMIT_S
    while not await is_so():
        if perf_counter() > until_s:
            raise TimeoutError(f"not so in {_LIMIT_S} s")
        await asyncio.sleep(_POLL_S)


async def manifests_of(client: BareClient, namespace: str, other: str) -> list[dict[str, Any]]:
    """Return what there is of rendered objects in a namespace, as manifests for another one."""
    return [
        _manifest(kind, found, other)
        for kind in _KINDS
        for found in await client.list(namespace, kind)
        if found["metadata"].get("labels", {}).get("app.kubernetes.io/managed-by") == "rynxs"
    ]


class Operated:
    """The cluster.

    Attributes:
        cluster: itself.
        client: a bare client of it.
    """

    def __init__(self, cluster: RunningCluster, client: BareClient, directory: Path) -> None:
        """Take a cluster that has our kinds; logs are kept in `directory`."""
        self.cluster = cluster
        self.client = client
        self._directory = directory

    def namespace(self, name: str) -> str:
        """Make a namespace, and return its name."""
        self._run("create", "namespace", name)
        return name

    def replica(
        self,
        name: str,
        log: str = "",
        environment: Mapping[str, str] | None = None,
        **settings: Any,
    ) -> Replica:
        """Return a replica, not started; its log is a file of its own unless one is given."""
        return Replica(
            self._directory / name,
            self.cluster.apiserver.kubeconfig,
            log or f"file:{self._directory / f'{name}.log'}",
            environment=environment,
            **settings,
        )

    async def until_applied(self, replica: Replica, namespace: str, count: int) -> None:
        """Wait until so many agents say that what they ask for is there.

        To ask the API server all the time would keep it from working, so the operator is asked
        first, whether it has recorded so many.
        """

        async def are_recorded() -> bool:
            return replica.metric('rynxs_events_total{kind="Applied"}') >= count

        async def are_applied() -> bool:
            return sum(map(is_applied, await self.client.list(namespace))) >= count

        await await_so(are_recorded)
        await await_so(are_applied)

    async def is_rendered(self, namespace: str, name: str) -> bool:
        """Tell whether the first object of an agent is there."""
        found = await self.client.list(namespace, "v1/ConfigMap")
        return any(each["metadata"]["name"] == f"agent-{name}" for each in found)

    async def at_rest(self, replica: Replica) -> None:
        """Wait until nothing more is recorded."""
        seen, since_s = -1.0, perf_counter()
        while perf_counter() < since_s + _REST_S:
            now = replica.metric("rynxs_log_records")
            if now != seen:
                seen, since_s = now, perf_counter()
            await asyncio.sleep(_POLL_S)

    async def resync(self, name: str, namespace: str) -> Resync:
        """Start an operator again on a log and objects that are as they should be."""
        count = len(await self.client.list(namespace))
        with self.replica(name, namespaces=[namespace]) as replica:
            replica.until("it knows all", lambda: f"objects: {count} known" in replica.ready())
            before = replica.metric("rynxs_log_records")
            await self.at_rest(replica)
            events = replica.metric("rynxs_log_records") - before
            agent = f"({replica.said('leading')[-1]['identity']})"
            replica.terminate()
        writes = [
            each
            for each in self.cluster.audit.events()
            if each.agent.endswith(agent) and each.verb in _WRITES
        ]
        return Resync(events, len(writes))

    def _run(self, *arguments: object) -> None:
        done = self.cluster.kubectl.run(*arguments)
        assert done.status == 0, done.err


def _manifest(kind: str, found: Mapping[str, Any], namespace: str) -> dict[str, Any]:
    """Return an object as it was asked for, or near enough."""
    metadata = found["metadata"]
    kept = {name: metadata[name] for name in ("name", "labels", "annotations") if name in metadata}
    version, _, name = kind.rpartition("/")
    body = {each: part for each, part in found.items() if each not in {"status", "metadata"}}
    if name == "Service":
        body["spec"] = {each: found["spec"][each] for each in ("ports", "selector")}
    metadata = {**kept, "namespace": namespace}
    return {**body, "apiVersion": version, "kind": name, "metadata": metadata}
