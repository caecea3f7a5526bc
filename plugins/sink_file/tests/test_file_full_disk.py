"""A disk that is really full, which takes a small file system of one's own."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from rynxs.api import SinkUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from rynxs.api import Record


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Callable[[str], Path]]:
    """Mount a tmpfs with the given options."""
    mounted = []

    def mount(options: str) -> Path:
        if os.geteuid():
            pytest.skip("mounting a tmpfs needs root")
        place = tmp_path / "disk"
        place.mkdir()
        command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(place)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            pytest.skip(f"a tmpfs can not be mounted here: {done.stderr.strip()}")
        mounted.append(place)
        return place

    yield mount
    for place in mounted:
        # Lazily, for what a failing test has left open must not keep the mount.
        subprocess.run(["umount", "--lazy", str(place)], check=True)


def _fill(writer: Any, chained: Callable[..., list[Record]], size: int) -> list[Record]:
    """Append until nothing fits; return the batch that did not fit."""
    known = list(writer.read())
    for _ in range(1000):
        batch = chained(known, 3, size)
        try:
            writer.append(len(known), batch)
        except SinkUnavailable as error:
            assert "No space left on device; make room" in str(error)  # noqa: PT017
            assert writer.size() == len(known)
            return batch
        known += batch
    pytest.fail("the disk is never full")


@pytest.mark.parametrize("segment_bytes", [4096, 10**9], ids=["many segments", "one segment"])
def test_a_log_on_a_full_disk_loses_nothing_and_goes_on_once_there_is_room(
    segment_bytes: int,
    small_disk: Callable[[str], Path],
    open_writer: Callable[..., Any],
    open_reader: Callable[..., Any],
    chained: Callable[..., list[Record]],
    audit: Callable[..., list[Record]],
) -> None:
    disk = small_disk("size=1m")
    ballast = disk / "ballast"
    ballast.write_bytes(bytes(256 * 1024))
    writer = open_writer(disk / "log", segment_bytes)
    version = writer.put("name", b"old")
    refused = _fill(writer, chained, 5000)
    known = audit(writer)
    assert len(known) == writer.size() > 20
    assert audit(open_reader(disk / "log")) == known

    with pytest.raises(SinkUnavailable, match="make room"):
        writer.put("name", b"new" * 10_000, version)
    assert writer.get("name") == (b"old", version)
    with pytest.raises(SinkUnavailable, match="make room"):
        writer.append(len(known), refused)

    ballast.unlink()
    writer.append(len(known), refused)
    writer.put("name", b"new" * 10_000, version)
    writer.close()
    again = open_writer(disk / "log", segment_bytes)
    assert audit(again) == known + refused
    assert list(again.incidents()) == []


def test_an_erasure_for_which_there_is_no_room_changes_nothing_and_is_done_once_there_is(
    small_disk: Callable[[str], Path],
    open_writer: Callable[..., Any],
    chained: Callable[..., list[Record]],
    audit: Callable[..., list[Record]],
) -> None:
    disk = small_disk("size=1m")
    ballast = disk / "ballast"
    ballast.write_bytes(bytes(600 * 1024))
    writer = open_writer(disk / "log", 10**9)
    refused = _fill(writer, chained, 5000)
    known = audit(writer)
    for _ in range(2):
        with pytest.raises(SinkUnavailable, match="make room"):
            writer.erase((3,))
        assert audit(writer) == known
    ballast.unlink()
    writer.erase((3,))
    known[3] = known[3]._replace(salt=b"", payload=None)
    assert list(writer.read()) == known
    writer.append(len(known), refused)


def test_a_log_that_was_left_on_a_full_disk_opens_once_there_is_room(
    small_disk: Callable[[str], Path],
    open_writer: Callable[..., Any],
    open_reader: Callable[..., Any],
    chained: Callable[..., list[Record]],
    audit: Callable[..., list[Record]],
) -> None:
    disk = small_disk("size=1m")
    ballast = disk / "ballast"
    ballast.write_bytes(bytes(256 * 1024))
    writer = open_writer(disk / "log")
    refused = _fill(writer, chained, 5000)
    known = audit(writer)
    _use_up(disk / "filler")
    with pytest.raises(SinkUnavailable, match="make room"):
        writer.close()  # the mark of an orderly close does not fit
    segment = max((disk / "log" / "segments").glob("*.seg"))
    _use_up(disk / "more filler")
    with pytest.raises(SinkUnavailable, match="make room"):
        open_writer(disk / "log")  # the name of the lock's holder does not fit
    assert audit(open_reader(disk / "log")) == known
    ballast.unlink()
    with segment.open("ab") as file:
        file.write(b"a torn batch")
    _use_up(disk / "last filler")
    with pytest.raises(SinkUnavailable, match="make room"):
        open_writer(disk / "log")  # the torn batch can not be set aside
    assert segment.read_bytes().endswith(b"a torn batch")
    (disk / "last filler").unlink()
    again = open_writer(disk / "log")
    again.append(len(known), refused)
    assert audit(again) == known + refused
    assert [incident.size for incident in again.incidents()] == [12]


def _use_up(path: Path) -> None:
    with path.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            return


def test_a_segment_that_can_not_be_started_for_want_of_a_file_is_started_later(
    small_disk: Callable[[str], Path],
    open_writer: Callable[..., Any],
    chained: Callable[..., list[Record]],
    audit: Callable[..., list[Record]],
) -> None:
    disk = small_disk("size=4m,nr_inodes=20")
    ballast = disk / "ballast"
    ballast.write_bytes(b"")
    writer = open_writer(disk / "log")
    refused = _fill(writer, chained, 3000)
    known = audit(writer)
    ballast.unlink()
    writer.append(len(known), refused)
    assert audit(writer) == known + refused
