"""Places where no log can be, and the files that a log is made of."""

from __future__ import annotations

import os
from contextlib import closing
from typing import TYPE_CHECKING, Any

import lmdb
import pytest

from rynxs.api import Record, SinkUnavailable
from rynxs.testing.histories import history

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

HOLD_LOCK = """
import fcntl
descriptor = os.open(sys.argv[1], os.O_RDWR)
fcntl.lockf(descriptor, fcntl.LOCK_SH, 1)
say("held")
sys.stdin.readline()
"""


def _lock(path: Path) -> Path:
    return path.with_name(f"{path.name}-lock")


def test_a_writer_makes_the_file_its_lock_file_and_the_directories_above(
    tmp_path: Path, open_writer: Callable[..., Any]
) -> None:
    path = tmp_path / "deep" / "er" / "log.mdb"
    open_writer(path).close()
    assert {each.name for each in path.parent.iterdir()} == {"log.mdb", "log.mdb-lock"}


def test_the_name_of_a_new_file_is_durable_before_it_is_used(
    tmp_path: Path, open_writer: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[Path] = []
    monkeypatch.setattr("rynxs_sink_lmdb.medium.sync_directory", synced.append)
    path = tmp_path / "deep" / "log.mdb"
    for _ in range(2):  # an empty log may be the work of a process that died before it synced
        writer = open_writer(path)
        assert synced[:3] == [tmp_path / "deep", tmp_path, tmp_path.parent]
        synced.clear()
        writer.close()
    writer = open_writer(path)
    writer.append(0, history(1))
    writer.close()
    synced.clear()
    open_writer(path)
    assert synced == []


def test_a_directory_is_no_log(
    tmp_path: Path, open_writer: Callable[..., Any], open_reader: Callable[..., Any]
) -> None:
    with pytest.raises(SinkUnavailable, match="a directory; name a file, such as"):
        open_writer(tmp_path)
    with pytest.raises(SinkUnavailable, match="not a regular file"):
        open_reader(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_pipe_is_named_and_not_waited_for(
    tmp_path: Path, open_writer: Callable[..., Any], open_reader: Callable[..., Any]
) -> None:
    os.mkfifo(tmp_path / "pipe")
    for opened in (open_writer, open_reader):
        with pytest.raises(SinkUnavailable, match="not a regular file"):
            opened(tmp_path / "pipe")


@pytest.mark.parametrize("content", [b"precious", b"p" * 9_000, bytes(8192)])
def test_a_file_of_something_else_does_not_become_a_log(
    content: bytes,
    log_path: Path,
    open_writer: Callable[..., Any],
    open_reader: Callable[..., Any],
    files: Callable[[Path], dict[str, bytes]],
) -> None:
    log_path.write_bytes(content)
    for opened in (open_writer, open_reader):
        with pytest.raises(SinkUnavailable, match=r"not a file of LMDB 0\.9"):
            opened(log_path)
        with pytest.raises(SinkUnavailable, match="Not a directory"):
            opened(log_path / "below")
    assert files(log_path.parent) == {"log.mdb": content}


@pytest.mark.parametrize("mark", [{}, {b"format": b"rynxs log 2"}], ids=["none", "a later one"])
def test_an_lmdb_file_of_something_else_does_not_become_a_log(
    mark: dict[bytes, bytes],
    log_path: Path,
    open_writer: Callable[..., Any],
    open_reader: Callable[..., Any],
) -> None:
    with closing(lmdb.open(str(log_path), subdir=False)) as file, file.begin(write=True) as txn:
        for key, value in (mark or {b"theirs": b"precious"}).items():
            txn.put(key, value)
    before = log_path.read_bytes()
    for opened in (open_writer, open_reader):
        with pytest.raises(SinkUnavailable, match="an LMDB file, and not a rynxs log"):
            opened(log_path)
    assert log_path.read_bytes() == before


def test_a_file_of_another_lmdb_is_told(log_path: Path, open_writer: Callable[..., Any]) -> None:
    lmdb.open(str(log_path), subdir=False, lib_version=1).close()
    with pytest.raises(SinkUnavailable, match=r"not a file of LMDB 0\.9"):
        open_writer(log_path)


def test_an_empty_file_is_made_a_log_by_a_writer_and_left_alone_by_a_reader(
    log_path: Path,
    open_writer: Callable[..., Any],
    open_reader: Callable[..., Any],
    files: Callable[[Path], dict[str, bytes]],
) -> None:
    log_path.touch()
    with pytest.raises(SinkUnavailable, match="no log is here, the file is empty"):
        open_reader(log_path)
    assert files(log_path.parent) == {"log.mdb": b""}
    # So it is left by a writer that died before its first transaction.
    lmdb.open(str(log_path), subdir=False).close()
    with pytest.raises(SinkUnavailable, match="no log is here, the file is empty"):
        open_reader(log_path)
    writer = open_writer(log_path)
    writer.append(0, history(2))
    assert open_reader(log_path).size() == 2


def test_a_file_that_got_no_more_than_its_first_page_is_made_a_log_unless_it_is_in_use(
    log_path: Path,
    open_writer: Callable[..., Any],
    open_reader: Callable[..., Any],
    child: Callable[..., Any],
) -> None:
    lmdb.open(str(log_path), subdir=False).close()
    os.truncate(log_path, 4096)  # for the disk was full
    with pytest.raises(SinkUnavailable, match="no log is here"):
        open_reader(log_path)
    holder = child(HOLD_LOCK, _lock(log_path))
    assert holder.stdout.readline() == "held\n"
    with pytest.raises(SinkUnavailable):
        open_writer(log_path)
    assert log_path.stat().st_size == 4096
    holder.communicate("\n")
    writer = open_writer(log_path)
    writer.append(0, history(2))
    assert tuple(open_reader(log_path).read()) == history(2)


def test_a_reader_says_that_there_is_no_log_and_makes_none(
    tmp_path: Path, open_reader: Callable[..., Any]
) -> None:
    for path in (tmp_path / "missing", tmp_path / "deep" / "missing"):
        with pytest.raises(SinkUnavailable, match="no log is here"):
            open_reader(path)
    assert list(tmp_path.iterdir()) == []


def test_a_lock_file_of_something_else_is_told(
    log_path: Path,
    make_log: Callable[[int], list[Record]],
    open_writer: Callable[..., Any],
    child: Callable[..., Any],
) -> None:
    make_log(3)
    holder = child(HOLD_LOCK, _lock(log_path))  # which keeps LMDB from making the file anew
    assert holder.stdout.readline() == "held\n"
    with _lock(log_path).open("r+b") as file:
        file.write(b"something else")
    with pytest.raises(SinkUnavailable, match="the lock file beside it belongs to something else"):
        open_writer(log_path)
    holder.communicate("\n")
    assert open_writer(log_path).size() == 3
