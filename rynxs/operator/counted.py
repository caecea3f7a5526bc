"""A cluster whose writes are counted, by what came of them."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from rynxs.operator.cluster import CHANGED, ClusterError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from rynxs.operator.cluster import Cluster, Place


class CountedCluster:
    """Asks another cluster, as `rynxs.operator.cluster.Cluster`."""

    def __init__(self, cluster: Cluster, wrote: Callable[[str, str], None]) -> None:
        """Have counted nothing.

        Args:
            cluster: to ask.
            wrote: is told of each write: ``create``, ``update`` or ``delete``, and ``ok``,
                ``conflict`` or ``failed``.
        """
        self._cluster = cluster
        self._wrote = wrote

    async def create(self, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """Make an object that is not there yet; return its metadata. 409 if it is there."""
        with self._counted("create"):
            return await self._cluster.create(body)

    async def apply(
        self, body: Mapping[str, Any], entries: Sequence[Mapping[str, Any]]
    ) -> Mapping[str, Any]:
        """Apply over the object whose uid and resourceVersion `body` names."""
        with self._counted("update"):
            return await self._cluster.apply(body, entries)

    async def delete(self, place: Place, uid: str, resource_version: str) -> None:
        """Delete an object, with what it owns, if it is still that one."""
        with self._counted("delete"):
            await self._cluster.delete(place, uid, resource_version)

    async def get(self, place: Place) -> Mapping[str, Any]:
        """Return an object's metadata, and its status where that is watched."""
        return await self._cluster.get(place)

    @contextmanager
    def _counted(self, action: str) -> Iterator[None]:
        try:
            yield
        except ClusterError as error:
            self._wrote(action, "conflict" if error.status in CHANGED else "failed")
            raise
        self._wrote(action, "ok")
