"""The workspace: what is in it can be used, and nothing outside it can be reached."""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rynxs_agent.errors import ConfigurationError, ToolError
from rynxs_agent.tools.workspace import Entry, Workspace

if TYPE_CHECKING:
    from collections.abc import Callable

SECRET = b"a secret of somebody else"
NAMES = ("", ".", "..", "inside", "dir", "to-outside", "to-secret", "to-inside", "secret", "new")
USES: list[Callable[[Workspace, str], object]] = [
    lambda workspace, path: workspace.read(path, 0, 1_000).data,
    lambda workspace, path: workspace.write(path, b"written"),
    lambda workspace, path: workspace.entries(path, 100),
    lambda workspace, path: workspace.delete(path),
]


def furnished(top: Path) -> Path:
    """Make a workspace with links in it that lead out, beside a directory with a secret."""
    root, outside = top / "workspace", top / "outside"
    (root / "dir").mkdir(parents=True)
    outside.mkdir()
    (outside / "secret").write_bytes(SECRET)
    (root / "inside").write_bytes(b"mine")
    for directory in (root, root / "dir"):
        (directory / "to-outside").symlink_to(outside)
        (directory / "to-secret").symlink_to(outside / "secret")
        (directory / "to-inside").symlink_to(root / "inside")
    return root


def snapshot(top: Path) -> dict[str, bytes]:
    """Return all files that are outside the workspace."""
    return {
        str(path): path.read_bytes()
        for path in sorted(top.rglob("*"))
        if path.is_file() and not path.is_symlink() and not path.is_relative_to(top / "workspace")
    }


def stays_inside(path: str) -> None:
    """Use a path in every way, after which nothing is known of what is outside, nor changed."""
    with tempfile.TemporaryDirectory() as directory:
        top = Path(directory)
        root = furnished(top)
        outside = snapshot(top)
        path = path.replace("WORKSPACE", str(root)).replace("OUTSIDE", str(top / "outside"))
        workspace = Workspace(root)
        for use in USES:
            with suppress(ToolError):
                came = use(workspace, path)
                assert came != SECRET
                assert came != [Entry("secret", "file", len(SECRET))]
        workspace.close()
        assert snapshot(top) == outside


@pytest.mark.parametrize(
    "path",
    [
        "to-secret",
        "to-outside",
        "to-outside/secret",
        "to-outside/new",
        "to-outside/new/new",
        "dir/to-outside/secret",
        "../outside/secret",
        "../outside/new",
        "dir/../../outside/secret",
        "OUTSIDE/secret",
        "WORKSPACE/../outside/secret",
        "WORKSPACE/to-outside/secret",
    ],
)
def test_no_way_that_is_known_leads_out_of_the_workspace(path: str) -> None:
    stays_inside(path)


@given(
    names=st.lists(st.sampled_from(NAMES), max_size=6),
    start=st.sampled_from(["", "/", "WORKSPACE/", "OUTSIDE/", "WORKSPACE", "OUTSIDE"]),
)
def test_no_path_leads_out_of_the_workspace(names: list[str], start: str) -> None:
    stays_inside(start + "/".join(names))


@given(path=st.text())
def test_any_text_is_a_path_inside_or_is_refused(path: str) -> None:
    with tempfile.TemporaryDirectory() as directory:
        workspace = Workspace(Path(directory))
        try:
            names = workspace.names_of(path)
        except ToolError:
            return
        finally:
            workspace.close()
        assert not {"", ".", ".."} & set(names)
        assert not any("/" in name or "\0" in name for name in names)


@pytest.mark.parametrize("path", ["a/b/c.txt", "./a//b/c.txt", "ROOT/a/b/c.txt"])
def test_what_is_written_is_read_again(workspace: Workspace, root: Path, path: str) -> None:
    workspace.write(path.replace("ROOT", str(root)), b"text")
    assert (root / "a/b/c.txt").read_bytes() == b"text"
    assert workspace.read("a/b/c.txt", 1, 2) == (b"ex", 4)
    assert workspace.entries("a/b", 9) == [Entry("c.txt", "file", 4)]


def test_a_directory_that_begins_like_the_workspace_is_outside(
    workspace: Workspace, root: Path
) -> None:
    beside = Path(f"{root}-beside")
    beside.mkdir()
    with pytest.raises(ToolError, match="not in the workspace"):
        workspace.write(f"{beside}/file", b"")


def test_a_link_is_replaced_and_not_written_through(tmp_path: Path) -> None:
    root = furnished(tmp_path)
    workspace = Workspace(root)
    workspace.write("to-secret", b"mine")
    workspace.close()
    assert (tmp_path / "outside/secret").read_bytes() == SECRET
    assert not (root / "to-secret").is_symlink()
    assert (root / "to-secret").read_bytes() == b"mine"


def test_a_file_that_is_replaced_keeps_its_permissions(workspace: Workspace, root: Path) -> None:
    script = root / "script"
    script.write_text("old")
    script.chmod(0o755)
    workspace.write("script", b"new")
    assert (script.read_text(), script.stat().st_mode & 0o777) == ("new", 0o755)


def test_a_write_that_fails_leaves_nothing_behind(workspace: Workspace, root: Path) -> None:
    (root / "dir").mkdir()
    with pytest.raises(ToolError, match="is a directory"):
        workspace.write("dir", b"text")
    assert [path.name for path in root.iterdir()] == ["dir"]


def test_a_leftover_of_an_earlier_process_is_in_nobodys_way(
    workspace: Workspace, root: Path
) -> None:
    (root / f".rynxs-{os.getpid()}-0").touch()
    workspace.write("file", b"text")
    assert (root / "file").read_bytes() == b"text"


def test_a_pipe_is_not_read(workspace: Workspace, root: Path) -> None:
    os.mkfifo(root / "pipe")
    with pytest.raises(ToolError, match="not a file"):
        workspace.read("pipe", 0, 10)
    assert workspace.entries(".", 9) == [Entry("pipe", "other", 0)]


def test_files_and_empty_directories_are_deleted(workspace: Workspace, root: Path) -> None:
    workspace.write("dir/file", b"")
    with pytest.raises(ToolError, match="not empty"):
        workspace.delete("dir")
    workspace.delete("dir/file")
    workspace.delete("dir")
    assert list(root.iterdir()) == []
    with pytest.raises(ToolError, match="not there"):
        workspace.delete("dir")


def test_a_workspace_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="the workspace can't be opened"):
        Workspace(tmp_path / "missing")
