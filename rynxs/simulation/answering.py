"""What an API server does when it is asked, as long as nothing goes wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rynxs.engine.plan import manifest_id
from rynxs.operator.cluster import ClusterError, Listed
from rynxs.simulation.answers import MANAGER, is_at, is_managed, merged, shown

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from rynxs.operator.cluster import Place
    from rynxs.simulation.objects import Held, Objects

    Watcher = Callable[[str, str, str, Mapping[str, Any]], None]


class Answering:
    """Answers requests; each method carries one out, or raises what is answered instead.

    Attributes:
        objects: what the server holds.
        watching: is told of each write before it takes effect: by whom, the verb, the id, and the
            body.
    """

    def __init__(self, objects: Objects) -> None:
        """Answer from some objects."""
        self.objects = objects
        self.watching: Watcher = lambda _who, _verb, _id, _body: None

    def create(self, who: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """Make an object."""
        identifier = manifest_id(body)
        if self.objects.get(identifier) is not None:
            raise ClusterError(409, "AlreadyExists", f"{identifier} already exists")
        self.watching(who, "create", identifier, body)
        self.objects.make(body, MANAGER)
        return self._metadata(identifier)

    def apply(
        self, who: str, body: Mapping[str, Any], entries: Sequence[Mapping[str, Any]]
    ) -> Mapping[str, Any]:
        """Apply over an object; if the body says as which it was read, it must be that still."""
        identifier, metadata = manifest_id(body), body["metadata"]
        found = self._found(identifier)
        if metadata.get("uid", found.uid) != found.uid:
            raise _conflict(identifier)
        if "resourceVersion" in metadata:
            if metadata["resourceVersion"] != str(found.version):
                raise _conflict(identifier)
            assert list(entries) == found.entries(), "not the entries that were read"
        self.watching(who, "apply", identifier, body)
        self.objects.apply(body, MANAGER)
        return self._metadata(identifier)

    def delete(self, who: str, place: Place, uid: str, resource_version: str) -> None:
        """Delete an object that was read."""
        found = self._found(place.id)
        if (uid, resource_version) != (found.uid, str(found.version)):
            raise _conflict(place.id)
        self.watching(who, "delete", place.id, {})
        self.objects.delete(place.id)

    def get(self, place: Place) -> Mapping[str, Any]:
        """Return what is read of a rendered object."""
        self._found(place.id)
        return shown(self.objects.seen(place.id))

    def get_object(self, place: Place) -> Mapping[str, Any]:
        """Return a whole object."""
        self._found(place.id)
        return self.objects.seen(place.id)

    def replace(self, who: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """Replace an object that was read."""
        identifier = manifest_id(body)
        if body["metadata"]["resourceVersion"] != str(self._found(identifier).version):
            raise _conflict(identifier)
        self.watching(who, "replace", identifier, body)
        self.objects.replace(body, (MANAGER, "Update", ""))
        return self._metadata(identifier)

    def patch_status(
        self, place: Place, status: Mapping[str, Any], resource_version: str
    ) -> Mapping[str, Any]:
        """Change the status of an object that was read."""
        if str(self._found(place.id).version) != resource_version:
            raise _conflict(place.id)
        found = self.objects.seen(place.id)
        body = {**found, "status": merged(found.get("status") or {}, status)}
        self.objects.replace(body, (MANAGER, "Update", "status"))
        return self._metadata(place.id)

    def list(self, kind: str, namespace: str, *, is_whole: bool) -> Listed:
        """Return all objects of a kind."""
        found = [self.objects.seen(each) for each in self.objects.ids()]
        found = [each for each in found if is_at(manifest_id(each), kind, namespace)]
        if not is_whole:
            found = [shown(each) for each in found if is_managed(each)]
        return Listed(list(found), str(self.objects.version))

    def _found(self, identifier: str) -> Held:
        found = self.objects.get(identifier)
        if found is None:
            raise ClusterError(404, "NotFound", f"{identifier} not found")
        return found

    def _metadata(self, identifier: str) -> Mapping[str, Any]:
        metadata: Mapping[str, Any] = self.objects.seen(identifier)["metadata"]
        return metadata


def _conflict(identifier: str) -> ClusterError:
    return ClusterError(409, "Conflict", f"{identifier} has been modified")
