"""A cluster that says what a test wants, and a listener that writes down what it hears."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rynxs.operator.cluster import Bookmark, ClusterError, Listed, as_it_is
from rynxs.operator.informer import Hears

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rynxs.operator.cluster import Reduce, Seen, Told
    from rynxs.operator.informer import Failure

    Says = Listed | ClusterError | Sequence["Seen | Bookmark | ClusterError"]


class Over(Exception):
    """The cluster has nothing more to say."""


class ScriptedCluster:
    """Says one thing after the other, and writes down what it was asked."""

    def __init__(self, says: Sequence[Says], story: list[str]) -> None:
        self._says = list(says)
        self._story = story
        self.closed = 0

    async def list(self, kind: str, namespace: str, reduced: Reduce = as_it_is) -> Listed:
        self._story.append("list")
        says = self._next()
        if isinstance(says, ClusterError):
            raise says
        assert isinstance(says, Listed)
        return Listed([reduced(each) for each in says.objects], says.version)

    async def list_objects(self, kind: str, namespace: str, reduced: Reduce = as_it_is) -> Listed:
        self._story.append("whole")
        return await self.list(kind, namespace, reduced)

    async def watch(self, kind: str, namespace: str, version: str) -> Told:
        self._story.append(f"watch {version}")
        says = self._next()
        if isinstance(says, ClusterError):
            raise says
        assert not isinstance(says, Listed)
        try:
            yield Bookmark(version)
            for each in says:
                if isinstance(each, ClusterError):
                    raise each
                yield each
        finally:
            self.closed += 1

    async def watch_objects(self, kind: str, namespace: str, version: str) -> Told:
        self._story.append("whole")
        async for each in self.watch(kind, namespace, version):
            yield each

    def _next(self) -> Says:
        if not self._says:
            raise Over
        return self._says.pop(0)


class Listener:
    """Writes down what it hears, and how long is slept."""

    def __init__(self, story: list[str]) -> None:
        self._story = story

    def hears(self) -> Hears:
        return Hears(self.listed, self.seen, self.failed)

    async def listed(self, found: Listed) -> None:
        names = (each["metadata"]["name"] for each in found.objects)
        self._story.append(" ".join(["listed", *names]))

    async def seen(self, told: Seen) -> None:
        name = told.object["metadata"]["name"]
        self._story.append(f"{'gone' if told.is_gone else 'seen'} {name}")

    async def failed(self, failure: Failure) -> None:
        self._story.append(f"failed {failure.error.status}, {failure.attempt}")

    async def sleep(self, duration_s: float) -> None:
        self._story.append(f"slept {duration_s:g}")
