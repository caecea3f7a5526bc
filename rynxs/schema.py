"""The JSON Schema of a model, with all that its validation demands and JSON Schema can say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic.errors import PydanticInvalidForJsonSchema
from pydantic.json_schema import GenerateJsonSchema

if TYPE_CHECKING:
    from pydantic import BaseModel
    from pydantic.json_schema import JsonSchemaValue
    from pydantic_core import core_schema


def json_schema_of(model: type[BaseModel]) -> dict[str, Any]:
    """Return the JSON Schema of what a model takes, by the names that users write.

    Raises:
        PydanticUserError: it has none: a value is of a type that JSON has not, or two steps of its
            validation demand what differs.
    """
    return model.model_json_schema(by_alias=True, schema_generator=_WholeSchema)


class _WholeSchema(GenerateJsonSchema):
    """Pydantic's schema, with what the later steps of a validation demand as well.

    A pattern is such a step where it follows a validator, and else it would be left out.
    """

    ignored_warning_kinds = {"skipped-choice", "non-serializable-default"}  # noqa: RUF012

    def chain_schema(self, schema: core_schema.ChainSchema) -> JsonSchemaValue:
        """Return what all steps demand."""
        first, *others = [self.generate_inner(step) for step in schema["steps"]]
        whole = dict(first)
        for other in others:
            if any(whole.get(keyword, value) != value for keyword, value in other.items()):
                raise PydanticInvalidForJsonSchema(f"{first} is followed by {other}, which differs")
            whole |= other
        return whole
