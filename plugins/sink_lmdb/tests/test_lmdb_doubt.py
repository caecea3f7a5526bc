"""Transactions that fail, or seem to: what is sent again is there once."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING, Any

import lmdb
import pytest

from rynxs.api import SinkConflict, SinkCorrupt, SinkUnavailable
from rynxs.testing.histories import history
from rynxs_sink_lmdb import medium

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def test_a_commit_that_fails_halfway_leaves_nothing_and_is_repeated(
    log_path: Path,
    open_writer: Callable[..., Any],
    failing: Callable[..., Any],
    errno_error: Callable[..., lmdb.Error],
) -> None:
    writer = open_writer(log_path)
    writer.append(0, history(3))
    for _ in range(2):
        with (
            failing("commit", errno_error(lmdb.DiskError, errno.ENOSPC)),
            pytest.raises(SinkUnavailable, match="No space left on device; make room"),
        ):
            writer.append(3, history(5)[3:])
        assert writer.size() == 3
    writer.append(3, history(5)[3:])
    assert tuple(writer.read()) == history(5)


def test_a_commit_that_was_carried_out_and_reported_as_failed_is_acknowledged_when_repeated(
    log_path: Path,
    open_writer: Callable[..., Any],
    failing: Callable[..., Any],
    errno_error: Callable[..., lmdb.Error],
) -> None:
    writer = open_writer(log_path)
    broken = errno_error(lmdb.Error, errno.EIO)
    with failing("commit", broken, after=True), pytest.raises(SinkUnavailable):
        writer.append(0, history(3))
    with failing("commit", broken, after=True), pytest.raises(SinkUnavailable):
        writer.append(0, history(3))
    writer.append(0, list(history(3)))  # equal, and not the same object
    with pytest.raises(SinkConflict):
        writer.append(0, history(3))  # now it is a stale writer's
    writer.append(3, history(4)[3:])
    assert tuple(writer.read()) == history(4)


@pytest.mark.parametrize("more", [0, 1], ids=["alone", "and went on"])
def test_the_same_bytes_of_another_writer_are_not_taken_for_the_repeated_batch(
    more: int,
    log_path: Path,
    open_writer: Callable[..., Any],
    failing: Callable[..., Any],
    errno_error: Callable[..., lmdb.Error],
) -> None:
    writer, other = open_writer(log_path), open_writer(log_path)
    with (
        failing("commit", errno_error(lmdb.Error, errno.EIO)),
        pytest.raises(SinkUnavailable),
    ):
        writer.append(0, history(3))
    other.append(0, history(3))
    if more:
        other.append(3, history(4)[3:])
    for _ in range(2):
        with pytest.raises(SinkConflict):
            writer.append(0, history(3))


def test_other_bytes_than_those_in_doubt_conflict_when_they_were_carried_out(
    log_path: Path,
    open_writer: Callable[..., Any],
    failing: Callable[..., Any],
    errno_error: Callable[..., lmdb.Error],
) -> None:
    writer = open_writer(log_path)
    with (
        failing("commit", errno_error(lmdb.Error, errno.EIO), after=True),
        pytest.raises(SinkUnavailable),
    ):
        writer.append(0, history(3))
    with pytest.raises(SinkConflict):
        writer.append(0, history(3, "another"))
    assert tuple(writer.read()) == history(3)


def test_an_interrupted_append_is_undone(
    log_path: Path, open_writer: Callable[..., Any], failing: Callable[..., Any]
) -> None:
    writer = open_writer(log_path)
    for call in ("put_many", "put", "commit"):
        with failing(call, KeyboardInterrupt()), pytest.raises(KeyboardInterrupt):
            writer.append(0, history(3))
        assert writer.size() == 0
    writer.append(0, history(3))


def test_after_a_failed_meta_page_the_file_is_opened_again(
    log_path: Path, open_writer: Callable[..., Any], failing: Callable[..., Any]
) -> None:
    writer = open_writer(log_path)
    writer.append(0, history(3))
    before = writer._environment.file.opened.environment
    panic = lmdb.PanicError("mdb_txn_begin: MDB_PANIC")
    begins = iter([panic, None])
    real = medium.begin_writing

    def once(environment: lmdb.Environment) -> Any:
        if error := next(begins, None):
            raise error
        return real(environment)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(medium, "begin_writing", once)
        writer.append(3, history(5)[3:])
    assert writer._environment.file.opened.environment is not before
    with failing("begin_reading", panic), pytest.raises(SinkUnavailable, match="open the log"):
        writer.size()
    assert tuple(writer.read()) == history(5)


@pytest.mark.parametrize("lasts", [False, True], ids=["once", "and the file stays closed"])
def test_a_map_that_can_not_be_made_leaves_the_log_usable(
    lasts: bool,
    log_path: Path,
    open_writer: Callable[..., Any],
    failing: Callable[..., Any],
    errno_error: Callable[..., lmdb.Error],
) -> None:
    writer = open_writer(log_path)
    writer.append(0, history(3))
    no_space = errno_error(lmdb.MemoryError, errno.ENOMEM)
    with (
        failing("set_map_size", no_space),
        pytest.raises(SinkUnavailable, match="address space"),
    ):
        writer.put("name", bytes(2**21))
    if lasts:
        with failing("open_for_writing", no_space), pytest.raises(SinkUnavailable):
            writer.size()
    assert writer.size() == 3
    assert writer.get("name") is None
    writer.put("name", bytes(2**21))
    writer.append(3, history(5)[3:])
    assert tuple(writer.read()) == history(5)


def test_an_append_out_of_order_that_lmdb_refuses_is_told_as_damage(
    log_path: Path, open_writer: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = open_writer(log_path)
    writer.append(0, history(3))
    monkeypatch.setattr("rynxs_sink_lmdb.writer.count", lambda _: 1)
    with pytest.raises(SinkCorrupt, match="0 of 2 records were put") as caught:
        writer.append(1, history(3)[1:])
    assert caught.value.seq == 1
    assert tuple(writer.read()) == history(3)
