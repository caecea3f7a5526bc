"""A bare client of a cluster: so many requests at a time, and nothing but requests."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from rynxs.operator.kinds import Kinds
from rynxs.operator.transport import APPLY_PATCH, MERGE_PATCH, Request, Transport
from tests.cluster.objects import place

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence

AGENT = "universe.ai/v1alpha1/Agent"
_STATUS = {
    "conditions": [
        {
            "lastTransitionTime": "2026-01-01T00:00:00Z",
            "message": "",
            "reason": "Valid",
            "status": "True",
            "type": "Accepted",
        }
    ],
    "observedGeneration": 1,
    "phase": "Active",
    "ready": False,
}


class BareClient:
    """Asks an API server with the operator's own connections, and as many at a time."""

    def __init__(self, transport: Transport, concurrency: int) -> None:
        self._transport = transport
        self._kinds = Kinds(transport)
        self._concurrency = concurrency

    async def create(self, objects: Sequence[Mapping[str, Any]]) -> None:
        """Make objects that are not there yet."""
        await self._all(self._create, objects)

    async def apply(self, manifests: Sequence[Mapping[str, Any]]) -> None:
        """Apply manifests (server-side apply), each in one request."""
        await self._all(self._apply, manifests)

    async def patch_statuses(self, objects: Sequence[Mapping[str, Any]]) -> None:
        """Patch the status of objects, each in one request."""
        await self._all(self._patch_status, objects)

    async def delete(self, objects: Sequence[Mapping[str, Any]]) -> None:
        """Delete objects."""
        await self._all(self._delete, objects)

    async def edit(self, objects: Sequence[Mapping[str, Any]], **spec: Any) -> None:
        """Replace members of the spec of each object."""

        async def patch(body: Mapping[str, Any]) -> None:
            path = await self._path(body)
            request = Request("PATCH", path, {}, {"spec": spec}, MERGE_PATCH)
            await self._transport.ask(request)

        await self._all(patch, objects)

    async def list(self, namespace: str, kind: str = AGENT) -> list[dict[str, Any]]:
        """Return all objects of a kind in a namespace."""
        served = await self._kinds.of(kind)
        answer = await self._transport.ask(Request("GET", served.collection(namespace)))
        found: list[dict[str, Any]] = answer["items"]
        return found

    async def _create(self, body: Mapping[str, Any]) -> None:
        where = place(body)
        served = await self._kinds.of(where.kind)
        await self._transport.ask(Request("POST", served.collection(where.namespace), {}, body))

    async def _apply(self, body: Mapping[str, Any]) -> None:
        query = {"fieldManager": "bare", "force": "true"}
        path = await self._path(body)
        await self._transport.ask(Request("PATCH", path, query, body, APPLY_PATCH))

    async def _patch_status(self, body: Mapping[str, Any]) -> None:
        path = f"{await self._path(body)}/status"
        query, patch = {"fieldManager": "bare"}, {"status": _STATUS}
        await self._transport.ask(Request("PATCH", path, query, patch, MERGE_PATCH))

    async def _delete(self, body: Mapping[str, Any]) -> None:
        await self._transport.ask(Request("DELETE", await self._path(body)))

    async def _path(self, body: Mapping[str, Any]) -> str:
        where = place(body)
        return (await self._kinds.of(where.kind)).object(where)

    async def _all(
        self,
        ask: Callable[[Mapping[str, Any]], Awaitable[None]],
        bodies: Iterable[Mapping[str, Any]],
    ) -> None:
        left = iter(bodies)

        async def work() -> None:
            for body in left:
                await ask(body)

        await asyncio.gather(*(work() for _ in range(self._concurrency)))
