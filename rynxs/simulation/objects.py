"""What an API server in memory holds: objects, who owns which of their fields, and what happened.

Each change has a resourceVersion that is higher than any before, whatever it is of.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from rynxs.engine.plan import manifest_id
from rynxs.operator.cluster import place_of
from rynxs.simulation.field_sets import (
    Leaves,
    Path,
    applied,
    fields_of,
    is_dropped,
    is_merged,
    leaves_of,
    object_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from rynxs.operator.cluster import Place

Owner = tuple[str, str, str]
"""Field manager, operation and subresource."""


class Happened(NamedTuple):
    """A change: an object before and after it, None where there is none."""

    version: int
    id: str
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None


@dataclass
class Held:
    """One object.

    Attributes:
        head: its apiVersion and kind.
        leaves: its fields.
        owners: the paths of those that each owner set last.
        uid, version, deleted_at: of its metadata.
        shown: the whole object as it is, once somebody has asked for it.
    """

    head: dict[str, Any]
    leaves: Leaves
    owners: dict[Owner, set[Path]]
    uid: str
    version: int = 0
    deleted_at: str | None = None
    shown: Mapping[str, Any] | None = None

    def entries(self) -> list[Mapping[str, Any]]:
        """Return its managedFields."""
        return [
            {
                "manager": manager,
                "operation": operation,
                "apiVersion": self.head["apiVersion"],
                "fieldsType": "FieldsV1",
                "fieldsV1": fields_of(paths),
                **({"subresource": subresource} if subresource else {}),
            }
            for (manager, operation, subresource), paths in self.owners.items()
            if paths
        ]

    def disown(self, path: Path) -> None:
        """Let nobody own a field."""
        for paths in self.owners.values():
            paths.discard(path)


class Objects:
    """All objects by manifest id.

    Attributes:
        version: the resourceVersion of the last change.
        happened: all changes.
    """

    def __init__(self, told: Callable[[], None]) -> None:
        """Hold nothing; `told` is called after each change."""
        self.version = 100
        self.happened: list[Happened] = []
        self._told = told
        self._held: dict[str, Held] = {}
        self._uids = 0

    def ids(self) -> list[str]:
        """Return the ids of all objects, sorted."""
        return sorted(self._held)

    def get(self, identifier: str) -> Held | None:
        """Return an object, None if there is none."""
        return self._held.get(identifier)

    def show(self, identifier: str) -> dict[str, Any]:
        """Return a whole object as it is, to be changed by whoever asks."""
        return copy.deepcopy(dict(self.seen(identifier)))

    def seen(self, identifier: str) -> Mapping[str, Any]:
        """Return a whole object as it is, to be read only."""
        found = self._held[identifier]
        if found.shown is None:
            found.shown = _shown(found, place_of(identifier))
        return found.shown

    def make(self, body: Mapping[str, Any], manager: str) -> str:
        """Make an object, and return its id."""
        identifier, leaves = manifest_id(body), _kept(leaves_of(body))
        self._uids += 1
        head = {name: body[name] for name in ("apiVersion", "kind")}
        owners = {(manager, "Update", ""): set(leaves)}
        self._held[identifier] = Held(head, leaves, owners, f"uid-{self._uids}")
        self._changed(identifier, None)
        return identifier

    def apply(self, body: Mapping[str, Any], manager: str) -> None:
        """Apply over an object, with force; what it made by a request counts as applied.

        What others have added, outside of the metadata, is taken away.
        """
        identifier, asked = manifest_id(body), leaves_of(body)
        found, before = self._held[identifier], self.seen(identifier)
        own = found.owners.pop((manager, "Update", ""), set())
        own |= found.owners.get((manager, "Apply", ""), set())
        others = [paths for (*_, subresource), paths in found.owners.items() if not subresource]
        own |= {path for paths in others for path in paths if path[0] != "f:metadata"}
        for paths in others:
            paths.difference_update(own - set(asked))
        for path, leaf in asked.items():
            is_there = path in found.leaves
            if is_merged(path, leaf) or (is_there and found.leaves[path] == leaf):
                continue
            found.disown(path)
            if is_dropped(path, leaf):
                found.leaves.pop(path, None)
            else:
                found.leaves[path] = copy.deepcopy(leaf)
        found.owners[manager, "Apply", ""] = applied(asked)
        for path in own - set(asked):
            if not any(path in paths for paths in found.owners.values()):
                found.leaves.pop(path, None)
        self._changed(identifier, before)

    def replace(self, body: Mapping[str, Any], owner: Owner) -> None:
        """Replace an object: `owner` comes to own what is not as it was."""
        identifier, leaves = manifest_id(body), _kept(leaves_of(body))
        found, before = self._held[identifier], self.seen(identifier)
        for path in [each for each in found.leaves if each not in leaves]:
            found.disown(path)
        for path, leaf in leaves.items():
            if path not in found.leaves or found.leaves[path] != leaf:
                found.disown(path)
                found.owners.setdefault(owner, set()).add(path)
        found.leaves = leaves
        self._changed(identifier, before)

    def delete(self, identifier: str) -> None:
        """Delete an object, or begin to, if it has finalizers."""
        found, before = self._held[identifier], self.seen(identifier)
        if any("f:finalizers" in path for path in found.leaves):
            found.deleted_at = "2026-01-01T00:00:00Z"
            self._changed(identifier, before)
        else:
            self.remove(identifier)

    def remove(self, identifier: str) -> None:
        """Let an object go, whatever its finalizers."""
        before = self.seen(identifier)
        del self._held[identifier]
        self._changed(identifier, before)

    def _changed(self, identifier: str, before: Mapping[str, Any] | None) -> None:
        found = self._held.get(identifier)
        if found is not None:
            found.shown = None
            if self.seen(identifier) == before:
                return  # a write that changes nothing leaves no trace
            found.shown = None
        self.version += 1
        if found is not None:
            found.version = self.version
        after = None if found is None else self.seen(identifier)
        self.happened.append(Happened(self.version, identifier, before, after))
        self._told()


def _kept(leaves: Leaves) -> Leaves:
    return {p: copy.deepcopy(leaf) for p, leaf in leaves.items() if not is_dropped(p, leaf)}


def _shown(found: Held, place: Place) -> dict[str, Any]:
    body = object_of(found.leaves)
    metadata = {
        **body.pop("metadata", {}),
        "name": place.name,
        "resourceVersion": str(found.version),
        "uid": found.uid,
        "managedFields": found.entries(),
    }
    if place.namespace:
        metadata["namespace"] = place.namespace
    if found.deleted_at:
        metadata["deletionTimestamp"] = found.deleted_at
    return {**found.head, "metadata": metadata, **body}
