"""What Kubernetes demands of the schemas of a CRD, written from its documentation.

https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/
has the rules of structural schemas, of int-or-string, defaults and nullable.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from jsonschema import Draft4Validator

from rynxs.crds.patterns import check_re2

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Schema = dict[str, Any]

JUNCTORS = ("allOf", "anyOf", "oneOf")
VALIDATIONS = {
    *("enum", "exclusiveMaximum", "exclusiveMinimum", "format", "maximum", "maxItems", "maxLength"),
    *("maxProperties", "minimum", "minItems", "minLength", "minProperties", "multipleOf", "not"),
    *("pattern", "required", *JUNCTORS),
}
STRUCTURE = {
    *("additionalProperties", "default", "description", "items", "nullable", "properties", "type"),
    *("x-kubernetes-int-or-string", "x-kubernetes-list-map-keys", "x-kubernetes-list-type"),
    *("x-kubernetes-map-type", "x-kubernetes-validations"),
}
TYPES = ("array", "boolean", "integer", "number", "object", "string")
INT_OR_STRING = [{"type": "integer"}, {"type": "string"}]


def validator(schema: Schema) -> Draft4Validator:
    """Return what checks a value like the API server, whose schemas go back to draft 4."""
    return Draft4Validator(_as_draft_4(schema))


def _as_draft_4(schema: Schema) -> Schema:
    """Refuse unknown fields, and let null pass where it may."""
    copy = dict(schema)
    if schema.get("properties"):
        copy["properties"] = {
            name: _as_draft_4(each) for name, each in schema["properties"].items()
        }
        copy["additionalProperties"] = False
    elif "additionalProperties" in schema:
        copy["additionalProperties"] = _as_draft_4(schema["additionalProperties"])
    if "items" in schema:
        copy["items"] = _as_draft_4(schema["items"])
    if schema.get("nullable"):
        return {"anyOf": [{"type": "null"}, copy]}
    return copy


def problems_of_schema(schema: Schema) -> list[str]:
    """Return what is wrong with the schema of a version, each with its path."""
    found = list(_structural(schema, ""))
    metadata = schema["properties"].get("metadata", {})
    if set(metadata) - {"type", "properties"}:
        found.append("metadata: restricts more than names")
    return found


def _structural(schema: Schema, path: str) -> Iterator[str]:
    for key in sorted(set(schema) - VALIDATIONS - STRUCTURE):
        yield f"{path}: {key} is not allowed"
    yield from _type(schema, path)
    yield from _shape(schema, path)
    yield from _bounds(schema, path)
    yield from _default(schema, path)
    for junctor in (*JUNCTORS, "not"):
        if junctor == "anyOf" and _is_int_or_string(schema):
            continue
        branches = schema.get(junctor, [])
        for branch in branches if isinstance(branches, list) else [branches]:
            yield from _value_validation(branch, schema, f"{path}.{junctor}")
    for name, each in schema.get("properties", {}).items():
        yield from _structural(each, f"{path}.{name}")
    if "items" in schema:
        yield from _structural(schema["items"], f"{path}[]")
    if isinstance(schema.get("additionalProperties"), dict):
        yield from _structural(schema["additionalProperties"], f"{path}.*")


def _type(schema: Schema, path: str) -> Iterator[str]:
    if schema.get("x-kubernetes-int-or-string"):
        if "type" in schema:
            yield f"{path}: int-or-string has a type, too"
        first = (schema.get("allOf") or [{}])[0]
        if INT_OR_STRING not in (schema.get("anyOf"), first.get("anyOf")):
            yield f"{path}: int-or-string without its anyOf"
    elif schema.get("type") not in TYPES:
        yield f"{path}: has no type"


def _is_int_or_string(schema: Schema) -> bool:
    return bool(schema.get("x-kubernetes-int-or-string")) and schema.get("anyOf") == INT_OR_STRING


def _shape(schema: Schema, path: str) -> Iterator[str]:
    values = schema.get("additionalProperties")
    if "additionalProperties" in schema and not isinstance(values, dict):
        yield f"{path}: additionalProperties is no schema"
    if values is not None and schema.get("properties"):
        yield f"{path}: properties and additionalProperties exclude each other"
    if schema.get("type") == "array" and not isinstance(schema.get("items"), dict):
        yield f"{path}: an array without items"
    if not set(schema.get("required", ())) <= set(schema.get("properties", {})):
        yield f"{path}: requires what it does not have"
    if schema.get("x-kubernetes-list-type") == "map":
        item = schema["items"]
        for key in schema.get("x-kubernetes-list-map-keys") or ["(none)"]:
            its = item["properties"].get(key)
            if its is None or (key not in item.get("required", ()) and "default" not in its):
                yield f"{path}: {key} is no key of its items"


def _bounds(schema: Schema, path: str) -> Iterator[str]:
    for exclusive, limit in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
        if exclusive in schema and (schema[exclusive] is not True or limit not in schema):
            yield f"{path}: {exclusive} is not the flag that {limit} is excluded"
    if "pattern" in schema:
        try:
            check_re2(schema["pattern"])
        except ValueError as error:
            yield f"{path}: pattern: {error}"
    if "enum" in schema and not schema["enum"]:
        yield f"{path}: enum of nothing"
    for rule in schema.get("x-kubernetes-validations", ()):
        if not rule.get("rule") or set(rule) - {"rule", "message", "messageExpression", "reason"}:
            yield f"{path}: no rule: {rule}"


def _default(schema: Schema, path: str) -> Iterator[str]:
    if "default" in schema:
        if schema["default"] is None:
            yield f"{path}: default of null"
        for error in validator(schema).iter_errors(schema["default"]):
            yield f"{path}: default: {error.message}"


def _value_validation(branch: Schema, outside: Schema, path: str) -> Iterator[str]:
    """Yield what must not stand within a logical junctor."""
    for key in sorted(set(branch) - VALIDATIONS - {"items", "properties"}):
        yield f"{path}: {key} within a junctor"
    for name, each in branch.get("properties", {}).items():
        if name not in outside.get("properties", {}):
            yield f"{path}.{name}: stands within a junctor only"
        else:
            yield from _value_validation(each, outside["properties"][name], f"{path}.{name}")
    if "items" in branch and "items" not in outside:
        yield f"{path}: items within a junctor only"


def unbounded(schema: Schema, path: str = "") -> Iterator[str]:
    """Yield each list, map and text whose size nothing bounds; rules on such ones cost too much."""
    if schema.get("type") == "array" and "maxItems" not in schema:
        yield path
    if "additionalProperties" in schema and "maxProperties" not in schema:
        yield path
    if schema.get("type") == "string" and not _is_short(schema):
        yield path
    for name, each in schema.get("properties", {}).items():
        yield from unbounded(each, f"{path}.{name}")
    for inner, step in (("items", "[]"), ("additionalProperties", ".*")):
        if inner in schema:
            yield from unbounded(schema[inner], f"{path}{step}")


def _is_short(schema: Mapping[str, Any]) -> bool:
    if "anyOf" in schema:
        return all(_is_short(branch) for branch in schema["anyOf"])
    bounded = {"enum", "format", "maxLength"} & set(schema)
    return bool(bounded) or _has_end(schema.get("pattern", ".*"))


def _has_end(pattern: str) -> bool:
    """Tell whether what a pattern matches has a greatest length; both ends must be anchored."""
    repeats = re.sub(r"\\.|\[(?:\\.|[^\]])*\]", "", pattern)  # neither escapes nor classes
    return pattern.startswith("^") and pattern.endswith("$") and not re.search(r"[*+]|,\}", repeats)
