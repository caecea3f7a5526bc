"""Failing system calls: a typed error, nothing acknowledged lost, and the log usable after."""

from __future__ import annotations

import errno
import os
import shutil
from typing import TYPE_CHECKING, Any

import pytest

from rynxs.api import SinkUnavailable
from rynxs_sink_file.segment import MAGIC

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from rynxs.api import Record

CALLS = ("pwrite", "fdatasync", "ftruncate", "fsync", "open", "close")
ERRORS = ("EIO", "ENOSPC", "EINTR")
OCCURRENCES_MAX = 40


@pytest.fixture
def image(
    tmp_path: Path,
    open_writer: Callable[..., Any],
    extend: Callable[..., list[Record]],
) -> tuple[Path, list[Record]]:
    """A log whose next append starts a segment."""
    writer = open_writer(tmp_path / "image")
    records = extend(writer, [30], 60)
    writer.close()
    return tmp_path / "image", records


@pytest.mark.parametrize("always", [False, True], ids=["once", "from then on"])
@pytest.mark.parametrize("error", ERRORS)
@pytest.mark.parametrize("call", CALLS)
def test_an_append_during_which_a_call_fails_can_be_sent_again(
    call: str,
    error: str,
    always: bool,
    image: tuple[Path, list[Record]],
    tmp_path: Path,
    faults: Callable[[], Any],
    open_writer: Callable[..., Any],
    open_reader: Callable[..., Any],
    chained: Callable[..., list[Record]],
    audit: Callable[..., list[Record]],
) -> None:
    source, records = image
    first = chained(records, 20, 100)
    second = chained(records + first, 2)
    everything = records + first + second
    for occurrence in range(1, OCCURRENCES_MAX):
        path = tmp_path / f"{occurrence}"
        shutil.copytree(source, path)
        writer = open_writer(path)
        with faults() as injected:
            injected.fail(call, occurrence, error, always=always)
            if _try(writer, first):
                _try(writer, second)
            used = injected.count
        for start, batch in ((len(records), first), (len(records + first), second)):
            if writer.size() == start:
                writer.append(start, batch)
        assert audit(writer) == everything
        # As after a crash: what was acknowledged is there without an orderly close.
        crashed = tmp_path / f"{occurrence}-crashed"
        shutil.copytree(path, crashed)
        assert audit(open_writer(crashed)) == everything
        writer.close()
        assert audit(open_reader(path)) == everything
        assert open_reader(path).incidents() == []
        if used < occurrence:
            return
    pytest.fail(f"{call} was used over {OCCURRENCES_MAX} times")


def _try(writer: Any, batch: list[Record]) -> bool:
    """Append at the end; the only error may be the one that allows to try again."""
    size = writer.size()
    try:
        writer.append(size, batch)
    except SinkUnavailable:
        assert writer.size() == size
        return False
    assert writer.size() == size + len(batch)
    return True


@pytest.mark.parametrize("most", [1, 31, 33])
def test_short_writes_are_continued(
    most: int,
    image: tuple[Path, list[Record]],
    faults: Callable[[], Any],
    open_writer: Callable[..., Any],
    chained: Callable[..., list[Record]],
    audit: Callable[..., list[Record]],
) -> None:
    path, records = image
    more = chained(records, 2)
    writer = open_writer(path)
    with faults() as injected:
        injected.write_short(most)
        writer.append(len(records), more)
        writer.put("name", b"data" * 50)
    assert writer.get("name").data == b"data" * 50
    writer.close()
    assert audit(open_writer(path)) == records + more


def test_a_write_that_never_gets_on_is_an_error_and_not_an_endless_loop(
    image: tuple[Path, list[Record]],
    faults: Callable[[], Any],
    open_writer: Callable[..., Any],
    chained: Callable[..., list[Record]],
) -> None:
    path, records = image
    writer = open_writer(path)
    with faults() as injected:
        injected.write_short(0)
        with pytest.raises(SinkUnavailable, match="nothing could be written"):
            writer.append(len(records), chained(records, 1))
    writer.append(len(records), chained(records, 1))


def test_a_shorter_batch_after_one_that_could_not_be_cut_off_leaves_no_rest(
    make_log: Callable[..., tuple[Path, list[Record]]],
    faults: Callable[[], Any],
    open_writer: Callable[..., Any],
    open_reader: Callable[..., Any],
    chained: Callable[..., list[Record]],
    audit: Callable[..., list[Record]],
) -> None:
    path, records = make_log([10], size=60)
    writer = open_writer(path)
    with faults() as injected:
        injected.fail("fdatasync", 1, "EIO")
        injected.fail("ftruncate", 1, "EIO", always=True)
        with pytest.raises(SinkUnavailable):
            writer.append(10, chained(records, 200))
    shorter = chained(records, 8, 200)
    writer.append(10, shorter)  # fills the segment
    following = chained(records + shorter, 1)
    writer.append(18, following)
    assert audit(open_reader(path)) == records + shorter + following


def test_what_can_not_be_cut_off_is_not_written_over(
    make_log: Callable[..., tuple[Path, list[Record]]],
    faults: Callable[[], Any],
    open_writer: Callable[..., Any],
    chained: Callable[..., list[Record]],
) -> None:
    path, records = make_log([2])
    writer = open_writer(path)
    (segment,) = (path / "segments").glob("*.seg")
    before = segment.read_bytes()
    with faults() as injected:
        injected.fail("fdatasync", 1, "EIO")
        injected.fail("ftruncate", 1, "EIO", always=True)
        for count in (3, 1):
            with pytest.raises(SinkUnavailable):
                writer.append(2, chained(records, count))
    assert segment.read_bytes()[len(before) :].count(MAGIC) == 1
    crashed = path.with_name("crashed")
    shutil.copytree(path, crashed)
    writer.append(2, chained(records, 1))
    assert list(writer.read()) == records + chained(records, 1)
    # The twin: the process dies instead, and the batch it could not flush was persisted anyway.
    assert list(open_writer(crashed).read()) == records + chained(records, 3)


def test_an_interrupted_append_is_cut_off(
    make_log: Callable[..., tuple[Path, list[Record]]],
    open_writer: Callable[..., Any],
    chained: Callable[..., list[Record]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path, records = make_log([2])
    writer = open_writer(path)

    def interrupted(descriptor: int) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(os, "fdatasync", interrupted)
        with pytest.raises(KeyboardInterrupt):
            writer.append(2, chained(records, 3))
    writer.append(2, chained(records, 1))
    writer.close()
    assert list(open_writer(path).read()) == records + chained(records, 1)


@pytest.mark.parametrize("error", ERRORS)
@pytest.mark.parametrize("call", ["open", "fsync", "pwrite", "close", "pread", "mkdir", "fstat"])
def test_an_opening_and_closing_during_which_a_call_fails_can_be_repeated(
    call: str,
    error: str,
    tmp_path: Path,
    faults: Callable[[], Any],
    open_writer: Callable[..., Any],
    extend: Callable[..., list[Record]],
    audit: Callable[..., list[Record]],
) -> None:
    for occurrence in range(1, OCCURRENCES_MAX):
        path = tmp_path / f"{occurrence}" / "log"
        opened = []
        with faults() as injected:
            injected.fail(call, occurrence, error)
            try:
                for count in (2, 0):
                    opened.append(open_writer(path))
                    extend(opened[-1], [count] * bool(count))
                    opened[-1].close()
            except SinkUnavailable as failure:
                text = str(failure)
                assert os.strerror(getattr(errno, error)) in text
                assert ("make room" in text) == (error == "ENOSPC")
            used = injected.count
        for writer in opened:
            writer.close()
        writer = open_writer(path)
        known = list(writer.read())
        assert len(known) in {0, 2}
        assert audit(writer) == known
        writer.close()
        if used < occurrence:
            assert len(known) == 2
            return
    pytest.fail(f"{call} was used over {OCCURRENCES_MAX} times")
