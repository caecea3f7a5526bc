"""The tools that one run may use: those that the spec allows, and no others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from pydantic import ValidationError

from rynxs_agent.errors import ToolError
from rynxs_agent.problems import problems_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rynxs_agent.tools.tool import Tool

_ARGUMENTS_SIZE_MAX = 2 * 1024 * 1024
_RESULT_SIZE_MAX = 64 * 1024


class Result(NamedTuple):
    """What came of a call.

    Attributes:
        text: what the model is told.
        succeeded: whether the tool did what it was asked for.
        well_formed: whether there is such a tool and it takes such arguments.
    """

    text: str
    succeeded: bool
    well_formed: bool = True


def is_allowed(name: str, allow: Sequence[str]) -> bool:
    """Tell whether ``tools.allow`` allows a tool: by its name, its group's, or a prefix."""
    group = name.partition(".")[0]
    return any(
        name.startswith(each[:-1]) if each.endswith("*") else each in {name, group}
        for each in allow
    )


def unknown_names(allow: Sequence[str], tools: Sequence[Tool]) -> list[str]:
    """Return what ``tools.allow`` has that no tool of this runtime answers to."""
    return [each for each in allow if not any(is_allowed(tool.name, [each]) for tool in tools)]


class Toolbox:
    """The allowed tools of a run."""

    def __init__(self, tools: Sequence[Tool], allow: Sequence[str]) -> None:
        """Offer those of some tools that are allowed."""
        self._tools = {tool.function: tool for tool in tools if is_allowed(tool.name, allow)}

    @property
    def functions(self) -> list[str]:
        """By which names the model may call them."""
        return list(self._tools)

    def definitions(self) -> list[dict[str, Any]]:
        """Return what the model is told of them."""
        return [tool.definition() for tool in self._tools.values()]

    async def call(self, function: str, arguments: str) -> Result:
        """Run a tool for the model, if it is one of these; never raises what the model caused."""
        tool = self._tools.get(function)
        if tool is None:
            there = ", ".join(self._tools) or "none"
            return _wrong(f"there is no such tool; those that you may use: {there}")
        if len(arguments) > _ARGUMENTS_SIZE_MAX:
            return _wrong("the arguments are larger than 2 MiB")
        try:
            given = tool.arguments.model_validate_json(arguments.strip() or "{}")
        except ValidationError as error:
            return _wrong(f"the arguments are not acceptable: {problems_of(error)}")
        try:
            return Result(_bounded(await tool.run(given)), succeeded=True)
        except ToolError as error:
            return Result(_bounded(f"error: {error}"), succeeded=False)


def _wrong(problem: str) -> Result:
    return Result(f"error: {problem}", succeeded=False, well_formed=False)


def _bounded(text: str) -> str:
    if len(text) <= _RESULT_SIZE_MAX:
        return text
    return f"{text[:_RESULT_SIZE_MAX]}\n[cut here; there were {len(text)} characters]"
