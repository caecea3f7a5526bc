"""What becomes of a model in a CRD, rule by rule."""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, RootModel, StringConstraints

from rynxs.api import SpecModel, Text, rules
from rynxs.fields import DnsLabel, Quantity

if TYPE_CHECKING:
    from tests.unit.crds.conftest import SchemaOf


class Inner(SpecModel):
    """The first paragraph,
    on one line.

    The second says more.
    """

    low: int = Field(1, ge=0)
    high: int | None = None


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


def field(schema_of: SchemaOf, kind: Any, default: Any = ...) -> dict[str, Any]:
    """Return the schema of a field of a type."""
    fields: dict[str, Any] = {"__annotations__": {"it": kind}, "it": default}
    if default is ...:
        del fields["it"]
    model = type("Model", (SpecModel,), {**fields, "__module__": __name__})
    schema = schema_of(model)["properties"]["it"]
    assert isinstance(schema, dict)
    return schema


def test_a_model_is_an_object_with_sorted_required_fields_and_no_title(schema_of: SchemaOf) -> None:
    class Model(SpecModel):
        second_field: bool
        first_field: bool
        third: bool = True

    assert schema_of(Model) == {
        "properties": {
            "secondField": {"type": "boolean"},
            "firstField": {"type": "boolean"},
            "third": {"default": True, "type": "boolean"},
        },
        "required": ["firstField", "secondField"],
        "type": "object",
    }


def test_a_model_without_fields_is_an_object_without_holes(schema_of: SchemaOf) -> None:
    assert schema_of(type("Empty", (SpecModel,), {})) == {"type": "object"}


def test_references_are_inlined_wherever_they_stand(schema_of: SchemaOf) -> None:
    class Model(SpecModel):
        one: Inner
        some: list[Inner] = Field(max_length=2)
        by_name: dict[str, Inner]
        perhaps: Inner | None = None

    properties = schema_of(Model)["properties"]
    inner = {
        "low": {"default": 1, "format": "int64", "minimum": 0, "type": "integer"},
        "high": {"format": "int64", "type": "integer"},
    }
    for schema in (
        properties["one"],
        properties["some"]["items"],
        properties["byName"]["additionalProperties"],
        properties["perhaps"],
    ):
        assert schema["properties"] == inner
        assert schema["type"] == "object"
    assert "$" not in str(properties)


def test_an_object_is_described_by_its_field_or_else_by_its_models_first_paragraph(
    schema_of: SchemaOf,
) -> None:
    class Model(SpecModel):
        """``spec`` of a Sample.

        More.
        """

        said: Inner = Field(description="What the field\nsays.")
        perhaps: Inner | None = Field(None, description="Said of what may be null.")
        silent: Inner

    schema = schema_of(Model)
    assert schema["description"] == "spec of a Sample."
    assert schema["properties"]["said"]["description"] == "What the field says."
    assert schema["properties"]["perhaps"]["description"] == "Said of what may be null."
    assert schema["properties"]["silent"]["description"] == "The first paragraph, on one line."


def test_null_is_left_out_where_absent_means_the_same(schema_of: SchemaOf) -> None:
    assert field(schema_of, str | None, None) == {"type": "string"}
    assert field(schema_of, list[str] | None, None) == {
        "items": {"type": "string"},
        "type": "array",
    }


def test_null_is_kept_where_it_is_a_value_of_its_own(schema_of: SchemaOf) -> None:
    required = field(schema_of, bool | None)
    assert required == {"nullable": True, "type": "boolean"}
    filled = field(schema_of, bool | None, True)
    assert filled == {"default": True, "nullable": True, "type": "boolean"}
    assert field(schema_of, list[bool | None])["items"] == {"nullable": True, "type": "boolean"}
    values = field(schema_of, dict[str, bool | None])["additionalProperties"]
    assert values == {"nullable": True, "type": "boolean"}


def test_a_quantity_is_int_or_string_as_kubernetes_wants_it(schema_of: SchemaOf) -> None:
    for schema in (field(schema_of, Quantity), field(schema_of, Quantity | None, None)):
        pattern = schema.pop("pattern")
        assert pattern.startswith("^[0-9]")
        assert schema == {
            "anyOf": [{"type": "integer"}, {"type": "string"}],
            "maxLength": 63,
            "x-kubernetes-int-or-string": True,
        }


def test_a_union_of_int_and_str_that_is_marked_is_int_or_string_with_the_bounds_of_both(
    schema_of: SchemaOf,
) -> None:
    class Model(SpecModel):
        port: Annotated[int, Field(gt=0)] | DnsLabel = Field(
            80, json_schema_extra={"x-kubernetes-int-or-string": True}
        )

    assert schema_of(Model)["properties"]["port"] == {
        "anyOf": [{"type": "integer"}, {"type": "string"}],
        "default": 80,
        "exclusiveMinimum": True,
        "maxLength": 63,
        "minimum": 0,
        "pattern": "^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$",
        "x-kubernetes-int-or-string": True,
    }


def test_literals_and_enumerations_become_enum(schema_of: SchemaOf) -> None:
    assert field(schema_of, Literal["b", "a"]) == {"enum": ["b", "a"], "type": "string"}
    assert field(schema_of, Literal["only"]) == {"enum": ["only"], "type": "string"}
    assert field(schema_of, Colour) == {"enum": ["red", "blue"], "type": "string"}
    assert field(schema_of, Literal[1, 2]) == {"enum": [1, 2], "format": "int64", "type": "integer"}


def test_a_union_of_strings_is_a_string_whose_branches_only_validate(schema_of: SchemaOf) -> None:
    short = Annotated[str, StringConstraints(max_length=3, pattern="^a+$")]
    assert field(schema_of, short | Literal[""] | None, None) == {
        "anyOf": [{"maxLength": 3, "pattern": "^a+$"}, {"enum": [""]}],
        "type": "string",
    }
    assert field(schema_of, list[short | Literal["b"]])["items"] == {
        "anyOf": [{"maxLength": 3, "pattern": "^a+$"}, {"enum": ["b"]}],
        "type": "string",
    }


def test_a_union_with_a_branch_that_allows_everything_demands_nothing(schema_of: SchemaOf) -> None:
    class Anything(RootModel[str]):
        """Any text."""

    assert field(schema_of, Literal["a"] | Anything) == {"type": "string"}


def test_maps_have_the_schema_of_their_values(schema_of: SchemaOf) -> None:
    schema = field(schema_of, Annotated[dict[DnsLabel, bool], Field(max_length=4)])
    assert schema == {
        "additionalProperties": {"type": "boolean"},
        "maxProperties": 4,
        "type": "object",
    }


def test_bounds_are_those_of_v1(schema_of: SchemaOf) -> None:
    def bounds(**given: Any) -> dict[str, Any]:
        schema = field(schema_of, Annotated[float, Field(**given)])
        assert schema.pop("type") == "number"
        return schema

    assert bounds(ge=1, le=2) == {"maximum": 2, "minimum": 1}
    assert bounds(gt=1, lt=2) == {
        "exclusiveMaximum": True,
        "exclusiveMinimum": True,
        "maximum": 2,
        "minimum": 1,
    }
    assert bounds(gt=1, ge=3) == {"minimum": 3}
    assert bounds(gt=3, ge=1) == {"exclusiveMinimum": True, "minimum": 3}
    assert bounds(multiple_of=0.5) == {"multipleOf": 0.5}


def test_a_pattern_that_follows_a_validator_is_not_lost(schema_of: SchemaOf) -> None:
    checked = Annotated[str, AfterValidator(str.strip), StringConstraints(pattern="^a$")]
    assert field(schema_of, checked) == {"pattern": "^a$", "type": "string"}
    kind = Annotated[Text, StringConstraints(pattern="^a$", max_length=9)]
    assert field(schema_of, kind) == {"maxLength": 9, "pattern": "^a$", "type": "string"}


def test_formats_stay_where_the_api_server_means_the_same(schema_of: SchemaOf) -> None:
    assert field(schema_of, datetime) == {"format": "date-time", "type": "string"}
    kind = Annotated[str, Field(json_schema_extra={"format": "duration"})]
    assert field(schema_of, kind) == {"type": "string"}


def test_plain_defaults_are_stated_and_null_is_not(schema_of: SchemaOf) -> None:
    assert field(schema_of, str, "") == {"default": "", "type": "string"}
    assert field(schema_of, list[str], ["a"])["default"] == ["a"]
    assert field(schema_of, dict[str, bool], {"a": True})["default"] == {"a": True}
    assert "default" not in field(schema_of, str | None, None)
    assert "default" not in field(schema_of, bool, Field(default_factory=lambda: True))


def test_the_default_of_an_object_is_stated_whole_and_without_null(schema_of: SchemaOf) -> None:
    assert field(schema_of, Inner, Inner())["default"] == {"low": 1}
    assert field(schema_of, Inner, Inner(low=2, high=3))["default"] == {"low": 2, "high": 3}


def test_a_default_that_no_crd_can_state_is_left_out(schema_of: SchemaOf) -> None:
    class Nullable(SpecModel):
        level: int | None = 5

    for value in (Nullable(level=None), None):
        assert "default" not in field(schema_of, Nullable | None, value)
    assert "default" not in field(schema_of, list[int | None], [1, None])
    assert field(schema_of, Nullable, Nullable(level=6))["default"] == {"level": 6}


def test_rules_are_carried_through_those_of_the_model_before_those_of_the_field(
    schema_of: SchemaOf,
) -> None:
    class Ruled(SpecModel):
        model_config = ConfigDict(json_schema_extra=rules(("self.low >= 0", "low is negative")))
        low: int = 0

    class Model(SpecModel):
        ruled: Ruled = Field(json_schema_extra=rules(("self.low < 9", "low is high")))
        text: str = Field(json_schema_extra=rules(("self != 'x'", "x is not allowed")))

    properties = schema_of(Model)["properties"]
    assert properties["ruled"]["x-kubernetes-validations"] == [
        {"message": "low is negative", "rule": "self.low >= 0"},
        {"message": "low is high", "rule": "self.low < 9"},
    ]
    assert properties["text"]["x-kubernetes-validations"] == [
        {"message": "x is not allowed", "rule": "self != 'x'"}
    ]


def test_what_is_for_people_only_is_left_out(schema_of: SchemaOf) -> None:
    kind = Annotated[str, Field(title="T", examples=["a"], deprecated=True)]
    assert field(schema_of, kind) == {"type": "string"}


def test_a_model_that_ignores_unknown_fields_has_the_same_schema(schema_of: SchemaOf) -> None:
    class Loose(BaseModel):
        known: bool

    assert schema_of(Loose) == {
        "properties": {"known": {"type": "boolean"}},
        "required": ["known"],
        "type": "object",
    }
