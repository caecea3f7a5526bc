"""Which fields of an object others have taken from its applier, or added (``managedFields``).

An applier owns what it has applied until somebody else writes another value there; then that one
owns it. So what an applier asked for and no longer owns is what others have changed, and what they
own and it never asked for, they have added.

The form is FieldsV1 of KEP-555: ``f:NAME`` is a member, ``k:{...}`` an element of a list that is
found by keys, ``v:VALUE`` one of a set, ``i:INDEX`` one by its place, ``.`` the thing itself; what
is empty is owned as a whole.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    Fields = Mapping[str, Any]
    Matches = Callable[[str], bool]

_IDENTITY = {"apiVersion", "kind", "metadata.name", "metadata.namespace", "metadata.uid"}
_IDENTITY |= {"metadata.resourceVersion"}
_DEFAULTS = {"protocol": "TCP"}
"""Members of list keys that the API server fills in before it looks for an element."""
_WHOLE_MAPS = ("elector", "Ref", "dataSource", "preference", "IgnoredDuringExecution")
"""How the names of maps end that have one owner (``x-kubernetes-map-type: atomic``)."""
_WHOLE_ELEMENTS = ("ownerReferences[",)
"""How the elements of lists are called, in paths, that have one owner each, likewise."""
_OTHERS = [
    ("", "metadata"),
    ("", "spec.template.metadata.annotations.kubectl.kubernetes.io/restartedAt"),
    ("PersistentVolumeClaim", "spec.volumeName"),
    ("ServiceAccount", "imagePullSecrets"),
    ("ServiceAccount", "secrets"),
]
"""Kinds, empty for all, and what others write in them: controllers of Kubernetes and of clouds,
and whoever restarts a workload."""
_KEYED_LISTS = {"containers", "env", "ephemeralContainers", "finalizers", "hostAliases"}
_KEYED_LISTS |= {"initContainers", "ownerReferences", "ports", "resourceClaims", "schedulingGates"}
_KEYED_LISTS |= {"topologySpreadConstraints", "volumeDevices", "volumeMounts", "volumes"}
"""Lists whose elements have owners of their own (``x-kubernetes-list-type: map`` or ``set``)."""


def lost(
    manifest: Mapping[str, Any], entries: Sequence[Mapping[str, Any]], manager: str
) -> dict[str, list[str]]:
    """Return what a manager applied and no longer owns: paths, each with who owns it now, sorted.

    The API server drops what is empty or zero, so that nobody owns it. That is lost only once
    somebody else owns it, and it has another value.

    Args:
        manifest: what it applied.
        entries: the object's ``managedFields``.
        manager: the field manager, of server-side apply or of the request that made the object.
    """
    found = dict(_lost(manifest, _sets(entries, manager), ""))
    return {path: found[path] for path in sorted(found) if path not in _IDENTITY}


def added(
    manifest: Mapping[str, Any], entries: Sequence[Mapping[str, Any]], manager: str
) -> dict[str, list[str]]:
    """Return what others own and a manager neither asked for nor owns: paths, with who, sorted.

    A container is one path, not one for each of its members. Some fields are others' by their
    nature (`is_others`).

    Args:
        manifest: what the manager applied.
        entries: the object's ``managedFields``.
        manager: the field manager.
    """
    found: dict[str, set[str]] = {}
    for path, who in _added(manifest, _sets(entries, manager), "", str(manifest.get("kind"))):
        found.setdefault(path, set()).add(who)
    return {path: sorted(found[path]) for path in sorted(found)}


def is_others(kind: str, path: str) -> bool:
    """Tell whether a field is not an applier's to take away, because others have to write it.

    Of the metadata all but the owners is: one more owner keeps an object alive, and a second one
    that calls itself the controller keeps it from being set right.
    """
    return not path.startswith("metadata.ownerReferences") and any(
        path.startswith(own) and path[len(own) : len(own) + 1] in ("", ".", "[")
        for of, own in _OTHERS
        if of in ("", kind)
    )


def below(path: str, mark: str) -> str:
    """Return the path of a part that a field set names, such as ``spec.ports[{"port":80}]``."""
    form, _, text = mark.partition(":")
    if form != "f":
        return f"{path}[{text}]"
    return f"{path}.{text}" if path else text


def _sets(entries: Sequence[Mapping[str, Any]], manager: str) -> _Sets:
    own: list[Fields] = []
    made: list[Fields] = []
    others: list[tuple[str, Fields]] = []
    for entry in entries:
        who, part = str(entry.get("manager") or ""), entry.get("subresource") or ""
        fields = entry.get("fieldsV1") or {}
        if who == manager and not part:
            (own if entry.get("operation") == "Apply" else made).append(fields)
        elif part != "status":  # but `scale` counts: it writes spec.replicas
            others.append((who, fields))
    return _Sets(own, made, others)


class _Sets(NamedTuple):
    """Field sets at one place of an object: what the manager applied and made, and others'."""

    own: list[Fields]
    made: list[Fields]
    others: list[tuple[str, Fields]]

    def at(self, matches: Matches) -> _Sets:
        """Return the sets one level deeper, of the part whose marks match."""
        return _Sets(
            [inner for fields in self.own for mark, inner in fields.items() if matches(mark)],
            [inner for fields in self.made for mark, inner in fields.items() if matches(mark)],
            [
                (who, inner)
                for who, fields in self.others
                for mark, inner in fields.items()
                if matches(mark)
            ],
        )

    def takers(self) -> list[str]:
        """Return the others that own this place as a whole."""
        return sorted({who for who, fields in self.others if not fields})

    def filled(self, name: str, part: Any) -> _Sets:
        """Return the sets without those that own a map or list and nothing in it.

        Who makes an object, instead of applying it, owns its maps and lists, too. When all in one
        is lost, that looks as if it was owned as a whole.
        """
        inside = any(fields for _, fields in self.others) or _is_owned_by_parts(name, part)
        if not part or not isinstance(part, dict | list) or not inside:
            return self
        return self._replace(made=[fields for fields in self.made if fields])


def _lost(value: Any, sets: _Sets, path: str) -> Iterator[tuple[str, list[str]]]:
    """Yield what is lost below a value, which is not empty."""
    for where, part, matches in _parts(value, path):
        inner = sets.at(matches).filled(where.rpartition(".")[2], part)
        owned = [*inner.own, *inner.made]
        if any(not fields for fields in owned):
            continue  # owned as a whole
        takers = inner.takers()
        is_open = isinstance(part, dict) and isinstance(value, dict) and not takers
        if part and isinstance(part, dict | list) and (owned or is_open):
            yield from _lost(part, inner, where)
        elif part or takers:
            yield where, takers


def _added(value: Any, sets: _Sets, path: str, kind: str) -> Iterator[tuple[str, str]]:
    """Yield what others own below a value and its applier does not, and who."""
    parts = list(_parts(value, path))
    own = {mark for fields in (*sets.own, *sets.made) for mark in fields}
    for who, fields in sets.others:
        for mark, inner in fields.items():
            where = below(path, mark)
            is_known = mark == "." or mark in own or any(matches(mark) for *_, matches in parts)
            if not is_known and not all(is_others(kind, leaf) for leaf in _leaves(inner, where)):
                yield where, who
    for where, part, matches in parts:
        if isinstance(part, dict | list):
            yield from _added(part, sets.at(matches), where, kind)


def _leaves(fields: Fields, path: str) -> Iterator[str]:
    parts = [(mark, inner) for mark, inner in fields.items() if mark != "."]
    for mark, inner in parts:
        yield from _leaves(inner, below(path, mark))
    if not parts:
        yield path


def _parts(value: Any, path: str) -> Iterator[tuple[str, Any, Matches]]:
    """Yield the parts of a value: path, part, and what tells its marks in a field set."""
    if isinstance(value, dict):
        for name in sorted(value):
            yield f"{path}.{name}" if path else name, value[name], f"f:{name}".__eq__
    else:
        for index, part in enumerate(value):
            yield f"{path}[{index}]", part, _element(index, part)


def _element(index: int, element: Any) -> Matches:
    def matches(mark: str) -> bool:
        form, _, text = mark.partition(":")
        if form == "k" and isinstance(element, dict):
            keys = json.loads(text)
            return all(element.get(key, _DEFAULTS.get(key)) == part for key, part in keys.items())
        if form == "v":
            return _is_same(json.loads(text), element)
        return form == "i" and int(text) == index

    return matches


def _is_owned_by_parts(name: str, part: Any) -> bool:
    """Tell whether the parts of a map or list have owners of their own; else it has, as a whole.

    That stands in the schema, which is not at hand; an error costs one more apply, no more.
    """
    if isinstance(part, dict):
        return not (name.endswith(_WHOLE_MAPS) or name.startswith(_WHOLE_ELEMENTS))
    return name in _KEYED_LISTS


def _is_same(one: Any, other: Any) -> bool:
    """Tell whether two JSON values are equal; true is not 1."""
    return bool(one == other) and isinstance(one, bool) == isinstance(other, bool)
