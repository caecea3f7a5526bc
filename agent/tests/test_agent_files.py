"""The file tools, as a model uses them."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest

from rynxs_agent.tools.files import Files
from rynxs_agent.tools.toolbox import Toolbox

if TYPE_CHECKING:
    from pathlib import Path

    from rynxs_agent.tools.workspace import Workspace


class Use:
    """Calls file tools."""

    def __init__(self, workspace: Workspace) -> None:
        self.files = Files(workspace)
        self._toolbox = Toolbox(self.files.tools(), ["files"])

    def __call__(self, function: str, **arguments: Any) -> str:
        given = json.dumps(arguments, ensure_ascii=False)
        return asyncio.run(self._toolbox.call(f"files_{function}", given)).text


@pytest.fixture
def use(workspace: Workspace) -> Use:
    return Use(workspace)


def test_what_was_written_is_known_by_its_path_in_the_workspace(use: Use, root: Path) -> None:
    assert use("write", path=f"{root}/reports/one.md", content="größer") == "8 bytes written"
    use("write", path="./two.md", content="")
    use("write", path="gone.md", content="")
    use("delete", path="gone.md")
    use("write", path="../three.md", content="")
    assert list(use.files.written) == ["reports/one.md", "two.md"]
    assert use("read", path="reports/one.md") == "größer"


def test_a_large_file_is_read_in_pieces(use: Use, root: Path) -> None:
    (root / "large").write_text("a" * 50_000)
    assert use("read", path="large").endswith(
        "\n[read up to byte 49152 of 50000; go on with offset 49152]"
    )
    assert use("read", path="large", offset=49_152) == "a" * 848


def test_no_file_larger_than_1_mib_is_written(use: Use, root: Path) -> None:
    assert "larger than 1 MiB" in use("write", path="file", content="ä" * 600_000)
    assert list(root.iterdir()) == []


def test_a_long_directory_is_listed_in_part(use: Use, root: Path) -> None:
    for index in range(1_001):
        (root / f"{index:04}").touch()
    assert use("list").splitlines()[999:] == [
        "file\t0\t0999",
        "[there are more than 1000 entries]",
    ]


@pytest.mark.parametrize("function", ["read", "write", "list", "delete"])
def test_what_the_runtime_keeps_for_itself_is_left_alone(
    use: Use, root: Path, function: str
) -> None:
    (root / ".rynxs").mkdir()
    content = {"content": ""} if function == "write" else {}
    for path in (".rynxs", "./.rynxs/outcome.json", f"{root}//.rynxs/outcome.json"):
        assert use(function, path=path, **content) == "error: .rynxs is the runtime's own"
