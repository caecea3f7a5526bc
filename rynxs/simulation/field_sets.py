"""Objects as leaves by their paths in FieldsV1 (KEP-555), so that each leaf can have its owners.

What is merged and what is replaced as a whole is as in Kubernetes for the few members named here:
other maps are merged, other lists are replaced.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

Path = tuple[str, ...]
Leaves = dict[Path, Any]

_KEYS: Mapping[str, list[tuple[str, ...]]] = {
    "containers": [("name",)],
    "env": [("name",)],
    "ownerReferences": [("uid",)],
    "ports": [("containerPort", "protocol"), ("port", "protocol")],
    "volumeMounts": [("mountPath",)],
    "volumes": [("name",)],
}
_SETS = {"finalizers"}
_WHOLE = {"podSelector", "selector"}
_MAPS = {"annotations", "data", "labels"}
_DEFAULTS = {"protocol": "TCP"}
_OF_THE_SERVER = {
    "creationTimestamp",
    "deletionTimestamp",
    "managedFields",
    "name",
    "namespace",
    "resourceVersion",
    "uid",
}


def leaves_of(body: Mapping[str, Any]) -> Leaves:
    """Return the leaves of an object, save those that say which one it is.

    A map, or an element that is found by keys, is one, too: its path ends in ``.``.
    """
    rest = {name: part for name, part in body.items() if name not in ("apiVersion", "kind")}
    metadata = rest.pop("metadata")
    kept = {name: part for name, part in metadata.items() if name not in _OF_THE_SERVER}
    return dict(_leaves({"metadata": kept, **rest}, (), ""))


def object_of(leaves: Leaves) -> dict[str, Any]:
    """Return what leaves are of, in the order in which they came."""
    tree: dict[str, Any] = {}
    for path, leaf in leaves.items():
        at = tree
        for part in path[:-1]:
            at = at.setdefault(part, {})
        at[path[-1]] = [leaf]
    built: dict[str, Any] = _built(tree)
    return built


def fields_of(paths: Collection[Path]) -> dict[str, Any]:
    """Return paths as FieldsV1; of what is owned alone, and nothing in it, that is not said."""
    fields: dict[str, Any] = {}
    for path in sorted(paths):
        is_alone = path[-1] == "." and not any(
            other != path and other[: len(path) - 1] == path[:-1] for other in paths
        )
        at = fields
        for part in path[:-1] if is_alone else path:
            at = at.setdefault(part, {})
    return fields


def applied(leaves: Leaves) -> set[Path]:
    """Return the paths that who applies leaves comes to own: a map itself is not among them."""
    return {path for path in leaves if path[-1] != "." or not path[-2].startswith("f:")}


def is_dropped(path: Path, leaf: Any) -> bool:
    """Tell whether the API server drops a leaf: it is empty, and not a map or an element itself."""
    return leaf in ({}, [], None) and path[-1] != "."


def is_merged(path: Path, leaf: Any) -> bool:
    """Tell whether a leaf is an empty map that says nothing of its members."""
    return leaf == {} and path[-1].removeprefix("f:") not in _WHOLE


def _leaves(value: Any, path: Path, name: str) -> Iterator[tuple[Path, Any]]:
    if isinstance(value, dict) and value and name not in _WHOLE:
        if name in _MAPS:
            yield (*path, "."), None
        for member, part in value.items():
            yield from _leaves(part, (*path, f"f:{member}"), member)
    elif isinstance(value, list) and value and name in _KEYS:
        for element in value:
            at = (*path, _key(name, element))
            yield (*at, "."), None
            yield from _leaves(element, at, "")
    elif isinstance(value, list) and value and name in _SETS:
        for element in value:
            yield (*path, f"v:{json.dumps(element)}"), element
    else:
        yield path, value


def _key(name: str, element: Mapping[str, Any]) -> str:
    keys = next(keys for keys in _KEYS[name] if keys[0] in element)
    found = {key: element.get(key, _DEFAULTS.get(key)) for key in keys}
    return f"k:{json.dumps(found, separators=(',', ':'), sort_keys=True)}"


def _built(tree: Any) -> Any:
    if isinstance(tree, list):
        return tree[0]
    parts = {name: part for name, part in tree.items() if name != "."}
    if any(name.startswith(("k:", "v:")) for name in parts):
        return [_built(part) for part in parts.values()]
    return {name.removeprefix("f:"): _built(part) for name, part in parts.items()}
