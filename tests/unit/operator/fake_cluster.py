"""An API server in memory, for tests: `Cluster`, `Watched` and `Reported`.

Besides what the operator asks, a test says what others do (`make`, `edit`, `remove`, `finish`),
what goes wrong (`fail`, `expire`, `end_watches`) and how long it takes (`latency_s`, `pause`), and
reads what has become of it.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from rynxs.engine.plan import manifest_id
from rynxs.operator.cluster import Bookmark, ClusterError, Listed, as_it_is
from rynxs.simulation.answering import Answering
from rynxs.simulation.answers import (
    MANAGER,
    is_at,
    told_of,
    told_whole,
)
from rynxs.simulation.objects import Objects

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping, Sequence

    from rynxs.operator.cluster import Place, Reduce, Told
    from rynxs.simulation.objects import Happened

WRITES = frozenset({"create", "apply", "delete", "replace", "patch_status"})


class Asked(NamedTuple):
    """A request of the operator's.

    Attributes:
        took_effect: whether it did, whatever was answered.
        at_s: when it came to an end, by the loop's clock.
    """

    verb: str
    id: str
    took_effect: bool
    at_s: float


class Pause:
    """A request that waits before it takes effect: once it has `entered`, until `resume`."""

    def __init__(self) -> None:
        self.entered = asyncio.Event()
        self.resume = asyncio.Event()


class _Failure(NamedTuple):
    verb: str
    id: str
    error: ClusterError
    persisted: bool

    def is_of(self, verb: str, identifier: str) -> bool:
        return self.verb == verb and self.id in ("", identifier)


class FakeCluster:
    """A cluster.

    Attributes:
        asked: the operator's requests, in the order in which they came to an end.
        latency_s: how long a request takes before it takes effect.
        running_max: how many requests were under way at once, at most.
    """

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.latency_s = 0.0
        self.running_max = 0
        self._running = 0
        self._objects = Objects(self._tell)
        self._server = Answering(self._objects)
        self._failures: list[_Failure] = []
        self._pauses: list[tuple[str, str, Pause]] = []
        self._oldest = 0
        self._watches = 0
        self._news = asyncio.Event()

    # What a test reads.

    @property
    def writes(self) -> list[Asked]:
        """The operator's requests that write and took effect."""
        return [each for each in self.asked if each.verb in WRITES and each.took_effect]

    @property
    def happened(self) -> list[Happened]:
        """All changes, whoever made them."""
        return self._objects.happened

    def ids(self) -> list[str]:
        """Return the ids of all objects, sorted."""
        return self._objects.ids()

    def show(self, identifier: str) -> dict[str, Any]:
        """Return a whole object as it is."""
        return self._objects.show(identifier)

    # What others do.

    def make(self, body: Mapping[str, Any], manager: str = "kubectl") -> str:
        """Make an object as somebody else; return its id."""
        assert self._objects.get(manifest_id(body)) is None, "it is there already"
        return self._objects.make(body, manager)

    def edit(
        self,
        identifier: str,
        change: Callable[[dict[str, Any]], object],
        manager: str = "kubectl",
        subresource: str = "",
    ) -> None:
        """Change an object as somebody else; `change` is given the whole object."""
        body = self.show(identifier)
        change(body)
        self._objects.replace(body, (manager, "Update", subresource))

    def remove(self, identifier: str) -> None:
        """Delete an object as somebody else, or begin to, if it has finalizers."""
        self._objects.delete(identifier)

    def finish(self, identifier: str) -> None:
        """Let an object go that was kept by its finalizers."""
        self._objects.remove(identifier)

    # What goes wrong.

    def fail(
        self,
        verb: str,
        error: ClusterError,
        *,
        identifier: str = "",
        persisted: bool = False,
        times: int = 1,
    ) -> None:
        """Fail requests.

        Args:
            verb: name of the method.
            error: what is raised.
            identifier: only of this object.
            persisted: whether it takes effect all the same.
            times: so often.
        """
        self._failures += [_Failure(verb, identifier, error, persisted)] * times

    def pause(self, verb: str, identifier: str = "") -> Pause:
        """Let the next such request wait before it takes effect."""
        pause = Pause()
        self._pauses.append((verb, identifier, pause))
        return pause

    def expire(self) -> None:
        """Forget all that has happened so far: who watches from before gets 410."""
        self._oldest = self._objects.version
        self.end_watches()

    def end_watches(self) -> None:
        """End all watches, as a server does now and then."""
        self._watches += 1
        self._tell()

    # What the operator asks: `Cluster`.

    async def create(self, body: Mapping[str, Any]) -> Mapping[str, Any]:
        async with self._request("create", manifest_id(body)):
            return self._server.create(MANAGER, body)

    async def apply(
        self, body: Mapping[str, Any], entries: Sequence[Mapping[str, Any]]
    ) -> Mapping[str, Any]:
        async with self._request("apply", manifest_id(body)):
            return self._server.apply(MANAGER, body, entries)

    async def delete(self, place: Place, uid: str, resource_version: str) -> None:
        async with self._request("delete", place.id):
            self._server.delete(MANAGER, place, uid, resource_version)

    async def get(self, place: Place) -> Mapping[str, Any]:
        async with self._request("get", place.id):
            return self._server.get(place)

    # `Reported`.

    async def get_object(self, place: Place) -> Mapping[str, Any]:
        async with self._request("get_object", place.id):
            return self._server.get_object(place)

    async def replace(self, body: Mapping[str, Any]) -> Mapping[str, Any]:
        async with self._request("replace", manifest_id(body)):
            return self._server.replace(MANAGER, body)

    async def patch_status(
        self, place: Place, status: Mapping[str, Any], resource_version: str
    ) -> Mapping[str, Any]:
        async with self._request("patch_status", place.id):
            return self._server.patch_status(place, status, resource_version)

    # `Watched`.

    async def list(self, kind: str, namespace: str, reduced: Reduce = as_it_is) -> Listed:
        return await self._list("list", kind, namespace, reduced)

    async def list_objects(self, kind: str, namespace: str, reduced: Reduce = as_it_is) -> Listed:
        return await self._list("list_objects", kind, namespace, reduced)

    def watch(self, kind: str, namespace: str, version: str) -> Told:
        return self._watch("watch", kind, namespace, version)

    def watch_objects(self, kind: str, namespace: str, version: str) -> Told:
        return self._watch("watch_objects", kind, namespace, version)

    async def _list(self, verb: str, kind: str, namespace: str, reduced: Reduce) -> Listed:
        async with self._request(verb, kind):
            found = self._server.list(kind, namespace, is_whole=verb == "list_objects")
            return Listed([reduced(each) for each in found.objects], found.version)

    async def _watch(self, verb: str, kind: str, namespace: str, version: str) -> Told:
        async with self._request(verb, kind):
            if int(version) < self._oldest:
                raise ClusterError(410, "Expired", f"too old resource version: {version}")
            watches = self._watches
        yield Bookmark(version)
        seen = int(version)
        while watches == self._watches:
            news = self._news
            for change in [each for each in self.happened if each.version > seen]:
                seen = change.version
                if is_at(change.id, kind, namespace):
                    told = told_of(change) if verb == "watch" else told_whole(change)
                    if told is not None:
                        yield told
            if news is self._news:
                await news.wait()

    # How it works.

    @asynccontextmanager
    async def _request(self, verb: str, identifier: str) -> AsyncIterator[None]:
        """Make a request, with all that goes wrong; the body of the context is its effect."""
        self._running += 1
        self.running_max = max(self.running_max, self._running)
        took_effect = False
        try:
            await asyncio.sleep(self.latency_s)
            await self._wait(verb, identifier)
            failure = next((each for each in self._failures if each.is_of(verb, identifier)), None)
            if failure is not None:
                self._failures.remove(failure)
                if not failure.persisted:
                    raise failure.error
            yield
            took_effect = True
            if failure is not None:
                raise failure.error
        finally:
            self._running -= 1
            at_s = asyncio.get_running_loop().time()
            self.asked.append(Asked(verb, identifier, took_effect, at_s))

    async def _wait(self, verb: str, identifier: str) -> None:
        for index, (of_verb, of_id, pause) in enumerate(self._pauses):
            if of_verb == verb and of_id in ("", identifier):
                del self._pauses[index]
                pause.entered.set()
                await pause.resume.wait()
                return

    def _tell(self) -> None:
        news, self._news = self._news, asyncio.Event()
        news.set()
