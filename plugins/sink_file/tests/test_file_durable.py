"""The primitives that everything durable is made of."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from rynxs.api import SinkUnavailable
from rynxs_sink_file.durable import make_directory, replace_file, sync_directory, translated
from rynxs_sink_file.files import close_quietly, read_all, write_all

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def trace(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Path]]:
    """The calls that make things durable, in order, with what they were applied to."""
    calls: list[tuple[str, Path]] = []
    fsync, replace = os.fsync, os.replace

    def traced_fsync(descriptor: int) -> None:
        fsync(descriptor)
        calls.append(("fsync", Path(f"/proc/self/fd/{descriptor}").readlink()))

    def traced_replace(source: Path, target: Path) -> None:
        replace(source, target)
        calls.append(("rename", Path(target)))

    monkeypatch.setattr(os, "fsync", traced_fsync)
    monkeypatch.setattr(os, "replace", traced_replace)
    return calls


def _failing(*_: object) -> None:
    raise OSError(5, "Input/output error")


def test_a_file_is_flushed_before_it_gets_its_name_and_its_name_after(
    tmp_path: Path, trace: list[tuple[str, Path]]
) -> None:
    replace_file(tmp_path / "name", b"data")
    assert trace == [
        ("fsync", tmp_path / ".name.tmp"),
        ("rename", tmp_path / "name"),
        ("fsync", tmp_path),
    ]
    assert (tmp_path / "name").read_bytes() == b"data"


@pytest.mark.parametrize("call", ["open", "pwrite", "fsync", "close", "replace"])
def test_a_file_that_can_not_be_replaced_keeps_its_content_and_leaves_nothing_behind(
    call: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    replace_file(tmp_path / "name", b"old")
    monkeypatch.setattr(os, call, _failing)
    with pytest.raises(OSError, match="Input/output error"):
        replace_file(tmp_path / "name", b"new")
    monkeypatch.undo()
    assert [path.name for path in tmp_path.iterdir()] == ["name"]
    assert (tmp_path / "name").read_bytes() == b"old"


def test_what_a_crash_has_left_of_a_longer_file_does_not_show_in_the_next(tmp_path: Path) -> None:
    (tmp_path / ".name.tmp").write_bytes(b"x" * 100)
    replace_file(tmp_path / "name", b"new")
    assert (tmp_path / "name").read_bytes() == b"new"


def test_each_new_directory_is_made_durable_before_the_next_is_made_in_it(
    tmp_path: Path, trace: list[tuple[str, Path]]
) -> None:
    (tmp_path / "something").touch()
    make_directory(tmp_path / "a" / "b" / "c")
    assert trace == [
        ("fsync", tmp_path),
        ("fsync", tmp_path / "a"),
        ("fsync", tmp_path / "a" / "b"),
    ]


def test_a_directory_whose_maker_could_not_sync_its_name_is_synced_by_the_next(
    tmp_path: Path, trace: list[tuple[str, Path]], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "something").touch()
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", _failing)
        with pytest.raises(OSError, match="Input/output error"):
            make_directory(tmp_path / "a")
    assert (tmp_path / "a").is_dir()
    make_directory(tmp_path / "a")
    assert trace == [("fsync", tmp_path)]
    (tmp_path / "a" / "used").touch()
    make_directory(tmp_path / "a")
    assert len(trace) == 1


def test_a_directory_is_not_made_over_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for path in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(OSError, match="file"):
            make_directory(path)


def test_a_relative_directory_is_made_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    make_directory(Path("a/b"))
    make_directory(Path())
    assert (tmp_path / "a" / "b").is_dir()


@pytest.fixture
def descriptor(tmp_path: Path) -> Iterator[int]:
    opened = os.open(tmp_path / "file", os.O_RDWR | os.O_CREAT)
    yield opened
    close_quietly(opened)


def test_what_is_written_in_pieces_is_read_in_pieces(
    descriptor: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = bytes(range(256)) * 3
    pwrite, pread = os.pwrite, os.pread
    monkeypatch.setattr(os, "pwrite", lambda fd, part, at: pwrite(fd, part[:7], at))
    monkeypatch.setattr(os, "pread", lambda fd, size, at: pread(fd, min(size, 11), at))
    write_all(descriptor, data, 5)
    assert read_all(descriptor, len(data), 5) == data
    assert read_all(descriptor, 3, 6) == data[1:4]
    assert read_all(descriptor, 10**6, 700) == data[695:]
    assert read_all(descriptor, 10, 10**6) == b""


def test_closing_quietly_tells_no_error(descriptor: int) -> None:
    os.close(descriptor)
    close_quietly(descriptor)


def test_a_directory_that_is_missing_can_not_be_synced(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        sync_directory(tmp_path / "missing")


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (OSError(28, "No space left on device"), "place: No space left on device; make room"),
        (OSError(122, "Disk quota exceeded"), "place: Disk quota exceeded; make room"),
        (OSError(5, "Input/output error", "other"), "other: Input/output error"),
        (OSError("no number"), "place: no number"),
        (PermissionError(13, "Permission denied"), "place: Permission denied"),
    ],
)
def test_an_error_of_the_system_is_translated_and_names_the_path(error: OSError, told: str) -> None:
    with pytest.raises(SinkUnavailable) as caught, translated(Path("place")):
        raise error
    assert str(caught.value).startswith(told)
    assert caught.value.__cause__ is error


def test_a_mistake_in_the_program_is_not_translated() -> None:
    with pytest.raises(ZeroDivisionError), translated(Path("place")):
        _ = 1 // int("0")
