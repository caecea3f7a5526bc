"""What an API server in memory tells of its objects."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rynxs.operator.cluster import Seen, place_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rynxs.simulation.objects import Happened

MANAGER = "rynxs"


def is_managed(body: Mapping[str, Any]) -> bool:
    """Tell whether an object bears the label of what rynxs manages."""
    labels = body["metadata"].get("labels") or {}
    return bool(labels.get("app.kubernetes.io/managed-by") == MANAGER)


def told_of(change: Happened) -> Seen | None:
    """Return what a watch of what rynxs manages tells of a change, None for nothing.

    An object that loses its label is gone, for that watch.
    """
    if change.after is not None and is_managed(change.after):
        return Seen(is_gone=False, object=shown(change.after))
    if change.before is not None and is_managed(change.before):
        return Seen(is_gone=True, object=shown(_at(change.before, change.version)))
    return None


def told_whole(change: Happened) -> Seen:
    """Return what a watch of whole objects tells of a change."""
    if change.after is not None:
        return Seen(is_gone=False, object=change.after)
    assert change.before is not None
    return Seen(is_gone=True, object=_at(change.before, change.version))


def _at(body: Mapping[str, Any], version: int) -> Mapping[str, Any]:
    return {**body, "metadata": {**body["metadata"], "resourceVersion": str(version)}}


def shown(body: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what is read of an object that rynxs manages."""
    return {name: body[name] for name in ("metadata", "status") if name in body}


def is_at(identifier: str, kind: str, namespace: str) -> bool:
    """Tell whether an id is of a kind and in a namespace, in any if that is empty."""
    place = place_of(identifier)
    return place.kind == kind and namespace in ("", place.namespace)


def merged(old: Mapping[str, Any], patch: Mapping[str, Any]) -> dict[str, Any]:
    """Return a merge patch's result (RFC 7396)."""
    result = dict(old)
    for name, part in patch.items():
        if part is None:
            result.pop(name, None)
        elif isinstance(part, dict):
            before = result.get(name)
            result[name] = merged(before if isinstance(before, dict) else {}, part)
        else:
            result[name] = part
    return result
