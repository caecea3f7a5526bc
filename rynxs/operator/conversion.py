"""Turning what a manager has made into what it has applied (``metadata.managedFields``).

Server-side apply takes a field away when its manager no longer asks for it, but only of what that
manager has applied. What it has made by another request it also owns, and would keep for ever.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rynxs.operator.managed_fields import below, is_others

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence


def as_applied(
    entries: Sequence[Mapping[str, Any]], manager: str
) -> list[Mapping[str, Any]] | None:
    """Return managedFields in which all that a manager owns is applied; None if it is so already.

    Args:
        entries: as read.
        manager: whose entries become one, of the operation ``Apply``; the others stay as they are.
    """
    own = [each for each in entries if _is_own(each, manager)]
    if all(each.get("operation") == "Apply" for each in own):
        return None
    others = [each for each in entries if not _is_own(each, manager)]
    made = _as_one(own, manager)
    fields = [each.get("fieldsV1") or {} for each in others]
    return [{**made, "fieldsV1": _without_shells(made["fieldsV1"], fields)}, *others]


def as_taken(
    entries: Sequence[Mapping[str, Any]], manager: str, kind: str
) -> list[Mapping[str, Any]]:
    """Return managedFields in which a manager has applied all that anybody owns.

    What it no longer applies is then taken away, whoever has added it; a subresource is left alone,
    and so are the fields that are others' (`is_others`).
    """
    own = [each for each in entries if not each.get("subresource")]
    left: list[Mapping[str, Any]] = [each for each in entries if each.get("subresource")]
    taken = []
    for each in own:
        fields = each.get("fieldsV1") or {}
        if _is_own(each, manager):
            taken.append(each)
            continue
        kept = _where(fields, lambda path: is_others(kind, path), "")
        if kept:
            left.append({**each, "fieldsV1": kept})
        rest = _where(fields, lambda path: not is_others(kind, path), "")
        taken.append({**each, "fieldsV1": rest})
    return [_as_one(taken, manager), *left]


def _where(fields: Mapping[str, Any], is_wanted: Callable[[str], bool], path: str) -> Any:
    """Return the part of a field set whose leaves are at wanted paths."""
    found = {}
    for mark, inner in fields.items():
        where = path if mark == "." else below(path, mark)
        kept = _where(inner, is_wanted, where)
        if kept or (not inner and is_wanted(where)):
            found[mark] = kept
    return found


def _as_one(entries: Sequence[Mapping[str, Any]], manager: str) -> dict[str, Any]:
    fields: Any = {}
    for each in entries:
        fields = _union(fields, each.get("fieldsV1") or {})
    return {**entries[-1], "manager": manager, "operation": "Apply", "fieldsV1": fields}


def _without_shells(fields: Mapping[str, Any], others: Sequence[Mapping[str, Any]]) -> Any:
    """Return a field set without maps and lists of which others own all that is in them.

    Who has applied one would seem to own that, too, should the apply itself be refused.
    """
    found = {}
    for name, inner in fields.items():
        theirs = [each[name] for each in others if name in each]
        if inner or not any(theirs):
            found[name] = _without_shells(inner, theirs)
    return found


def _is_own(entry: Mapping[str, Any], manager: str) -> bool:
    return entry.get("manager") == manager and not entry.get("subresource")


def _union(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """Return the union of two field sets (FieldsV1), which are trees."""
    return {
        name: _union(one.get(name, {}), other.get(name, {}))
        for name in sorted(one.keys() | other.keys())
    }
