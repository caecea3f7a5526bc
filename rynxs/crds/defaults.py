"""Defaults as a CRD states them: whole, and without null."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rynxs.crds.node import Node


def sayable(value: Any, node: Node) -> Any:
    """Return the default of a node, None if there is none, or none that a CRD can state.

    A default that can't be stated may be left out: the reducer applies those of its model in any
    case. That of an object is stated whole, although the API server would fill in the defaults of
    its fields: rules are checked on it as it stands in the CRD.

    Args:
        value: the default as the model has it, every field with its value.
        node: what is known of it so far; its fields have their own defaults.
    """
    if isinstance(value, dict):
        return _object(value, node) if node.values is None else _all(value, node.values)
    if isinstance(value, list):
        assert node.items is not None, "an array has items"
        items = _all(dict(enumerate(value)), node.items)
        return None if items is None else list(items.values())
    return value


def _object(value: dict[str, Any], node: Node) -> dict[str, Any] | None:
    """Return an object without its fields that are null, if they stay so."""
    members = {}
    for name, field in node.fields.items():
        member = sayable(value.get(name), field)
        if member is not None:
            members[name] = member
        elif value.get(name) is not None or field.default is not None:
            return None
    return members


def _all(values: dict[Any, Any], node: Node) -> dict[Any, Any] | None:
    """Return values, None if one of them is null or can't be stated."""
    stated = {key: sayable(value, node) for key, value in values.items()}
    return None if None in stated.values() else stated
