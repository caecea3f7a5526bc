"""What a CRD can demand of a value: the keywords of JSON Schema that it knows, and their forms."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rynxs.crds.node import INT_OR_STRING
from rynxs.crds.patterns import check_re2

if TYPE_CHECKING:
    from collections.abc import Mapping

RULES = "x-kubernetes-validations"
MARKS = frozenset({f"x-kubernetes-{each}" for each in ("list-type", "list-map-keys", "map-type")})
COMMON = MARKS | {RULES, "default", "description", "type"}
SUMMARY = "$summary"
"""Ours: what the model of an object says of itself."""

_LENGTHS = frozenset({"minLength", "maxLength"})
_BOUNDS = frozenset({"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"})
CHECKS = {
    "array": frozenset({"minItems", "maxItems"}),
    "boolean": frozenset({"enum"}),
    "integer": _BOUNDS | {"enum"},
    "number": _BOUNDS | {"enum"},
    "object": frozenset({"minProperties", "maxProperties"}),
    "string": _LENGTHS | {"enum", "format", "pattern"},
    INT_OR_STRING: _LENGTHS | _BOUNDS | {"pattern"},
}
"""The keywords that demand something of a value, by its type."""

_SHAPES = {
    "array": frozenset({"items"}),
    "object": frozenset(
        {"additionalProperties", "patternProperties", "properties", "propertyNames", "required"}
    ),
}
_FOR_PEOPLE = frozenset({"deprecated", "examples", "readOnly", "title", "writeOnly"})
# Formats that mean the same to pydantic and to the API server; others are the reducer's affair.
_FORMATS = frozenset({"date", "date-time", "ipv4", "ipv6", "uuid"})


def checks_of(kind: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a JSON Schema demands of a value of a type, in the keywords of v1.

    Raises:
        ValueError: it demands something that a CRD can't.
    """
    found = dict(schema)
    if "const" in found:
        found["enum"] = [found.pop("const")]
    known = CHECKS[kind] | _SHAPES.get(kind, frozenset()) | COMMON | _FOR_PEOPLE | {SUMMARY}
    unknown = ", ".join(sorted(found.keys() - known))
    if unknown:
        raise ValueError(f"{unknown} can't be said of a value of type {kind} in a CRD")
    checks = {key: found[key] for key in sorted(CHECKS[kind] & found.keys())}
    if "format" in checks and checks["format"] not in _FORMATS:
        del checks["format"]
    if "pattern" in checks:
        try:
            check_re2(checks["pattern"])
        except ValueError as error:
            raise ValueError(f"pattern {checks['pattern']}: {error}") from None
    return _with_exclusive_bounds(checks)


def _with_exclusive_bounds(checks: dict[str, Any]) -> dict[str, Any]:
    """Return checks with exclusive bounds as v1 has them: a limit, and whether it is excluded."""
    for exclusive, inclusive, narrower in (
        ("exclusiveMinimum", "minimum", max),
        ("exclusiveMaximum", "maximum", min),
    ):
        limit = checks.pop(exclusive, None)
        if limit is not None:
            checks[inclusive] = narrower(limit, checks.get(inclusive, limit))
            if checks[inclusive] == limit:
                checks[exclusive] = True
    return checks
