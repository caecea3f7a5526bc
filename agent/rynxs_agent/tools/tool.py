"""What a tool is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from pydantic import BaseModel, ConfigDict

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable


class Arguments(BaseModel):
    """What a model gives to a tool; nothing is converted, and nothing unknown is taken."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Tool(NamedTuple):
    """Something that a model may ask for.

    Attributes:
        name: as ``tools.allow`` has it, such as ``files.read``.
        description: for the model.
        arguments: their model, whose schema the model is told.
        run: does it, given the arguments, and returns what the model is told; raises `ToolError`.
    """

    name: str
    description: str
    arguments: type[Arguments]
    run: Callable[[Any], Awaitable[str]]

    @property
    def function(self) -> str:
        """The name by which the model calls it; no dot may be in that."""
        return self.name.replace(".", "_")

    def definition(self) -> dict[str, Any]:
        """Return what the model is told of it, as chat completions have it."""
        schema = self.arguments.model_json_schema()
        schema.pop("title", None)
        schema.pop("description", None)
        function = {
            "name": self.function,
            "description": self.description,
            "parameters": schema,
        }
        return {"type": "function", "function": function}
