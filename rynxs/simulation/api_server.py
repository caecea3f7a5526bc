"""The Kubernetes API server, and a client of it for each process."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Any, TypeVar

from rynxs.engine.plan import manifest_id
from rynxs.operator.cluster import Bookmark, ClusterError, Listed, Seen, as_it_is
from rynxs.simulation.answering import Answering
from rynxs.simulation.answers import is_at, told_of, told_whole
from rynxs.simulation.network import Request, Unanswered
from rynxs.simulation.objects import Objects
from rynxs.simulation.world import SECOND

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from rynxs.operator.cluster import Place, Reduce, Told
    from rynxs.simulation.faults import Faults
    from rynxs.simulation.machine import OsProcess
    from rynxs.simulation.network import Network
    from rynxs.simulation.world import World

Answer = TypeVar("Answer")
SERVER = "api"
FIRST_VERSION = 100
_LIMIT_US = 30 * SECOND
_WATCH_US = 120 * SECOND
_BACK_MOST = 8


class ApiServer(Answering):
    """A server that fails now and then, and tells whoever watches."""

    def __init__(self, world: World, faults: Faults) -> None:
        """Hold nothing."""
        super().__init__(Objects(self._tell))
        self._world = world
        self._faults = faults
        self._chance = world.chance("api server")
        self._streams: list[_Stream] = []

    def carry_out(self, what: str, effect: Callable[[], Any]) -> Any:
        """Answer a request, with all that goes wrong."""
        if self._happens("server error", what):
            raise ClusterError(500, "InternalError", "something is wrong")
        if self._happens("too many requests", what):
            raise ClusterError(429, "TooManyRequests", "slow down", self._chance.randrange(1, 10))
        answer = effect()
        if self._happens("server error after the effect", what):
            raise ClusterError(504, "Timeout", "something took too long")
        return answer

    def watch(self, stream: _Stream, version: str) -> None:
        """Tell a stream what happens after a version."""
        seen = int(version)
        if seen > FIRST_VERSION and self._happens("watch expired", stream.what):
            raise ClusterError(410, "Expired", f"too old resource version: {version}")
        if self._happens("watch goes back", stream.what):  # to a server that lags behind
            seen = max(seen - self._chance.randrange(_BACK_MOST), FIRST_VERSION)
        stream.seen = seen
        self._streams.append(stream)
        self._tell()

    def _tell(self) -> None:
        self._streams = [each for each in self._streams if each.is_open]
        for stream in self._streams:
            for change in self.objects.happened[stream.seen - FIRST_VERSION :]:
                stream.seen = change.version
                if is_at(change.id, stream.kind, stream.namespace):
                    told = told_whole(change) if stream.is_whole else told_of(change)
                    if told is not None:
                        stream.tell(told)
                if not stream.is_open:
                    break

    def _happens(self, kind: str, what: str) -> bool:
        return self._faults.happens("api", kind, what)


class _Stream:
    """What one watch is told, in order, as far as the connection holds."""

    def __init__(
        self, kind: str, namespace: str, process: OsProcess, network: Network, faults: Faults
    ) -> None:
        self.kind = kind
        self.namespace = namespace
        self.is_whole = False
        self.is_open = True
        self.seen = 0
        self.what = f"{process.name} watch {kind}"
        self.queue: asyncio.Queue[Seen | Bookmark | None] = asyncio.Queue()
        self._process = process
        self._network = network
        self._faults = faults
        self._is_silent = False
        self._last_us = 0
        self._under_way: deque[Seen | None] = deque()

    def tell(self, told: Seen) -> None:
        if self._network.is_cut(self._process, SERVER):
            self._is_silent = True  # and what was lost is never made up for
        if self._is_silent or not self._process.is_alive:
            return
        if self._happens("watch silent"):
            self._is_silent = True
            return
        self._send(told)
        if self._happens("event twice"):
            self._send(told)
        if self._happens("watch ended"):
            self.end()

    def end(self) -> None:
        """Let the server end it, in order."""
        if self.is_open and not self._is_silent:
            self._send(None)
        self.is_open = False

    def _send(self, told: Seen | None) -> None:
        late_us = self._network.late_us() if self._happens("event late") else 0
        self._last_us = max(self._last_us, late_us + self._network.latency_us())
        self._under_way.append(told)
        self._process.after(self._last_us, self._arrive)

    def _arrive(self) -> None:
        """Let the next one arrive: a connection keeps the order also of what is due at once."""
        told = self._under_way.popleft()
        self._process.deliver(lambda: self.queue.put_nowait(told))

    def _happens(self, kind: str) -> bool:
        return self._faults.happens("api", kind, self.what)


class Client:
    """What a process takes for the cluster: `rynxs.operator.cluster.FullCluster`."""

    def __init__(
        self, server: ApiServer, network: Network, process: OsProcess, faults: Faults
    ) -> None:
        self._server = server
        self._network = network
        self._process = process
        self._faults = faults

    async def create(self, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """See `FullCluster.create`."""
        return await self._ask(
            f"create {manifest_id(body)}", lambda: self._server.create(self._process.name, body)
        )

    async def apply(
        self, body: Mapping[str, Any], entries: Sequence[Mapping[str, Any]]
    ) -> Mapping[str, Any]:
        """See `FullCluster.apply`."""
        return await self._ask(
            f"apply {manifest_id(body)}",
            lambda: self._server.apply(self._process.name, body, entries),
        )

    async def delete(self, place: Place, uid: str, resource_version: str) -> None:
        """See `FullCluster.delete`."""
        await self._ask(
            f"delete {place.id}",
            lambda: self._server.delete(self._process.name, place, uid, resource_version),
        )

    async def get(self, place: Place) -> Mapping[str, Any]:
        """See `FullCluster.get`."""
        return await self._ask(f"get {place.id}", lambda: self._server.get(place))

    async def get_object(self, place: Place) -> Mapping[str, Any]:
        """See `FullCluster.get_object`."""
        return await self._ask(f"get {place.id}", lambda: self._server.get_object(place))

    async def replace(self, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """See `FullCluster.replace`."""
        return await self._ask(
            f"replace {manifest_id(body)}", lambda: self._server.replace(self._process.name, body)
        )

    async def patch_status(
        self, place: Place, status: Mapping[str, Any], resource_version: str
    ) -> Mapping[str, Any]:
        """See `FullCluster.patch_status`."""
        return await self._ask(
            f"patch status of {place.id}",
            lambda: self._server.patch_status(place, status, resource_version),
        )

    async def list(self, kind: str, namespace: str, reduced: Reduce = as_it_is) -> Listed:
        """See `FullCluster.list`."""
        return await self._list(kind, namespace, reduced, is_whole=False)

    async def list_objects(self, kind: str, namespace: str, reduced: Reduce = as_it_is) -> Listed:
        """See `FullCluster.list_objects`."""
        return await self._list(kind, namespace, reduced, is_whole=True)

    def watch(self, kind: str, namespace: str, version: str) -> Told:
        """See `FullCluster.watch`."""
        return self._watch(kind, namespace, version, is_whole=False)

    def watch_objects(self, kind: str, namespace: str, version: str) -> Told:
        """See `FullCluster.watch_objects`."""
        return self._watch(kind, namespace, version, is_whole=True)

    async def _list(self, kind: str, namespace: str, reduced: Reduce, *, is_whole: bool) -> Listed:
        found = await self._ask(
            f"list {kind}", lambda: self._server.list(kind, namespace, is_whole=is_whole)
        )
        return Listed([reduced(each) for each in found.objects], found.version)

    async def _watch(self, kind: str, namespace: str, version: str, *, is_whole: bool) -> Told:
        stream = _Stream(kind, namespace, self._process, self._network, self._faults)
        stream.is_whole = is_whole
        loop = asyncio.get_running_loop()
        try:
            await self._ask(f"watch {kind}", lambda: self._server.watch(stream, version))
            ends_s = loop.time() + _WATCH_US / SECOND
            yield Bookmark(version)
            while True:
                # What has come is told before the server ends the watch.
                left_s = ends_s - loop.time()
                if left_s <= 0 and stream.queue.empty():
                    return
                try:
                    async with asyncio.timeout(max(left_s, 0)):
                        told = await stream.queue.get()
                except TimeoutError:
                    continue
                if told is None:
                    return
                yield told
        finally:
            stream.is_open = False

    async def _ask(self, what: str, effect: Callable[[], Answer]) -> Answer:
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()

        def settle(result: Answer, error: Exception | None) -> None:
            if future.done():
                return
            if error is None:
                future.set_result(result)
            else:
                future.set_exception(error)

        what = f"{self._process.name} {what}"
        request = Request(SERVER, what, lambda: self._server.carry_out(what, effect), _LIMIT_US)
        self._network.ask(
            self._process,
            request,
            lambda result, error: self._process.deliver(lambda: settle(result, error)),
        )
        try:
            return await future
        except Unanswered as error:
            raise ClusterError(0, "", str(error)) from None
