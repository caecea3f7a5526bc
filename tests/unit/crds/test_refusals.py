"""What a CRD can't express is refused, and told with the resource and the path."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal

import pytest
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from rynxs.api import Resource, SpecModel
from rynxs.crds.definition import definition
from rynxs.crds.reference import reference
from rynxs.errors import PluginError


class Open(BaseModel):
    model_config = ConfigDict(extra="allow")


class Cat(SpecModel):
    kind: Literal["cat"]


class Dog(SpecModel):
    kind: Literal["dog"]


class Tree(SpecModel):
    branches: list[Tree]


CASES: dict[str, tuple[Any, str]] = {
    "any value": (Any, "spec.it: holds any value; a CRD needs one type, of array, boolean, int"),
    "any list": (list, "spec.it[]: holds any value"),
    "any map": (dict, "spec.it.*: holds any value; a CRD needs its shape, as a model"),
    "map of any": (dict[str, Any], "spec.it.*: holds any value"),
    "map of any in a list": (list[dict[str, Any]], "spec.it[].*: holds any value"),
    "unknown fields": (Open, "spec.it: takes unknown fields; a CRD needs extra='forbid'"),
    "null only": (None, "spec.it: holds a value of type null"),
    "several types": (
        Literal["a", 1],
        "spec.it: holds a value of one of several types (enum); a CRD",
    ),
    "objects": (Cat | Dog, "spec.it: is a union of object; allowed are unions with None, of str"),
    "types": (int | str, "spec.it: is a union of integer and string; allowed are"),
    "numbers": (int | float, "spec.it: is a union of integer and number"),
    "tagged": (
        Annotated[Cat | Dog, Field(discriminator="kind")],
        "spec.it: holds a value of one of several types (discriminator, oneOf)",
    ),
    "tuple": (tuple[int, str], "spec.it: prefixItems can't be said of a value of type array"),
    "set": (set[str], "spec.it: uniqueItems can't be said of a value of type array in a CRD"),
    "hole": (
        Annotated[Cat, Field(json_schema_extra={"x-kubernetes-preserve-unknown-fields": True})],
        "spec.it: x-kubernetes-preserve-unknown-fields can't be said of a value of type object",
    ),
    "no schema": (Callable[[], int], "spec: has no JSON Schema: "),
    "itself": (
        Tree,
        "spec.it.branches[]: nested deeper than 32, as a model that holds itself is; a CRD has no",
    ),
    "patterns one after the other": (
        Annotated[
            Annotated[Annotated[str, StringConstraints(pattern="^a")], AfterValidator(str.strip)],
            StringConstraints(pattern="b$"),
        ],
        "spec: has no JSON Schema: {'type': 'string', 'pattern': '^a'} is followed by",
    ),
}


def resource(kind: Any) -> Resource:
    model = type("Model", (SpecModel,), {"__annotations__": {"it": kind}, "__module__": __name__})
    return Resource(
        group="example.org",
        kind="Sample",
        plural="samples",
        scope="Namespaced",
        versions=["v1"],
        spec=model,
    )


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("make", [definition, lambda each: reference([each])])
def test_a_value_without_a_shape_that_a_crd_knows(make: Callable[..., Any], case: str) -> None:
    kind, message = CASES[case]
    with pytest.raises(PluginError) as refused:
        make(resource(kind))
    assert str(refused.value).startswith(f"example.org/Sample: {message}")


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ("^(?=a).*$", "'(?=a' begins what RE2 lacks"),
        (r"^(a)\1$", r"\1 refers back to a group, which RE2 can't"),
        ("^(a{900}){2}$", "{2} asks for 1800 copies"),
    ],
)
def test_a_pattern_that_the_api_server_does_not_understand(pattern: str, reason: str) -> None:
    class Model(SpecModel):
        model_config = ConfigDict(regex_engine="python-re")
        name: Annotated[str, StringConstraints(pattern=pattern)]

    with pytest.raises(PluginError) as refused:
        definition(resource(list[Model]))
    expected = f"example.org/Sample: spec.it[].name: pattern {pattern}: {reason}"
    assert str(refused.value).startswith(expected)
