"""What the operator asks of a cluster; a client of Kubernetes implements it, and so do tests."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from rynxs.errors import RynxsError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Mapping, Sequence

    Reduce = Callable[[Mapping[str, Any]], Mapping[str, Any]]
    Told = AsyncGenerator["Seen | Bookmark", None]

FORBIDDEN = 403
NOT_FOUND = 404
CONFLICT = 409
CHANGED = frozenset({NOT_FOUND, CONFLICT})
"""What is answered to a write when the object is not, or no longer, as it was read."""
_VERSION = re.compile(r"v[0-9]+((alpha|beta)[0-9]+)?", re.ASCII)


class Place(NamedTuple):
    """Where an object is.

    Attributes:
        kind: ``apiVersion/Kind``.
        namespace: empty for a cluster-scoped object.
        name: of the object.
    """

    kind: str
    namespace: str
    name: str

    @property
    def id(self) -> str:
        """The manifest id of the object."""
        scope = f"{self.namespace}/" if self.namespace else ""
        return f"{self.kind}/{scope}{self.name}"


def beginning(kind: str, namespace: str) -> str:
    """Return how the ids of a kind's objects begin, in a namespace or, if it is empty, in all."""
    return f"{kind}/{namespace}/" if namespace else f"{kind}/"


def place_of(identifier: str) -> Place:
    """Return the place that a manifest id names; an apiVersion with a group holds a slash."""
    parts = identifier.split("/")
    size = 3 if _VERSION.fullmatch(parts[1]) else 2
    *scope, name = parts[size:]
    return Place("/".join(parts[:size]), scope[0] if scope else "", name)


class Listed(NamedTuple):
    """A complete list.

    Attributes:
        objects: each with its metadata, at least.
        version: to watch on from.
    """

    objects: list[Mapping[str, Any]]
    version: str


class Seen(NamedTuple):
    """What a watch tells.

    Attributes:
        is_gone: whether the object was deleted.
        object: as it is, or was last.
    """

    is_gone: bool
    object: Mapping[str, Any]


class Bookmark(NamedTuple):
    """A watch has told all that happened up to a version.

    Attributes:
        version: to watch on from, if the watch should end.
    """

    version: str


class ClusterError(RynxsError):
    """The cluster did not do what it was asked.

    Attributes:
        status: HTTP status; 0 if there was no answer.
        reason: the API server's word for it, such as ``Conflict``.
        retry_after_s: how long the API server asks to leave it alone, None if it does not say.
    """

    exit_code = 3

    def __init__(
        self, status: int, reason: str, message: str, retry_after_s: float | None = None
    ) -> None:
        super().__init__(f"{status} {reason}: {message}" if status else message)
        self.status = status
        self.reason = reason
        self.retry_after_s = retry_after_s


def as_it_is(found: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return an object with all that it has."""
    return found


class Cluster(Protocol):
    """What the applier asks. Every call may raise `ClusterError`."""

    async def create(self, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """Make an object that is not there yet; return its metadata. 409 if it is there."""

    async def apply(
        self, body: Mapping[str, Any], entries: Sequence[Mapping[str, Any]]
    ) -> Mapping[str, Any]:
        """Apply over the object whose uid and resourceVersion `body` names; return its metadata.

        What others own of the fields is taken from them. 409 if the object is another one by now.

        Args:
            body: the manifest.
            entries: the object's managedFields, as read. An object that was made with `create` is
                owned as if it had been edited; that is turned into what was applied, first.
        """

    async def delete(self, place: Place, uid: str, resource_version: str) -> None:
        """Delete an object, with what it owns, if it is still that one. 404 if it is not there."""

    async def get(self, place: Place) -> Mapping[str, Any]:
        """Return an object's metadata, and its status where that is watched."""


class Watched(Protocol):
    """What informers ask. Every call may raise `ClusterError`: 404 if the kind is not served."""

    async def list(self, kind: str, namespace: str, reduced: Reduce = as_it_is) -> Listed:
        """Return all objects of a kind that rynxs manages; of all namespaces if it is empty.

        Of each its metadata, and its status where that is watched.

        Args:
            kind: ``apiVersion/Kind``.
            namespace: empty for all.
            reduced: what to keep of an object; asked at once, so that no more than a page of whole
                ones is held.
        """

    async def list_objects(self, kind: str, namespace: str, reduced: Reduce = as_it_is) -> Listed:
        """Return all objects of a kind, likewise, but whole, and whoever manages them."""

    def watch(self, kind: str, namespace: str, version: str) -> Told:
        """Yield what happens after a list, with as much of each object.

        First a bookmark of `version`, when the watch is accepted. It ends after some minutes, to be
        watched on from the version that was told last; 410 when it must be listed anew.
        """

    def watch_objects(self, kind: str, namespace: str, version: str) -> Told:
        """Yield what happens after `list_objects`, likewise."""


class Reported(Protocol):
    """What is written for people, and for the other replicas. May raise `ClusterError`."""

    async def create(self, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """Make an Event or a Lease; return its metadata. 409 if it is there."""

    async def get_object(self, place: Place) -> Mapping[str, Any]:
        """Return a whole object. 404 if it is not there."""

    async def replace(self, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """Replace the object whose resourceVersion `body` names; return its metadata.

        409 if it has changed, or is another one by now.
        """

    async def patch_status(
        self, place: Place, status: Mapping[str, Any], resource_version: str
    ) -> Mapping[str, Any]:
        """Replace members of an object's status; return its metadata. 409 if it has changed.

        Args:
            place: of the object.
            status: what to merge (RFC 7396): None takes a member away, a list is replaced.
            resource_version: the object as it was read.
        """


class FullCluster(Cluster, Watched, Reported, Protocol):
    """All of it."""
