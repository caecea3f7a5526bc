"""What a CRD can say of a value: a tree of nodes, one for each field, item and member."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

INT_OR_STRING = "int-or-string"

Checks = Mapping[str, Any]
"""Value validations by their keyword in apiextensions.k8s.io/v1, such as ``maxLength``."""


@dataclass(frozen=True, kw_only=True)
class Node:
    """A value of a spec or a status.

    Attributes:
        type: OpenAPI's type, or ``int-or-string``.
        description: what the field means; of an item or a member, what its model is.
        about: what the model of an object is.
        default: what the API server fills in, None for nothing.
        nullable: whether null is a value of its own; elsewhere it is as good as absent.
        checks: what must hold.
        either: what must hold beside, one of them.
        fields: of an object with known fields, in the order of the model.
        required: names of the fields that must be there.
        items: of an array.
        values: of a map.
        names: what must hold of a map's keys. No CRD can say it; the reducer's model does.
        rules: CEL rules.
        marks: other extensions, such as ``x-kubernetes-list-type``.
    """

    type: str
    description: str = ""
    about: str = ""
    default: Any = None
    nullable: bool = False
    checks: Checks = field(default_factory=dict)
    either: Sequence[Checks] = ()
    fields: Mapping[str, Node] = field(default_factory=dict)
    required: Sequence[str] = ()
    items: Node | None = None
    values: Node | None = None
    names: Checks = field(default_factory=dict)
    rules: Sequence[Mapping[str, Any]] = ()
    marks: Mapping[str, Any] = field(default_factory=dict)
