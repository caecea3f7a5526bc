"""Named objects: one file each, compared and swapped."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest

from rynxs.api import ABSENT, ANY, SinkConflict, SinkUnavailable
from rynxs_sink_file import objects

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def writer(tmp_path: Path, open_writer: Callable[..., Any]) -> Any:
    return open_writer(tmp_path)


def test_an_object_is_got_as_it_was_put_by_writer_and_reader(
    writer: Any, tmp_path: Path, open_reader: Callable[..., Any]
) -> None:
    version = writer.put("tile/0/x001/067", b"\x00data")
    for sink in (writer, open_reader(tmp_path)):
        assert sink.get("tile/0/x001/067") == (b"\x00data", version)
        assert sink.get("tile/0/x001") is None
        assert sink.get("tile/0/x001/067/more") is None
        assert sink.get("other") is None


def test_versions_are_equal_only_for_equal_bytes(writer: Any) -> None:
    one, two = writer.put("name", b"one"), writer.put("name", b"two")
    assert one != two
    assert writer.put("name", b"one") == one
    assert writer.put("other", b"one") == one


def test_absent_is_refused_once_the_object_is_there(writer: Any) -> None:
    writer.put("name", b"one", ABSENT)
    with pytest.raises(SinkConflict, match="absent was expected"):
        writer.put("name", b"two", ABSENT)
    with pytest.raises(SinkConflict):
        writer.put("name", b"one", ABSENT)
    assert writer.get("name").data == b"one"


def test_only_the_version_that_is_there_may_be_replaced(writer: Any) -> None:
    one = writer.put("name", b"one", ANY)
    two = writer.put("name", b"two", one)
    with pytest.raises(SinkConflict, match="was expected"):
        writer.put("name", b"three", one)
    with pytest.raises(SinkConflict, match="version is absent"):
        writer.put("missing", b"three", two)
    assert writer.get("name") == (b"two", two)
    assert writer.get("missing") is None


def test_an_object_that_would_fill_the_memory_is_refused(
    writer: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer.put("large", b"data")
    monkeypatch.setattr(objects, "_SIZE_MAX", 3)
    with pytest.raises(SinkUnavailable, match=r"objects/large: larger than 3 bytes, the limit"):
        writer.get("large")
    assert (tmp_path / "objects/large").read_bytes() == b"data"


def test_objects_survive_reopening(
    writer: Any, tmp_path: Path, open_writer: Callable[..., Any]
) -> None:
    version = writer.put("a/b", b"data")
    writer.close()
    again = open_writer(tmp_path)
    assert again.get("a/b") == (b"data", version)
    assert again.put("a/b", b"more", version)


@pytest.mark.parametrize(
    "name",
    [
        *("", "/", "/a", "a/", "a//b", ".", "..", ".a", "a/.b", "../a", "a/../b"),
        *("a b", "a\n", "a\x00b", "é", "a\\b", "x" * 201, "/".join("abcdefghijklmnopq")),
    ],
)
def test_a_name_outside_the_grammar_is_refused_and_leaves_no_file(
    name: str,
    tmp_path: Path,
    open_writer: Callable[..., Any],
    files: Callable[[Path], dict[str, bytes]],
) -> None:
    writer = open_writer(tmp_path / "one" / "log")
    before = files(tmp_path)
    with pytest.raises(SinkUnavailable, match="object name"):
        writer.put(name, b"data")
    with pytest.raises(SinkUnavailable, match="object name"):
        writer.get(name)
    assert files(tmp_path) == before


def test_list_returns_the_names_with_a_prefix_in_order(writer: Any) -> None:
    names = ["checkpoint", "checkpoints/1", "checkpoints/2", "tile/0/1", "tile/1/0", "tile-x"]
    for name in reversed(names):
        writer.put(name, b"")
    assert writer.list() == sorted(names)
    assert writer.list("checkpoint") == names[:3]
    assert writer.list("checkpoints/") == names[1:3]
    assert writer.list("checkpoints/2") == ["checkpoints/2"]
    assert writer.list("tile/") == ["tile/0/1", "tile/1/0"]
    for prefix in ("none", "none/", "checkpoint/", "../", "/", ".lock", "tile//"):
        assert writer.list(prefix) == [], prefix


def test_list_leaves_out_files_that_are_no_objects(writer: Any, tmp_path: Path) -> None:
    writer.put("checkpoints/1", b"")
    for stray in (".checkpoint.tmp", "checkpoints/1 (copy)", "checkpoints/.2.tmp", ".git"):
        (tmp_path / "objects" / stray).write_bytes(b"")
    (tmp_path / "objects" / ".hidden").mkdir()
    (tmp_path / "objects" / ".hidden" / "name").write_bytes(b"")
    (tmp_path / "objects" / os.fsdecode(b"checkpoints/\xff")).write_bytes(b"")
    assert writer.list() == ["checkpoints/1"]
    assert all(writer.get(name) for name in writer.list())


def test_a_name_that_is_a_folder_or_lies_below_an_object_can_not_be_put(writer: Any) -> None:
    writer.put("a/b", b"data")
    for name in ("a", "a/b/c"):
        with pytest.raises(SinkUnavailable):
            writer.put(name, b"other")
    assert writer.list() == ["a/b"]
    assert writer.get("a/b").data == b"data"


def test_a_reader_of_a_log_that_never_had_objects_lists_none(
    writer: Any, tmp_path: Path, open_reader: Callable[..., Any]
) -> None:
    (tmp_path / "objects").rmdir()
    reader = open_reader(tmp_path)
    assert reader.list() == []
    assert reader.get("checkpoint") is None


def test_a_pipe_in_an_objects_place_is_named_and_not_waited_for(
    tmp_path: Path, open_writer: Callable[..., Any]
) -> None:
    sink = open_writer(tmp_path / "log")
    os.mkfifo(tmp_path / "log/objects/checkpoint")
    with pytest.raises(SinkUnavailable, match="not a regular file"):
        sink.get("checkpoint")
