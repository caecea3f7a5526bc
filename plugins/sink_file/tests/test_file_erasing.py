"""Erasing: segments are written anew, and nothing else in the directory changes or tells."""

from __future__ import annotations

import os
import random
import stat
import struct
from typing import TYPE_CHECKING, Any

import pytest

from rynxs.api import Record, SinkCorrupt, SinkUnavailable
from rynxs.testing.histories import verified
from rynxs_sink_file import index
from rynxs_sink_file.segment import read_envelope

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence
    from pathlib import Path

    Log = tuple[Path, list[Record]]

COUNTS = (1, 7, 1, 12, 3) * 4
SIZE = sum(COUNTS)
PIECE = 16


def _erased(records: Sequence[Record], seqs: Collection[int]) -> list[Record]:
    return [
        Record(record.header, b"", None) if seq in seqs else record
        for seq, record in enumerate(records)
    ]


def _segments(path: Path) -> list[Path]:
    return sorted((path / "segments").glob("*.seg"))


def _check_indexes(path: Path) -> int:
    """Demand that every index entry is that of a batch, and return how many there are."""
    entries = 0
    for segment in _segments(path):
        if not index.index_path(segment).exists():
            continue
        with segment.open("rb") as file:
            for seq, offset in struct.iter_unpack(">QQ", index.index_path(segment).read_bytes()):
                envelope = read_envelope(file.fileno(), offset)
                assert envelope is not None
                assert envelope.first_seq == seq
                entries += 1
    return entries


@pytest.mark.parametrize("segment_bytes", [1500, 4096, 10**9])
@pytest.mark.parametrize(
    "seqs",
    [(0,), (1,), (SIZE - 1,), range(1, 8), range(SIZE), (0, 8, 9, 20, 21, 50, 51, 52, SIZE - 1)],
    ids=["first", "first of a batch", "last", "a whole batch", "all", "several"],
)
def test_what_is_erased_is_gone_all_else_is_as_it_was_and_the_log_goes_on(
    seqs: Collection[int],
    segment_bytes: int,
    make_log: Callable[..., Log],
    open_writer: Callable[..., Any],
    open_reader: Callable[..., Any],
    chained: Callable[..., list[Record]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(index, "SPACING", 500)
    path, records = make_log(COUNTS, segment_bytes=segment_bytes)
    reader, writer = open_reader(path), open_writer(path, segment_bytes)
    before = _check_indexes(path)
    wanted = _erased(records, seqs)
    writer.erase(seqs)
    more = chained(records, 9)
    assert verified(list(writer.read())) == verified(list(reader.read())) == wanted
    assert before == 0 or _check_indexes(path) > 0 or len(seqs) == SIZE
    writer.append(SIZE, more[:4])
    writer.append(SIZE + 4, more[4:])
    wanted += more
    for sink in (writer, reader, open_reader(path)):
        assert list(sink.read()) == wanted
        for start in range(0, len(wanted), 7):
            assert list(sink.read(start, start + 3)) == wanted[start : start + 3]
    writer.close()
    _check_indexes(path)
    again = open_writer(path, segment_bytes)
    assert verified(list(again.read())) == wanted
    assert again.incidents() == []


def test_no_piece_of_it_stays_in_any_file(
    tmp_path: Path,
    open_writer: Callable[..., Any],
    chained: Callable[..., list[Record]],
) -> None:
    """Indexes, quarantine, and what killed writers left behind included."""
    dice = random.Random(7)
    secret, salt = dice.randbytes(PIECE * 500), dice.randbytes(16)
    traces = [salt, *(secret[place : place + PIECE] for place in range(0, len(secret), PIECE))]
    writer = open_writer(tmp_path)
    records = chained([], 40)
    records[13:14] = [Record(records[13].header, salt, secret)]
    writer.append(0, records[:10])
    writer.append(10, records[10:20])
    writer.append(20, records[20:])
    writer.put("snapshot", secret)
    (tmp_path / "objects" / ".snapshot-2.tmp").write_bytes(secret)
    (tmp_path / "segments" / f".{13:020d}.seg.tmp").write_bytes(secret)
    assert len(list(_files_with(tmp_path, traces))) == 4
    writer.delete("snapshot")
    writer.erase((13,))
    assert list(_files_with(tmp_path, traces)) == []
    assert list(writer.read()) == _erased(records, (13,))


def _files_with(root: Path, traces: Sequence[bytes]) -> Iterator[Path]:
    for path in root.rglob("*"):
        if path.is_file() and any(trace in path.read_bytes() for trace in traces):
            yield path


def test_only_segments_that_hold_something_to_erase_are_written(
    make_log: Callable[..., Log],
    open_writer: Callable[..., Any],
    files: Callable[[Path], dict[str, bytes]],
) -> None:
    path, records = make_log(COUNTS, segment_bytes=1500)
    starts = [int(segment.stem) for segment in _segments(path)]
    writer = open_writer(path, 1500)
    before = files(path)
    inodes = [segment.stat().st_ino for segment in _segments(path)]
    writer.erase((starts[2], starts[1] - 1, starts[2]))
    changed = [
        place
        for place, segment in enumerate(_segments(path))
        if segment.stat().st_ino != inodes[place]
    ]
    assert changed == [0, 2]
    after = files(path)
    names = {f"segments/{starts[place]:020d}.seg" for place in changed}
    assert {name for name in before if after[name] != before[name]} == names
    inodes = [segment.stat().st_ino for segment in _segments(path)]
    writer.erase((starts[2],))
    assert [segment.stat().st_ino for segment in _segments(path)] == inodes
    assert list(writer.read()) == _erased(records, (starts[2], starts[1] - 1))


def test_a_read_that_is_under_way_in_a_segment_ends_as_it_began(
    make_log: Callable[..., Log],
    open_writer: Callable[..., Any],
    open_reader: Callable[..., Any],
    chained: Callable[..., list[Record]],
) -> None:
    path, records = make_log(COUNTS, segment_bytes=4096)
    writer, reader = open_writer(path), open_reader(path)
    reading = reader.read()
    found = [next(reading) for _ in range(10)]
    writer.erase(range(0, SIZE, 2))
    writer.append(SIZE, chained(records, 3))
    found += reading
    wanted = _erased(records, range(0, SIZE, 2))
    assert len(found) == SIZE
    assert all(
        each in pair for each, pair in zip(found, zip(records, wanted, strict=True), strict=True)
    )
    assert found[-2:] == wanted[-2:]


def test_a_damaged_segment_is_left_alone(
    make_log: Callable[..., Log],
    open_writer: Callable[..., Any],
    files: Callable[[Path], dict[str, bytes]],
) -> None:
    path, _ = make_log(COUNTS, segment_bytes=1500)
    writer = open_writer(path, 1500)
    writer.erase(())
    damaged = _segments(path)[1]
    content = bytearray(damaged.read_bytes())
    content[-1] ^= 1
    damaged.write_bytes(content)
    first = int(damaged.stem)
    before = files(path)
    with pytest.raises(SinkCorrupt) as caught:
        writer.erase((first,))
    assert caught.value.seq > first  # it is another batch that fails
    assert files(path) == before
    writer.erase((0,))


@pytest.mark.parametrize("end", [b"", b"a torn batch"], ids=["none", "torn"])
def test_quarantine_and_what_a_killed_erasure_left(
    end: bytes,
    make_log: Callable[..., Log],
    open_writer: Callable[..., Any],
    open_reader: Callable[..., Any],
) -> None:
    """The next opening removes the one; what was set aside is nobody's record and stays."""
    path, records = make_log(COUNTS, segment_bytes=10**9)
    segment = _segments(path)[0]
    left = segment.with_name(f".{segment.name}.tmp")
    left.write_bytes(segment.read_bytes()[:100])
    with segment.open("ab") as file:
        file.write(end)
    open_reader(path)
    assert left.exists()
    writer = open_writer(path)
    assert not left.exists()
    writer.erase((3, SIZE - 1))
    assert list(writer.read()) == _erased(records, (3, SIZE - 1))
    assert [incident.size for incident in writer.incidents()] == ([len(end)] if end else [])


def test_the_new_segment_can_be_used_by_those_who_could_use_the_old_one(
    make_log: Callable[..., Log], open_writer: Callable[..., Any]
) -> None:
    path, _ = make_log([3])
    (segment,) = _segments(path)
    segment.chmod(0o640)
    if not os.geteuid():
        os.chown(segment, 12_345, 23_456)
    before = segment.stat()
    open_writer(path).erase((1,))
    after = segment.stat()
    assert after.st_ino != before.st_ino
    assert stat.S_IMODE(after.st_mode) == 0o640
    assert (after.st_uid, after.st_gid) == (before.st_uid, before.st_gid)


def test_a_batch_that_could_not_be_written_does_not_come_back_by_an_erasure(
    make_log: Callable[..., Log],
    open_writer: Callable[..., Any],
    faults: Callable[[], Any],
    chained: Callable[..., list[Record]],
) -> None:
    path, records = make_log([5])
    writer = open_writer(path)
    lost, more = chained(records, 3, 90), chained(records, 2)
    with faults() as injected:
        injected.fail("fdatasync", 1, "EIO")
        injected.fail("ftruncate", 1, "EIO")
        with pytest.raises(SinkUnavailable):
            writer.append(5, lost)
    writer.erase((2,))
    assert list(writer.read()) == _erased(records, (2,))
    writer.append(5, more)
    writer.close()
    assert list(open_writer(path).read()) == _erased(records + more, (2,))


def test_a_deleted_object_makes_room_for_a_name_that_its_directory_had(
    tmp_path: Path, open_writer: Callable[..., Any]
) -> None:
    writer = open_writer(tmp_path)
    for name in ("a/b/c", "a/b/d"):
        writer.put(name, b"data")
    writer.delete("a/b/c")
    assert writer.list() == ["a/b/d"]
    writer.delete("a/b")  # no object
    writer.delete("a/b/c/d")  # below one that is gone
    writer.delete("a/b/d")
    assert writer.list() == []
    writer.put("a", b"data")
    assert writer.get("a").data == b"data"
