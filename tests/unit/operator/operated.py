"""A replica of the operator on a cluster in memory, in virtual time.

What stands for kopf tells of objects as it does: what there is, and what changes, never what is
gone.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from rynxs.config import Config
from rynxs.engine.composition import Component, Composition
from rynxs.operator.cluster import Bookmark
from rynxs.operator.following import stored_kind
from rynxs.operator.process import Process, Surroundings, Wanted
from rynxs.plugins import PluginManager
from rynxs.settings import RawConfig
from rynxs.testing import MemorySink, MemoryStore
from rynxs.testing.memory import MemoryReader
from tests.unit.engine.conftest import ThingReducer, ThingRenderer
from tests.unit.operator.fake_cluster import FakeCluster
from tests.unit.operator.led import virtual_sources
from tests.unit.operator.rig import LABELS
from tests.unit.operator.virtual_time import now_s

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping, Sequence

    from rynxs.engine.contracts import View
    from rynxs.engine.resource import Resource
    from rynxs.eventlog.record import Record
    from rynxs.eventlog.sink import Sink
    from rynxs.sources import Sources

ORIGIN = "rynxs.local/log"
THING_ID = "example.org/v1/Thing/default/a"
CONFIG = "v1/ConfigMap/default/a"


class Labelled(ThingRenderer):
    """Renders what bears the label by which it is watched."""

    kinds = ("v1/ConfigMap",)

    def render(
        self, subject: str, current: Mapping[str, Any], view: View
    ) -> Sequence[dict[str, Any]]:
        made = super().render(subject, current, view)
        return [{**each, "metadata": {**each["metadata"], "labels": LABELS}} for each in made]


class Log(Config):
    """A configuration whose log is in memory, and may fail."""

    def __init__(self, **operator: Any) -> None:
        raw = {"operator": {"http": {"port": 0}, **operator}}
        super().__init__(RawConfig.model_validate(raw), PluginManager(), "here")
        self.store = MemoryStore()
        self.error: Exception | None = None
        self.linger_s = 0.05
        self.open = 0

    def composition(self) -> Composition:
        return Composition([Component(ThingReducer(), {})], [Component(Labelled(), {})])

    def open_writer(self, sources: Sources) -> Sink:
        self.open += 1
        return _Writer(self)

    def open_reader(self) -> Sink:
        return MemoryReader(self.store)


class _Writer(MemorySink):
    def __init__(self, log: Log) -> None:
        super().__init__(log.store)
        self.grouping = self.grouping._replace(linger_s=log.linger_s)
        self._log = log

    def append(self, start: int, records: Sequence[Record]) -> None:
        if self._log.error is not None:
            raise self._log.error
        super().append(start, records)

    def close(self) -> None:
        self._log.open -= 1
        super().close()
        if self._log.error is not None:
            raise self._log.error


class FakeFramework:
    """Stands for kopf; what it is given as the access is the cluster."""

    def __init__(
        self,
        followed: Sequence[Resource],
        namespaces: Sequence[str],
        access: FakeCluster,
        hears: Callable[..., Any],
        webhook: object,
        asked: object,
    ) -> None:
        self._followed = followed
        self._cluster = access
        self._hears = hears

    async def run(self) -> None:
        await asyncio.gather(*(self._follow(each) for each in self._followed))

    async def _follow(self, resource: Resource) -> None:
        kind = stored_kind(resource)
        listed = await self._cluster.list_objects(kind, "")
        for found in listed.objects:
            await self._hears(resource, found)
        async for told in self._cluster.watch_objects(kind, "", listed.version):
            if not isinstance(told, Bookmark) and not told.is_gone:
                await self._hears(resource, told.object)


class Operated:
    """A cluster, and the log of the replicas in it.

    Attributes:
        shown: what was shown instead of being done.
    """

    def __init__(self, **operator: Any) -> None:
        self.cluster = FakeCluster()
        self.log = Log(**operator)
        self.shown: list[str] = []

    @asynccontextmanager
    async def replica(
        self, name: str = "one", *, plan_only: bool = False, accept_loss: str = ""
    ) -> AsyncIterator[Replica]:
        """Run a replica; if it has not ended by then, it is killed."""
        wanted = Wanted(self.shown.append if plan_only else None, accept_loss, "default")
        process = Process(
            self.log,
            virtual_sources(name),
            self.cluster,
            self.cluster,
            wanted,
            now_s,
            Surroundings(framework=FakeFramework),
        )
        replica = Replica(process)
        try:
            yield replica
        finally:
            await replica.kill()

    def make(self, name: str = "a", **spec: Any) -> str:
        metadata = {"name": name, "namespace": "default", "generation": 1}
        body = {"apiVersion": "example.org/v1", "kind": "Thing", "metadata": metadata}
        return self.cluster.make({**body, "spec": {"size": 1, **spec}})


class Replica:
    """One that runs."""

    def __init__(self, process: Process) -> None:
        self.process = process
        self.stopping = asyncio.Event()
        self.task = asyncio.create_task(process.run(self.stopping))

    def checks(self) -> dict[str, str]:
        """Return what is wrong, by check; empty where all is well."""
        return {each.name: each.failure for each in self.process._readiness.checks()}

    def is_leading(self) -> bool:
        return "queue" in self.checks()

    async def stop(self) -> None:
        """Have it end in order, and wait for that; raise what it raised."""
        self.stopping.set()
        await self.task

    async def kill(self) -> None:
        self.task.cancel()
        await asyncio.wait([self.task])
