"""A disk that is really full, which takes a small file system of one's own."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from rynxs.api import Record, SinkUnavailable
from rynxs.testing.histories import history

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

BALLAST = 256 * 1024


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A tmpfs of one megabyte."""
    if os.geteuid():
        pytest.skip("mounting a tmpfs needs root")
    place = tmp_path / "disk"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(place)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"a tmpfs can not be mounted here: {done.stderr.strip()}")
    yield place
    # Lazily, for what a failing test has left open must not keep the mount.
    subprocess.run(["umount", "--lazy", str(place)], check=True)


def _use_up(path: Path) -> None:
    with path.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            return


def _fill(writer: Any) -> int:
    """Append until nothing fits; return how many records did."""
    for start in range(writer.size(), 10_000, 20):
        try:
            writer.append(start, history(10_000)[start : start + 20])
        except SinkUnavailable as error:
            assert "make room and run again" in str(error)  # noqa: PT017
            assert writer.size() == start
            return start
    pytest.fail("the disk is never full")


def test_a_log_on_a_full_disk_loses_nothing_and_goes_on_once_there_is_room(
    disk: Path,
    open_writer: Callable[..., Any],
    open_reader: Callable[..., Any],
    audit: Callable[..., list[Record]],
) -> None:
    (disk / "ballast").write_bytes(bytes(BALLAST))
    writer = open_writer(disk / "log.mdb")
    version = writer.put("name", b"old")
    size = _fill(writer)
    assert size > 200
    assert _fill(writer) == size
    for sink in (writer, open_reader(disk / "log.mdb")):
        assert audit(sink) == list(history(size))
    with pytest.raises(SinkUnavailable, match="make room"):
        writer.put("name", b"new" * 10_000, version)
    assert writer.get("name") == (b"old", version)

    (disk / "ballast").unlink()
    writer.append(size, history(size + 20)[size:])
    writer.put("name", b"new" * 10_000, version)
    writer.close()
    again = open_writer(disk / "log.mdb")
    assert audit(again) == list(history(size + 20))
    assert list(again.incidents()) == []


def test_an_erasure_for_which_there_is_no_room_changes_nothing_and_is_done_once_there_is(
    disk: Path, open_writer: Callable[..., Any]
) -> None:
    (disk / "ballast").write_bytes(bytes(BALLAST))
    writer = open_writer(disk / "log.mdb")
    size = _fill(writer)
    for _ in range(2):
        with pytest.raises(SinkUnavailable, match="make room"):
            writer.erase((3,))
        assert tuple(writer.read()) == history(size)
    assert {path.name for path in disk.iterdir()} == {"ballast", "log.mdb", "log.mdb-lock"}
    (disk / "ballast").unlink()
    subprocess.run(["mount", "-o", "remount,size=2m", str(disk)], check=True)
    writer.erase((3,))
    assert list(writer.read())[3].payload is None
    writer.append(size, history(size + 20)[size:])


def test_a_log_on_a_full_disk_opens_for_reading_and_for_writing(
    disk: Path,
    open_writer: Callable[..., Any],
    open_reader: Callable[..., Any],
    audit: Callable[..., list[Record]],
) -> None:
    (disk / "ballast").write_bytes(bytes(BALLAST))
    writer = open_writer(disk / "log.mdb")
    size = _fill(writer)
    writer.close()
    _use_up(disk / "filler")
    assert audit(open_reader(disk / "log.mdb")) == list(history(size))
    writer = open_writer(disk / "log.mdb")
    assert _fill(writer) == size
    (disk / "ballast").unlink()
    writer.append(size, history(size + 20)[size:])


def test_a_lock_file_for_which_there_is_no_room_is_told_and_does_not_end_the_process(
    disk: Path, open_writer: Callable[..., Any], open_reader: Callable[..., Any]
) -> None:
    """LMDB would write to it through a map, and be killed for it."""
    writer = open_writer(disk / "log.mdb")
    writer.append(0, history(5))
    writer.close()
    (disk / "log.mdb-lock").unlink()
    _use_up(disk / "filler")
    for _ in range(2):
        with pytest.raises(SinkUnavailable, match="make room"):
            open_writer(disk / "log.mdb")
    assert tuple(open_reader(disk / "log.mdb").read()) == history(5)
    (disk / "filler").unlink()
    assert open_writer(disk / "log.mdb").size() == 5


def test_a_log_for_which_there_is_no_room_is_made_once_there_is(
    disk: Path, open_writer: Callable[..., Any]
) -> None:
    for left in (0, 4096, 40 * 1024, 68 * 1024, 4096, 8192, 12 * 1024):
        _use_up(disk / "filler")
        with (disk / "filler").open("r+b") as file:
            file.truncate(max((disk / "filler").stat().st_size - left, 0))
        with pytest.raises(SinkUnavailable, match="make room"):
            open_writer(disk / "deep" / "log.mdb").append(0, history(20))
    (disk / "filler").unlink()
    writer = open_writer(disk / "deep" / "log.mdb")
    writer.append(0, history(20))
    assert tuple(writer.read()) == history(20)
