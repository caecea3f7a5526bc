"""Replicas of the operator: the production process, with all that it meets made in this world."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from hashlib import sha256
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from rynxs.config import Config
from rynxs.operator.cluster import Bookmark, ClusterError
from rynxs.operator.following import stored_kind
from rynxs.operator.process import Process, Surroundings, Wanted
from rynxs.plugins import PluginManager
from rynxs.settings import RawConfig
from rynxs.simulation import things
from rynxs.simulation.api_server import Client
from rynxs.simulation.watched_sink import WatchedSink
from rynxs.sources import Sources

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
    from contextlib import AbstractContextManager
    from random import Random

    from rynxs.engine.composition import Composition
    from rynxs.engine.resource import Resource
    from rynxs.eventlog.note import SigningKey
    from rynxs.eventlog.sink import Sink
    from rynxs.simulation.api_server import ApiServer
    from rynxs.simulation.faults import Faults
    from rynxs.simulation.invariants import Invariants
    from rynxs.simulation.machine import OsProcess
    from rynxs.simulation.network import Network

ORIGIN = "simulation.rynxs/log"
_RELIST_S = 1.0
_OPERATOR = {
    "leaderElection": {"enabled": True},
    "checkpointEvery": "20s",
    "http": {"port": 0},
}
_SNAPSHOTS = {"every": 40}


class LogPlace(Protocol):
    """Where the log is.

    Attributes:
        machines: how many there are for replicas to run on.
        servers: those that its sink asks.
    """

    machines: int
    servers: Sequence[str]

    def around(self, process: OsProcess) -> AbstractContextManager[None]:
        """Return the context in which the sink of a process works."""

    def died(self, process: OsProcess) -> None:
        """Take in that a process has died."""

    def open_writer(self, process: OsProcess) -> Sink:
        """Open the log for appending."""

    def open_reader(self, process: OsProcess) -> Sink:
        """Open it for reading."""

    def lose_power(self, machine: str) -> None:
        """Take away the power of a machine, whose processes are dead by then."""

    def is_empty(self) -> bool:
        """Tell whether nothing is stored."""

    def rot(self) -> str:
        """Let a bit of what is stored flip; return what it was of."""


class Surrounding(NamedTuple):
    """What replicas have around them.

    Attributes:
        log: where the log is.
        server, network, faults: of the cluster.
        invariants: are told of all that counts.
    """

    log: LogPlace
    server: ApiServer
    network: Network
    faults: Faults
    invariants: Invariants


class Key:
    """A key for simulations: who knows the text can sign it, and a flipped bit is seen."""

    name = ORIGIN
    key_id = b"simu"
    vkey = "simulation"

    def sign(self, message: bytes) -> bytes:
        """Return the signature."""
        return sha256(self.key_id + message).digest()

    def verify(self, message: bytes, signature: bytes) -> bool:
        """Tell whether it is that."""
        return signature == self.sign(message)


class SimulatedConfig(Config):
    """A configuration whose log is in the simulated world."""

    def __init__(self, around: Surrounding, process: OsProcess) -> None:
        """Open nothing yet."""
        raw = {"origin": ORIGIN, "operator": _OPERATOR, "snapshots": _SNAPSHOTS}
        super().__init__(RawConfig.model_validate(raw), _PLUGINS, "simulation")
        self._around = around
        self._process = process

    def composition(self) -> Composition:
        """Return the composition of simulations."""
        return things.composition()

    def recorded_composition(self, recorded: Mapping[str, Any]) -> Composition:
        """Return the same: there is no other."""
        return things.composition()

    def open_writer(self, sources: Sources) -> Sink:
        """Open the log for appending."""
        sink = self._around.log.open_writer(self._process)
        return WatchedSink(sink, self._process, self._around.invariants, is_writer=True)

    def open_reader(self) -> Sink:
        """Open the log for reading."""
        sink = self._around.log.open_reader(self._process)
        return WatchedSink(sink, self._process, self._around.invariants, is_writer=False)

    def signers(self, sources: Sources) -> list[SigningKey]:
        """Return the key."""
        return [Key()]


_PLUGINS = PluginManager()


class Entropy:
    """Random bytes of one process."""

    def __init__(self, chance: Random) -> None:
        self._chance = chance

    def token(self, size: int) -> bytes:
        """Return the next ones."""
        return self._chance.randbytes(size)


class Framework:
    """Stands for kopf: tells of what there is and what changes, never of what is gone.

    It tells of it again, in older versions too, as one does that reads from a cache.
    """

    def __init__(
        self,
        followed: Sequence[Resource],
        namespaces: Sequence[str],
        access: tuple[Client, Faults, str],
        hears: Callable[[Resource, Any], Awaitable[None]],
        webhook: object,
        asked: object,
    ) -> None:
        """Tell nothing yet."""
        self._followed = followed
        self._cluster, self._faults, self._who = access
        self._hears = hears

    async def run(self) -> None:
        """Tell, until cancelled."""
        await asyncio.gather(*(self._follow(each) for each in self._followed))

    async def _follow(self, resource: Resource) -> None:
        while True:
            try:
                await self._follow_once(resource)
            except ClusterError:
                await asyncio.sleep(_RELIST_S)

    async def _follow_once(self, resource: Resource) -> None:
        kind = stored_kind(resource)
        listed = await self._cluster.list_objects(kind, "")
        told: dict[str, Mapping[str, Any]] = {}
        for found in listed.objects:
            await self._tell(resource, found, told)
        async for event in self._cluster.watch_objects(kind, "", listed.version):
            if not isinstance(event, Bookmark) and not event.is_gone:
                await self._tell(resource, event.object, told)

    async def _tell(
        self, resource: Resource, found: Mapping[str, Any], told: dict[str, Mapping[str, Any]]
    ) -> None:
        await self._hears(resource, found)
        name = found["metadata"]["name"]
        before, told[name] = told.get(name), found
        if before is not None and self._faults.happens("api", "event of before", self._who):
            await self._hears(resource, before)


@asynccontextmanager
async def _endpoint(host: str, port: int, *_: object) -> AsyncIterator[Any]:
    """Serve nothing: nobody asks."""
    yield _Listening(port)


class _Listening(NamedTuple):
    port: int


class Replica:
    """One that runs in a process."""

    def __init__(self, around: Surrounding, process: OsProcess, chance: Random) -> None:
        """Do nothing yet."""
        self._around = around
        self._process = process
        self._sources = Sources(process.machine, Entropy(chance), process.name)
        self._stopping: asyncio.Event | None = None

    async def run(self) -> None:
        """Work until it is asked to end; raise why, if it must end."""
        with self._around.log.around(self._process):
            await self._run()

    async def _run(self) -> None:
        around, process = self._around, self._process
        self._stopping = asyncio.Event()
        cluster = Client(around.server, around.network, process, around.faults)
        access = (cluster, around.faults, process.name)
        operator = Process(
            SimulatedConfig(around, process),
            self._sources,
            cluster,
            access,
            Wanted(None, "", things.NAMESPACE),
            process.machine.boot_s,
            Surroundings(_endpoint, Framework),
        )
        around.invariants.started(process, operator)
        await operator.run(self._stopping)

    def end(self) -> None:
        """Ask it to end in order."""
        if self._stopping is not None:
            self._process.deliver(self._stopping.set)
