"""The simulated disk keeps what was flushed, and of the rest what POSIX allows."""

from __future__ import annotations

import os
from pathlib import PurePosixPath
from random import Random

import pytest

from rynxs.simulation.disk import SECTOR, Directory, Disk, File

PATH = PurePosixPath("/file")
MADE = os.O_RDWR | os.O_CREAT
CHANCES = 60


def made(disk: Disk, path: PurePosixPath = PATH) -> File:
    found = disk.open(path, MADE, 0o644)
    assert isinstance(found, File)
    return found


def flushed(data: bytes) -> tuple[Disk, File]:
    disk = Disk()
    file = made(disk)
    file.write(0, data)
    file.flush()
    disk.root.flush()
    return disk, file


def test_what_was_flushed_is_there_after_a_loss_of_power_and_no_more_need_be() -> None:
    left = set()
    for seed in range(CHANCES):
        disk, file = flushed(b"kept")
        file.write(4, b"lost")
        disk.lose_power(Random(seed))
        left.add(bytes(file.data))
    assert left == {b"kept", b"keptlost"}


def test_sectors_of_one_write_are_lost_each_by_itself_so_that_a_later_one_may_be_there() -> None:
    left = set()
    for seed in range(CHANCES):
        disk, file = flushed(b"")
        file.write(0, b"a" * SECTOR + b"b" * SECTOR)
        disk.lose_power(Random(seed))
        left.add(bytes(file.data))
    a, b, zeros = b"a" * SECTOR, b"b" * SECTOR, bytes(SECTOR)
    assert left == {b"", a, zeros + b, a + b}


def test_a_name_that_was_not_flushed_may_be_gone_with_what_was_flushed_beneath() -> None:
    left = set()
    for seed in range(CHANCES):
        disk = Disk()
        file = made(disk)
        file.write(0, b"data")
        file.flush()
        disk.lose_power(Random(seed))
        left.add(tuple((path, bytes(each.data)) for path, each in disk.files()))
    assert left == {(), (("/file", b"data"),)}


def test_a_rename_happens_as_a_whole_or_not_at_all() -> None:
    left = set()
    for seed in range(CHANCES):
        disk, _ = flushed(b"old")
        beside = made(disk, PurePosixPath("/beside"))
        beside.write(0, b"new")
        beside.flush()
        disk.root.flush()
        disk.replace(PurePosixPath("/beside"), PATH)
        disk.lose_power(Random(seed))
        left.add(tuple((path, bytes(each.data)) for path, each in disk.files()))
    assert left == {(("/beside", b"new"), ("/file", b"old")), (("/file", b"new"),)}


def test_what_a_failed_flush_was_to_write_is_read_but_lost_even_if_the_next_one_works() -> None:
    disk, file = flushed(b"old" + bytes(SECTOR - 3) + b"more")
    file.write(0, b"new")
    file.fail_to_flush()
    assert bytes(file.data[:3]) == b"new"
    file.flush()
    disk.lose_power(Random(0))
    assert bytes(file.data[:3]) == b"old"
    assert bytes(file.data[SECTOR:]) == b"more"


def test_what_is_written_anew_after_a_failed_flush_is_kept_by_the_next() -> None:
    disk, file = flushed(b"old")
    file.write(0, b"new")
    file.fail_to_flush()
    file.truncate(0)
    file.flush()
    file.write(0, b"new")
    file.flush()
    disk.lose_power(Random(0))
    assert bytes(file.data) == b"new"


def test_what_a_failed_flush_has_lost_at_the_end_reads_as_zeros_then() -> None:
    disk, file = flushed(b"")
    file.write(0, b"never")
    file.fail_to_flush()
    file.flush()
    disk.lose_power(Random(0))
    assert bytes(file.data) == bytes(5)


def test_what_can_not_be_done_raises_what_the_kernel_does() -> None:
    disk = Disk()
    made(disk)
    with pytest.raises(FileNotFoundError, match="/none"):
        disk.find(PurePosixPath("/none"))
    with pytest.raises(FileNotFoundError):
        disk.open(PurePosixPath("/none"), os.O_RDONLY, 0)
    with pytest.raises(FileExistsError):
        disk.open(PATH, MADE | os.O_EXCL, 0)
    with pytest.raises(NotADirectoryError):
        disk.find(PATH / "below")
    with pytest.raises(NotADirectoryError):
        disk.open(PATH, os.O_RDONLY | os.O_DIRECTORY, 0)
    folder = PurePosixPath("/folder")
    disk.mkdir(folder)
    with pytest.raises(FileExistsError):
        disk.mkdir(folder)
    made(disk, folder / "file")
    with pytest.raises(OSError, match="not empty"):
        disk.rmdir(folder)
    with pytest.raises(IsADirectoryError):
        disk.open(folder, os.O_RDWR, 0)
    with pytest.raises(IsADirectoryError):
        disk.unlink(folder)
    disk.unlink(folder / "file")
    disk.rmdir(folder)
    assert isinstance(disk.root, Directory)
    assert sorted(disk.root.entries) == ["file"]


def test_a_bit_that_rots_is_read_and_stays() -> None:
    disk, file = flushed(b"data")
    file.rot(Random(1))
    rotten = bytes(file.data)
    assert sum((a ^ b).bit_count() for a, b in zip(rotten, b"data", strict=True)) == 1
    disk.lose_power(Random(0))
    assert bytes(file.data) == rotten
