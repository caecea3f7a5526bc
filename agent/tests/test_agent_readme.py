"""The README says what is so."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from rynxs_agent.environment import take_environment
from rynxs_agent.outcome import EXIT_STATUS, Reason
from rynxs_agent.settings import Settings
from rynxs_agent.tools.addresses import Guard
from rynxs_agent.tools.fetch import Fetch
from rynxs_agent.tools.files import Files
from rynxs_agent.tools.shell import Shell

if TYPE_CHECKING:
    from rynxs_agent.tools.workspace import Workspace

README = (Path(__file__).parents[1] / "README.md").read_text()
SHOWN = {"RYNXS_RUNTIME_HOST": "all", "RYNXS_RUNTIME_TIME_LIMIT_S": "3600 for a task"}


@pytest.mark.parametrize("reason", Reason)
def test_each_exit_status_is_listed(reason: Reason) -> None:
    assert f"\n| {EXIT_STATUS[reason]} | `{reason}` | " in README


@pytest.mark.parametrize("name", Settings.model_fields)
def test_each_setting_is_listed_with_its_default(name: str) -> None:
    variable = f"RYNXS_RUNTIME_{name.upper()}"
    default = Settings.model_fields[name].default
    written = str(default).lower() if isinstance(default, bool) else str(default)
    shown = SHOWN.get(variable, f"`{written}`" if written.startswith("/") else written)
    assert f"\n| `{variable}` | {shown} | " in README


def test_each_tool_is_listed(workspace: Workspace, root: Path) -> None:
    tools = [*Files(workspace).tools(), *Fetch(Guard([])).tools(), *Shell(root, 1).tools()]
    assert [tool.name for tool in tools if f"`{tool.name}`" not in README] == []


def test_the_environment_that_is_listed_is_the_one_that_is_taken() -> None:
    listed = ("AGENT_SPEC", "WORKSPACE", "PROVIDER_API_KEY", "SESSION", "SESSION_INPUT")
    assert all(f"`$RYNXS_{name}`" in README for name in listed)
    environment = take_environment({f"RYNXS_{name}": name.lower() for name in listed})
    assert environment.session
    assert environment.api_key.reveal() == "provider_api_key"
