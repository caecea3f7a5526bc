"""Appending, reading and counting records."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest

from rynxs.api import RECORDS_MAX, SinkConflict, SinkCorrupt, SinkUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from rynxs.api import Record

COUNTS = (1, 3, 2, 40, 1, 5, 30, 2, 7, 25, 1)


def _segments(path: Path) -> list[Path]:
    return sorted((path / "segments").glob("*.seg"))


def test_a_new_log_is_empty(tmp_path: Path, open_writer: Callable[..., Any]) -> None:
    writer = open_writer(tmp_path / "deep" / "log")
    assert writer.size() == 0
    assert list(writer.read()) == []
    assert writer.incidents() == []


def test_what_was_appended_is_read_again_here_and_by_a_reader_and_after_reopening(
    tmp_path: Path,
    open_writer: Callable[..., Any],
    open_reader: Callable[..., Any],
    chained: Callable[..., list[Record]],
) -> None:
    writer = open_writer(tmp_path)
    first = chained([], 3)
    writer.append(0, first)
    second = chained(first, 1)
    writer.append(3, second)
    for sink in (writer, open_reader(tmp_path)):
        assert sink.size() == 4
        assert list(sink.read()) == first + second
    writer.close()
    again = open_writer(tmp_path)
    assert again.size() == 4
    assert list(again.read()) == first + second


def test_every_range_over_batches_and_segments_is_what_slicing_gives(
    make_log: Callable[..., tuple[Path, list[Record]]], open_reader: Callable[..., Any]
) -> None:
    path, records = make_log(COUNTS, size=60)
    assert len(_segments(path)) >= 4
    reader = open_reader(path)
    bounds = [0, 1, 2, 4, 5, 6, 7, 45, 46, 47, 50, 51, 52, 82, len(records) - 1, len(records)]
    for start in bounds:
        for stop in (*bounds, None, len(records) + 7):
            assert list(reader.read(start, stop)) == records[start:stop], (start, stop)
    assert list(reader.read(len(records) + 3)) == []


@pytest.mark.parametrize("start", [0, 2, 4, 2**40])
def test_an_append_elsewhere_than_at_the_end_conflicts_and_writes_nothing(
    start: int,
    make_log: Callable[..., tuple[Path, list[Record]]],
    open_writer: Callable[..., Any],
    files: Callable[[Path], dict[str, bytes]],
) -> None:
    path, records = make_log([3])
    writer = open_writer(path)
    before = files(path / "segments")
    with pytest.raises(SinkConflict, match=f"append at {start}, but the log holds 3 records"):
        writer.append(start, records[:1])
    assert writer.size() == 3
    assert files(path / "segments") == before


def test_a_batch_of_none_or_too_many_is_refused(
    tmp_path: Path, open_writer: Callable[..., Any], chained: Callable[..., list[Record]]
) -> None:
    writer = open_writer(tmp_path)
    records = chained([], 1)
    for batch in ([], records * (RECORDS_MAX + 1)):
        with pytest.raises(SinkUnavailable, match="1 to 1000 records"):
            writer.append(0, batch)
    assert writer.size() == 0


def test_a_closed_log_takes_nothing_and_a_second_close_does_nothing(
    make_log: Callable[..., tuple[Path, list[Record]]], open_writer: Callable[..., Any]
) -> None:
    path, records = make_log([1])
    writer = open_writer(path)
    writer.close()
    other = open_writer(path)  # the lock is free
    writer.close()
    with pytest.raises(SinkUnavailable, match="the log is closed"):
        writer.append(1, records)
    with pytest.raises(SinkUnavailable, match="the log is closed"):
        writer.put("name", b"")
    assert other.size() == 1


def test_a_segment_that_is_full_is_followed_by_one_named_by_its_first_seq(
    make_log: Callable[..., tuple[Path, list[Record]]],
) -> None:
    path, records = make_log([5] * 40, size=100)
    segments = _segments(path)
    sizes = [segment.stat().st_size for segment in segments]
    assert len(segments) > 5
    assert all(4096 <= size < 2 * 4096 for size in sizes[:-1])
    starts = [int(segment.stem) for segment in segments]
    assert starts[0] == 0
    assert starts[-1] < len(records)
    assert all(low < high and low % 5 == 0 for low, high in pairwise(starts))


def test_a_reader_refuses_to_write(
    make_log: Callable[..., tuple[Path, list[Record]]],
    open_reader: Callable[..., Any],
    files: Callable[[Path], dict[str, bytes]],
) -> None:
    path, records = make_log([1])
    before = files(path)
    reader = open_reader(path)
    with pytest.raises(SinkUnavailable, match="reading only"):
        reader.append(1, records)
    with pytest.raises(SinkUnavailable, match="reading only"):
        reader.put("name", b"data")
    reader.close()
    reader.close()
    assert files(path) == before


@pytest.mark.parametrize("lost", ["first", "middle"])
def test_a_missing_segment_is_told_and_no_record_is_passed_off_as_another(
    lost: str,
    make_log: Callable[..., tuple[Path, list[Record]]],
    open_reader: Callable[..., Any],
) -> None:
    path, records = make_log([5] * 40, size=100)
    segments = _segments(path)
    place = 0 if lost == "first" else 2
    low, high = int(segments[place].stem), int(segments[place + 1].stem)
    segments[place].unlink()
    reader = open_reader(path)
    for start in (low, low + 1, high - 1):
        with pytest.raises(SinkCorrupt) as caught:
            next(reader.read(start))
        assert caught.value.seq == start
    assert list(reader.read(high)) == records[high:]


def test_a_segment_that_was_cut_short_is_told_where_it_ends(
    make_log: Callable[..., tuple[Path, list[Record]]], open_reader: Callable[..., Any]
) -> None:
    path, records = make_log([5] * 40, size=100)
    first, second, *_ = _segments(path)
    whole = first.read_bytes()
    first.write_bytes(whole[: whole.rindex(b"\xffRYNXS\x00\x01")])
    ends_at, goes_on_at = int(second.stem) - 5, int(second.stem)
    found = []
    with pytest.raises(SinkCorrupt, match="missing") as caught:
        found += open_reader(path).read(0, len(records))
    assert caught.value.seq == ends_at
    with pytest.raises(SinkCorrupt, match="missing"):
        next(open_reader(path).read(goes_on_at - 1))
    assert next(open_reader(path).read(goes_on_at)) == records[goes_on_at]


def test_a_second_writer_past_a_deleted_lock_fences_the_first(
    make_log: Callable[..., tuple[Path, list[Record]]],
    open_writer: Callable[..., Any],
    open_reader: Callable[..., Any],
    chained: Callable[..., list[Record]],
) -> None:
    path, records = make_log([3])
    first = open_writer(path)
    (path / "LOCK").unlink()
    second = open_writer(path)
    theirs = chained(records, 2)
    second.append(3, theirs)
    with pytest.raises(SinkConflict, match="changed while this writer has it open"):
        first.append(3, chained(records, 1))
    assert list(open_reader(path).read()) == records + theirs


def test_a_second_writer_that_has_started_the_next_segment_fences_the_first(
    make_log: Callable[..., tuple[Path, list[Record]]],
    open_writer: Callable[..., Any],
    open_reader: Callable[..., Any],
    chained: Callable[..., list[Record]],
) -> None:
    path, records = make_log([40], size=100)
    first = open_writer(path)
    (path / "LOCK").unlink()
    second = open_writer(path)
    theirs = chained(records, 2)
    second.append(40, theirs)
    assert len(_segments(path)) == 2
    with pytest.raises(SinkConflict, match="another writer has started it"):
        first.append(40, chained(records, 1))
    assert list(open_reader(path).read()) == records + theirs


def test_an_append_to_a_log_that_was_deleted_is_not_acknowledged(
    make_log: Callable[..., tuple[Path, list[Record]]],
    open_writer: Callable[..., Any],
    chained: Callable[..., list[Record]],
) -> None:
    path, records = make_log([3])
    writer = open_writer(path)
    _segments(path)[0].unlink()
    with pytest.raises(SinkConflict):
        writer.append(3, chained(records, 1))
