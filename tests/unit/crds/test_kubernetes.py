"""The checker that the other tests rely on finds what Kubernetes would refuse."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.crds.kubernetes import problems_of_schema, unbounded, validator

TEXT = {"type": "string"}
INT_OR_STRING = {
    "anyOf": [{"type": "integer"}, {"type": "string"}],
    "x-kubernetes-int-or-string": True,
}
SOUND: list[dict[str, Any]] = [
    {**TEXT, "pattern": "^a$", "maxLength": 1, "default": "a"},
    {**TEXT, "anyOf": [{"pattern": "^a$"}, {"enum": ["b"]}]},
    {**INT_OR_STRING, "pattern": "^1$", "default": 5},
    {"allOf": [{"anyOf": INT_OR_STRING["anyOf"]}], "x-kubernetes-int-or-string": True},
    {"type": "number", "minimum": 0, "exclusiveMinimum": True},
    {"type": "object", "additionalProperties": TEXT, "default": {"a": "b"}},
    {**TEXT, "nullable": True, "enum": ["a"]},
]
UNSOUND: list[tuple[dict[str, Any], str]] = [
    ({}, ".it: has no type"),
    ({"type": ["string", "null"]}, ".it: has no type"),
    ({**TEXT, "title": "It"}, ".it: title is not allowed"),
    ({**TEXT, "const": "a"}, ".it: const is not allowed"),
    ({"$ref": "#/$defs/It"}, ".it: $ref is not allowed"),
    ({"type": "object", "patternProperties": {}}, ".it: patternProperties is not allowed"),
    (
        {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
        ".it: x-kubernetes-preserve-unknown-fields is not allowed",
    ),
    ({"type": "object", "additionalProperties": False}, ".it: additionalProperties is no schema"),
    (
        {"type": "object", "additionalProperties": TEXT, "properties": {"a": TEXT}},
        ".it: properties and additionalProperties exclude each other",
    ),
    ({"type": "object", "required": ["a"]}, ".it: requires what it does not have"),
    ({"type": "array"}, ".it: an array without items"),
    ({"type": "array", "items": {}}, ".it[]: has no type"),
    ({"type": "object", "additionalProperties": {}}, ".it.*: has no type"),
    ({**TEXT, "anyOf": [{**TEXT}]}, ".it.anyOf: type within a junctor"),
    ({**TEXT, "allOf": [{"default": "a"}]}, ".it.allOf: default within a junctor"),
    ({**TEXT, "not": {"description": "a"}}, ".it.not: description within a junctor"),
    (
        {"type": "object", "anyOf": [{"properties": {"a": {}}}]},
        ".it.anyOf.a: stands within a junctor only",
    ),
    ({"type": "object", "anyOf": [{"items": {}}]}, ".it.anyOf: items within a junctor only"),
    ({**INT_OR_STRING, "type": "string"}, ".it: int-or-string has a type, too"),
    ({"x-kubernetes-int-or-string": True}, ".it: int-or-string without its anyOf"),
    (
        {"type": "number", "exclusiveMinimum": 0},
        ".it: exclusiveMinimum is not the flag that minimum is excluded",
    ),
    ({**TEXT, "pattern": "(?=a)"}, ".it: pattern: '(?=a' begins what RE2 lacks; there are"),
    ({**TEXT, "enum": []}, ".it: enum of nothing"),
    ({**TEXT, "default": None}, ".it: default of null"),
    ({**TEXT, "maxLength": 1, "default": "ab"}, ".it: default: 'ab' is too long"),
    (
        {"type": "object", "properties": {"a": TEXT}, "default": {"b": "c"}},
        ".it: default: Additional properties are not allowed",
    ),
    ({**TEXT, "x-kubernetes-validations": [{"message": "a"}]}, ".it: no rule: "),
    (
        {
            "type": "array",
            "items": {"type": "object", "properties": {"a": TEXT}},
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": ["a"],
        },
        ".it: a is no key of its items",
    ),
]


def whole(it: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": {"it": it}}


@pytest.mark.parametrize("schema", SOUND)
def test_a_sound_schema_has_no_problem(schema: dict[str, Any]) -> None:
    assert problems_of_schema(whole(schema)) == []


@pytest.mark.parametrize(("schema", "problem"), UNSOUND)
def test_an_unsound_schema_has_one(schema: dict[str, Any], problem: str) -> None:
    found = problems_of_schema(whole(schema))
    assert any(each.startswith(problem) for each in found), found


def test_metadata_restricts_names_only() -> None:
    schema = {"type": "object", "properties": {"metadata": {"type": "object", "required": ["a"]}}}
    assert "metadata: restricts more than names" in problems_of_schema(schema)


def test_unbounded_values_are_found_where_they_stand() -> None:
    schema = {
        "type": "object",
        "properties": {
            "list": {"type": "array", "items": {**TEXT, "pattern": "^a+$"}},
            "map": {"type": "object", "additionalProperties": {**TEXT, "pattern": "^a{2,}$"}},
            "text": TEXT,
            "either": {**TEXT, "anyOf": [{"enum": ["a"]}, {"pattern": "a$"}]},
            "bounded": {**TEXT, "anyOf": [{"enum": ["a"]}, {"pattern": r"^[*+]\+{1,3}$"}]},
            "short": {**TEXT, "maxLength": 3},
        },
    }
    assert list(unbounded(schema)) == [
        *(".list", ".list[]", ".map", ".map.*", ".text", ".either"),
    ]


def test_the_validator_refuses_unknown_fields_and_takes_null_where_it_may() -> None:
    schema = {
        "type": "object",
        "properties": {
            "list": {"type": "array", "items": {**TEXT, "nullable": True}},
            "map": {"type": "object", "additionalProperties": whole(TEXT)},
        },
    }
    assert validator(schema).is_valid({"list": ["a", None], "map": {"a": {"it": "b"}}})
    assert not validator(schema).is_valid({"list": None})
    assert not validator(schema).is_valid({"map": {"a": {"other": "b"}}})
