"""A real cluster, as `Cluster`, `Watched` and `Reported`: the requests, one a method.

Each write says what it found: an object that is not there, or the uid and resourceVersion that were
read. So whoever comes too late changes nothing.
"""

from __future__ import annotations

from contextlib import aclosing, contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from rynxs.operator.cluster import (
    NOT_FOUND,
    Bookmark,
    ClusterError,
    Listed,
    Place,
    Seen,
    as_it_is,
)
from rynxs.operator.conversion import as_applied, as_taken
from rynxs.operator.kinds import Kinds
from rynxs.operator.managed_fields import added
from rynxs.operator.reconciling import MANAGER
from rynxs.operator.refusal import error_of
from rynxs.operator.transport import APPLY_PATCH, JSON, MERGE_PATCH, Request, Transport

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from rynxs.operator.cluster import Reduce, Told

_MANAGED = {"labelSelector": f"app.kubernetes.io/managed-by={MANAGER}"}
_STRICT = {"fieldManager": MANAGER, "fieldValidation": "Strict"}
_METADATA = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
_METADATA_LIST = _METADATA.replace("Metadata;", "MetadataList;")
_PAGE = 500
_EXPIRED = 410
_INVALID = 422
_RESTARTS_MAX = 3
"""So often a list whose pages expired is begun again before that counts as a failure."""


class _View(NamedTuple):
    """Which objects of a kind are listed and watched, and how much of them.

    Attributes:
        query: what selects them.
        list, one: media types of the answers.
        shown: what of an object is handed on.
    """

    query: Mapping[str, str]
    list: str
    one: str
    shown: Reduce


def _with_status(found: Mapping[str, Any]) -> Mapping[str, Any]:
    return {name: found[name] for name in ("metadata", "status") if name in found}


_WHOLE = _View({}, JSON, JSON, as_it_is)
_MANAGED_STATUSES = _View(_MANAGED, JSON, JSON, _with_status)
_MANAGED_METADATA = _View(_MANAGED, _METADATA_LIST, _METADATA, _with_status)


class KubernetesCluster:
    """A cluster; every method may raise `ClusterError`."""

    def __init__(self, transport: Transport, statuses: Collection[str]) -> None:
        """Speak over a transport.

        Args:
            transport: to the API server.
            statuses: each ``apiVersion/Kind`` whose objects are read with their status.
        """
        self._transport = transport
        self._statuses = frozenset(statuses)
        self._kinds = Kinds(transport)

    async def close(self) -> None:
        """Close all connections."""
        await self._transport.close()

    async def create(self, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """Make an object that is not there yet; return its metadata. 409 if it is there."""
        place = _place(body)
        served = await self._kinds.of(place.kind)
        path = served.collection(place.namespace)
        return await self._written(Request("POST", path, _STRICT, body))

    async def apply(
        self, body: Mapping[str, Any], entries: Sequence[Mapping[str, Any]]
    ) -> Mapping[str, Any]:
        """Apply over the object whose uid and resourceVersion `body` names; return its metadata.

        With the resourceVersion alone the API server would make an object anew that is gone. What
        others have added is taken away.
        """
        place = _place(body)
        path = (await self._kinds.of(place.kind)).object(place)
        known = {name: body["metadata"][name] for name in ("uid", "resourceVersion")}
        is_added_to = bool(added(body, entries, MANAGER))
        owned = (
            as_taken(entries, MANAGER, body["kind"])
            if is_added_to
            else as_applied(entries, MANAGER)
        )
        if owned is not None:
            known = await self._own(path, known, owned)
        try:
            return await self._apply(path, body, known)
        except ClusterError as error:
            is_in_the_way = error.status == _INVALID and "Duplicate value" in str(error)
            if is_added_to or not is_in_the_way:
                raise
        # What others have changed can't be beside what is applied: a port of the same name.
        known = await self._own(path, known, as_taken(entries, MANAGER, body["kind"]))
        return await self._apply(path, body, known)

    async def _own(
        self, path: str, known: Mapping[str, str], entries: Sequence[Mapping[str, Any]]
    ) -> dict[str, str]:
        """Replace the managedFields of the object that is known; return how it is known now."""
        patch = {"metadata": {**known, "managedFields": entries}}
        found = await self._written(Request("PATCH", path, _STRICT, patch, MERGE_PATCH))
        return {name: found[name] for name in known}

    async def _apply(
        self, path: str, body: Mapping[str, Any], known: Mapping[str, str]
    ) -> Mapping[str, Any]:
        manifest = {**body, "metadata": {**body["metadata"], **known}}
        query = {**_STRICT, "force": "true"}
        return await self._written(Request("PATCH", path, query, manifest, APPLY_PATCH))

    async def delete(self, place: Place, uid: str, resource_version: str) -> None:
        """Delete an object, with what it owns, if it is still that one. 404 if it is not there."""
        served = await self._kinds.of(place.kind)
        options = {
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "preconditions": {"uid": uid, "resourceVersion": resource_version},
            "propagationPolicy": "Background",
        }
        await self._transport.ask(Request("DELETE", served.object(place), {}, options))

    async def get(self, place: Place) -> Mapping[str, Any]:
        """Return an object's metadata, and its status where that is watched."""
        path = (await self._kinds.of(place.kind)).object(place)
        view = self._managed(place.kind)
        return view.shown(await self._transport.ask(Request("GET", path, takes=view.one)))

    async def get_object(self, place: Place) -> Mapping[str, Any]:
        """Return a whole object. 404 if it is not there."""
        path = (await self._kinds.of(place.kind)).object(place)
        return await self._transport.ask(Request("GET", path))

    async def replace(self, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """Replace the object whose resourceVersion `body` names; return its metadata.

        409 if it has changed, or is another one by now.
        """
        assert body["metadata"]["resourceVersion"], "an object that was not read is not replaced"
        place = _place(body)
        path = (await self._kinds.of(place.kind)).object(place)
        return await self._written(Request("PUT", path, _STRICT, body))

    async def patch_status(
        self, place: Place, status: Mapping[str, Any], resource_version: str
    ) -> Mapping[str, Any]:
        """Replace members of an object's status; return its metadata. 409 if it has changed."""
        path = (await self._kinds.of(place.kind)).object(place)
        patch = {"metadata": {"resourceVersion": resource_version}, "status": status}
        query = {"fieldManager": MANAGER}
        return await self._written(Request("PATCH", f"{path}/status", query, patch, MERGE_PATCH))

    async def list(self, kind: str, namespace: str, reduced: Reduce = as_it_is) -> Listed:
        """Return all objects of a kind that rynxs manages; of all namespaces if it is empty."""
        view = self._managed(kind)
        return await self._list(kind, namespace, view, lambda found: reduced(view.shown(found)))

    async def list_objects(self, kind: str, namespace: str, reduced: Reduce = as_it_is) -> Listed:
        """Return all objects of a kind, whole, and whoever manages them."""
        return await self._list(kind, namespace, _WHOLE, reduced)

    def watch(self, kind: str, namespace: str, version: str) -> Told:
        """Yield what happens after `list`; 410 when it must be listed anew."""
        return self._watch(kind, namespace, self._managed(kind), version)

    def watch_objects(self, kind: str, namespace: str, version: str) -> Told:
        """Yield what happens after `list_objects`; 410 when it must be listed anew."""
        return self._watch(kind, namespace, _WHOLE, version)

    def _managed(self, kind: str) -> _View:
        return _MANAGED_STATUSES if kind in self._statuses else _MANAGED_METADATA

    async def _list(self, kind: str, namespace: str, view: _View, reduced: Reduce) -> Listed:
        for _ in range(_RESTARTS_MAX):
            try:
                return await self._list_once(kind, namespace, view, reduced)
            except ClusterError as error:
                if error.status != _EXPIRED:
                    raise
                expired = error
        raise expired

    async def _list_once(self, kind: str, namespace: str, view: _View, reduced: Reduce) -> Listed:
        objects: list[Mapping[str, Any]] = []
        query = {**view.query, "limit": str(_PAGE)}
        while True:
            path = (await self._kinds.of(kind)).collection(namespace)
            with self._noticing_that_it_is_not_served(kind):
                page = await self._transport.ask(Request("GET", path, query, takes=view.list))
            if not str(page.get("kind")).endswith("List"):
                raise ClusterError(0, "", f"GET {path}: the answer is no list")
            objects += map(reduced, page.get("items") or ())
            following = page["metadata"].get("continue")
            if not following:
                return Listed(objects, page["metadata"]["resourceVersion"])
            query = {**query, "continue": following}

    async def _watch(self, kind: str, namespace: str, view: _View, version: str) -> Told:
        path = (await self._kinds.of(kind)).collection(namespace)
        query = {**view.query, "resourceVersion": version, "allowWatchBookmarks": "true"}
        request = Request("GET", path, query, takes=view.one)
        with self._noticing_that_it_is_not_served(kind):
            async with aclosing(self._transport.follow(request)) as events:
                async for event in events:
                    yield _told(event, view) if event else Bookmark(version)

    @contextmanager
    def _noticing_that_it_is_not_served(self, kind: str) -> Iterator[None]:
        try:
            yield
        except ClusterError as error:
            if error.status == NOT_FOUND:
                self._kinds.forget(kind)
            raise

    async def _written(self, request: Request) -> Mapping[str, Any]:
        """Make a request that writes an object, and return its metadata."""
        answer = await self._transport.ask(request._replace(takes=_METADATA))
        metadata: Mapping[str, Any] = answer["metadata"]
        return metadata


def _told(event: Mapping[str, Any], view: _View) -> Seen | Bookmark:
    """Return what an event of a watch tells.

    Raises:
        ClusterError: it is an error; 410 comes in this way, too.
    """
    found = event["object"]
    if event["type"] == "ERROR":
        raise error_of(int(found.get("code") or 0), found, "", None)
    if event["type"] == "BOOKMARK":
        return Bookmark(found["metadata"]["resourceVersion"])
    return Seen(event["type"] == "DELETED", view.shown(found))


def _place(body: Mapping[str, Any]) -> Place:
    metadata = body["metadata"]
    kind = f"{body['apiVersion']}/{body['kind']}"
    return Place(kind, metadata.get("namespace") or "", metadata["name"])
