"""The toolbox: what is allowed is offered, what is not is not run, and the model is told."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

import pytest

from rynxs_agent.tools.addresses import Guard
from rynxs_agent.tools.fetch import Fetch
from rynxs_agent.tools.files import Files
from rynxs_agent.tools.shell import Shell
from rynxs_agent.tools.toolbox import Toolbox, unknown_names

if TYPE_CHECKING:
    from pathlib import Path

    from rynxs_agent.tools.tool import Tool
    from rynxs_agent.tools.workspace import Workspace

FILES = ["files_list", "files_read", "files_write", "files_delete"]


@pytest.fixture
def tools(workspace: Workspace, root: Path) -> list[Tool]:
    return [
        *Files(workspace).tools(),
        *Fetch(Guard([])).tools(),
        *Shell(root, 10).tools(),
    ]


@pytest.mark.parametrize(
    ("allow", "offered"),
    [
        ([], []),
        (["files"], FILES),
        (["files.read"], ["files_read"]),
        (["files.*"], FILES),
        (["f*"], [*FILES, "fetch"]),
        (["file"], []),
        (["shell", "fetch", "browser"], ["fetch", "shell"]),
        (["shell.more"], []),
    ],
)
def test_exactly_the_allowed_tools_are_offered(
    tools: list[Tool], allow: list[str], offered: list[str]
) -> None:
    toolbox = Toolbox(tools, allow)
    assert toolbox.functions == offered
    assert [each["function"]["name"] for each in toolbox.definitions()] == offered


def test_a_tool_that_is_not_allowed_is_not_run(tools: list[Tool], root: Path) -> None:
    toolbox = Toolbox(tools, ["files.read", "fetch"])
    for function, arguments in (
        ("shell", {"command": "touch ran"}),
        ("files_write", {"path": "ran", "content": ""}),
        ("files.write", {"path": "ran", "content": ""}),
    ):
        came = asyncio.run(toolbox.call(function, json.dumps(arguments)))
        assert came.text == (
            "error: there is no such tool; those that you may use: files_read, fetch"
        )
        assert (came.succeeded, came.well_formed) == (False, False)
    assert list(root.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ("{", "Invalid JSON"),
        ("[]", "should be an object"),
        ("{}", "path: Field required"),
        ('{"path": 1}', "path: Input should be a valid string"),
        ('{"path": "a", "mode": "w"}', "mode: Extra inputs are not permitted"),
        ('{"path": "a", "offset": -1}', "offset: Input should be greater than or equal to 0"),
        (r'{"path": "\ud800"}', "Invalid JSON"),
        ("[" * 100_000, "Invalid JSON"),
        ('{"path": "' + "a" * 2_200_000 + '"}', "larger than 2 MiB"),
    ],
)
def test_malformed_arguments_are_answered(tools: list[Tool], arguments: str, problem: str) -> None:
    came = asyncio.run(Toolbox(tools, ["files"]).call("files_read", arguments))
    assert came.text.startswith("error: ")
    assert problem in came.text
    assert (came.succeeded, came.well_formed) == (False, False)


def test_no_arguments_are_those_that_are_not_needed(tools: list[Tool], root: Path) -> None:
    (root / "file").touch()
    came = asyncio.run(Toolbox(tools, ["files"]).call("files_list", ""))
    assert came.text == "file\t0\tfile"


def test_a_tool_that_fails_is_answered_and_is_not_malformed(tools: list[Tool]) -> None:
    came = asyncio.run(Toolbox(tools, ["files"]).call("files_read", '{"path": "missing"}'))
    assert came == ("error: 'missing' is not there", False, True)


def test_what_no_tool_answers_to_is_told(tools: list[Tool]) -> None:
    allow = ["files", "fe*", "browser", "shell.more", "x*"]
    assert unknown_names(allow, tools) == ["browser", "shell.more", "x*"]


def test_the_model_is_told_the_schema_of_the_arguments(tools: list[Tool]) -> None:
    (definition,) = Toolbox(tools, ["files.write"]).definitions()
    parameters = definition["function"]["parameters"]
    assert (definition["type"], parameters["type"]) == ("function", "object")
    assert parameters["required"] == ["path", "content"]
    assert parameters["additionalProperties"] is False
