"""The index is a cache: whatever is in it, a read returns the same, and with it reads little."""

from __future__ import annotations

import os
import struct
from typing import TYPE_CHECKING, Any

import pytest

from rynxs_sink_file import index
from rynxs_sink_file.segment import MAGIC

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from rynxs.api import Record

    Log = tuple[Path, list[Record]]

BATCHES = 30
PER_BATCH = 4


@pytest.fixture
def log(make_log: Callable[..., Log], monkeypatch: pytest.MonkeyPatch) -> Log:
    """A log of one segment with many index entries."""
    monkeypatch.setattr(index, "SPACING", 500)
    path, records = make_log([PER_BATCH] * BATCHES, segment_bytes=10**9)
    assert len(_entries(path)) > BATCHES / 2
    return path, records


def _index(path: Path) -> Path:
    (found,) = (path / "segments").glob("*.idx")
    return found


def _entries(path: Path) -> list[tuple[int, int]]:
    return list(struct.iter_unpack(">QQ", _index(path).read_bytes()))


def _packed(entries: list[tuple[int, int]]) -> bytes:
    return b"".join(struct.pack(">QQ", *entry) for entry in entries)


def _inside_a_batch(path: Path) -> bytes:
    return _packed([(seq, offset + 1) for seq, offset in _entries(path)])


def _wrong_seq(path: Path) -> bytes:
    return _packed([(seq + 1, offset) for seq, offset in _entries(path)])


def _past_the_end(path: Path) -> bytes:
    return _index(path).read_bytes() + _packed([(10**6, 10**9), (2**64 - 1, 2**64 - 1)])


STALE: dict[str, Callable[[Path], bytes]] = {
    "as written": lambda path: _index(path).read_bytes(),
    "empty": lambda _: b"",
    "first half": lambda path: _packed(_entries(path)[: len(_entries(path)) // 2]),
    "second half": lambda path: _packed(_entries(path)[len(_entries(path)) // 2 :]),
    "torn within an entry": lambda path: _index(path).read_bytes()[:-7],
    "shifted by a byte": lambda path: b"\0" + _index(path).read_bytes(),
    "backwards": lambda path: _packed(_entries(path)[::-1]),
    "one entry many times": lambda path: _packed(_entries(path)[:1] * 50),
    "noise": lambda _: bytes(range(256)) * 3,
    "all ones": lambda _: b"\xff" * 160,
    "zeros": lambda _: bytes(160),
    "inside a batch": _inside_a_batch,
    "wrong seq": _wrong_seq,
    "past the end": _past_the_end,
}


@pytest.mark.parametrize("kind", STALE)
def test_an_index_that_is_stale_or_garbled_changes_no_result(
    kind: str,
    log: Log,
    open_reader: Callable[..., Any],
    open_writer: Callable[..., Any],
    chained: Callable[..., list[Record]],
) -> None:
    path, records = log
    _index(path).write_bytes(STALE[kind](path))
    _demand_reads(open_reader(path), records)
    writer = open_writer(path, 10**9)
    more = chained(records, 50, 100)
    writer.append(len(records), more)
    writer.append(len(records) + 50, chained(records + more, 1))
    _demand_reads(writer, list(writer.read()))
    assert list(writer.read())[: len(records) + 50] == records + more


def _demand_reads(sink: Any, records: list[Record]) -> None:
    assert sink.size() == len(records)
    assert list(sink.read()) == records
    for start in range(len(records)):
        assert next(sink.read(start)) == records[start], start


@pytest.mark.parametrize("obstacle", ["missing", "a directory"])
def test_an_index_that_can_not_be_read_or_written_changes_no_result(
    obstacle: str,
    log: Log,
    open_reader: Callable[..., Any],
    open_writer: Callable[..., Any],
    extend: Callable[..., list[Record]],
) -> None:
    path, records = log
    file = _index(path)
    file.unlink()
    if obstacle == "a directory":
        file.mkdir()
    _demand_reads(open_reader(path), records)
    writer = open_writer(path, 10**9)
    _demand_reads(writer, extend(writer, [10, 10]))


def test_an_index_keeps_no_entry_of_what_was_quarantined(
    make_log: Callable[..., Log],
    open_writer: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(index, "SPACING", 100)
    path, records = make_log([2] * 9, crashed=True)
    (segment,) = (path / "segments").glob("*.seg")
    last_seq, last_offset = _entries(path)[-1]
    assert (last_seq, last_offset) == (16, segment.read_bytes().rindex(MAGIC))
    os.truncate(segment, segment.stat().st_size - 1)
    writer = open_writer(path)
    assert _entries(path)[-1][0] == 14
    _demand_reads(writer, records[:-2])


def test_reading_the_last_record_of_a_large_segment_reads_little_of_it(
    make_log: Callable[..., Log], open_reader: Callable[..., Any]
) -> None:
    path, records = make_log([4] * 200, size=15_000, segment_bytes=10**9)
    (segment,) = (path / "segments").glob("*.seg")
    whole = segment.stat().st_size
    before = _bytes_read()
    reader = open_reader(path)
    assert list(reader.read(reader.size() - 1)) == records[-1:]
    spent = _bytes_read() - before
    assert whole > 10_000_000
    assert spent < whole / 8


def test_reading_the_last_record_of_many_segments_reads_one_of_them(
    make_log: Callable[..., Log], open_reader: Callable[..., Any]
) -> None:
    path, records = make_log([10] * 300, size=300)
    segments = list((path / "segments").glob("*.seg"))
    before = _bytes_read()
    reader = open_reader(path)
    assert list(reader.read(reader.size() - 1)) == records[-1:]
    spent = _bytes_read() - before
    assert len(segments) > 100
    assert spent < 10 * max(segment.stat().st_size for segment in segments)


def _bytes_read() -> int:
    """Return how many bytes this process has read through system calls."""
    with open("/proc/self/io") as file:  # noqa: PTH123
        return int(file.readline().removeprefix("rchar:"))
