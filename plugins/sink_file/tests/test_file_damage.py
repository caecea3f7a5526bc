"""One flipped bit in every byte of every file of a log."""

from __future__ import annotations

import shutil
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest

from rynxs.api import ABSENT, SinkCorrupt, SinkUnavailable, decode_header
from rynxs.errors import CheckpointRefused, LogCorrupt
from rynxs.eventlog.log import FRONTIER, Log
from rynxs_sink_file import index

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from rynxs.api import Record

TYPED = (SinkCorrupt, LogCorrupt, CheckpointRefused, SinkUnavailable)
COUNTS = (1, 3, 2, 2, 2)
SEGMENT_BYTES = 900


@pytest.fixture
def log(
    make_log: Callable[..., tuple[Path, list[Record]]],
    open_writer: Callable[..., Any],
    store_checkpoint: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
) -> tuple[Path, list[Record]]:
    """A log with one of everything: two segments, indexes, checkpoints, an incident, a mark."""
    monkeypatch.setattr(index, "SPACING", 256)
    path, records = make_log(COUNTS, segment_bytes=SEGMENT_BYTES)
    segment = max((path / "segments").glob("*.seg"))
    segment.write_bytes(segment.read_bytes() + b"a torn batch")
    writer = open_writer(path, SEGMENT_BYTES)
    store_checkpoint(writer)
    known = Log.open(writer)
    known.save()
    writer.put("notes/of/others", b"data", ABSENT)
    writer.close()
    assert len(list((path / "segments").iterdir())) == 4
    return path, records


def _flips(path: Path) -> Iterator[int]:
    """Flip one bit of each byte of a file in turn, yield its place, and put it back."""
    data = path.read_bytes()
    for place, byte in enumerate(data):
        path.write_bytes(data[:place] + bytes((byte ^ 1 << place % 8,)) + data[place + 1 :])
        yield place
    path.write_bytes(data)


def test_any_flipped_bit_of_a_segment_is_found_and_located(
    log: tuple[Path, list[Record]],
    open_reader: Callable[..., Any],
    audit: Callable[..., list[Record]],
) -> None:
    path, records = log
    for segment in sorted((path / "segments").glob("*.seg")):
        culprits = list(_culprits(int(segment.stem), records, segment.stat().st_size))
        for place in _flips(segment):
            with pytest.raises(SinkCorrupt) as caught:
                audit(open_reader(path))
            assert caught.value.seq in culprits[place], (segment.name, place)
    assert audit(open_reader(path)) == records


def _culprits(seq: int, records: Sequence[Record], size: int) -> Iterator[set[int]]:
    """Yield, for each byte of a segment, the seqs that a flip in it may be blamed on."""
    starts = {sum(COUNTS[:place]): count for place, count in enumerate(COUNTS)}
    told = 0
    while told < size:
        batch = range(seq, seq + starts[seq])
        blamed = [{seq}] * (32 + 4 + 8 * len(batch))
        for owner in batch:
            header = [{owner}] * len(records[owner].header)
            if owner == batch[-1] > seq:
                # Either end of the last link of a batch may be the damaged one.
                place = records[owner].header.index(decode_header(records[owner].header).previous)
                header[place : place + 32] = [{owner - 1, owner}] * 32
            blamed += header
        for owner in batch:
            blamed += [{owner}] * len(records[owner].salt + (records[owner].payload or b""))
        yield from blamed
        told += len(blamed)
        seq = batch.stop


def test_any_flipped_bit_of_the_last_segment_keeps_a_writer_from_opening_and_is_left_alone(
    log: tuple[Path, list[Record]],
    open_writer: Callable[..., Any],
    files: Callable[[Path], dict[str, bytes]],
) -> None:
    path, _ = log
    segment = max((path / "segments").glob("*.seg"))
    segment.with_suffix(".idx").unlink()
    for place in _flips(segment):
        before = files(path)
        with pytest.raises(SinkCorrupt):
            open_writer(path, SEGMENT_BYTES)
        assert files(path) == before, place


def test_any_flipped_bit_of_any_other_file_is_found_or_changes_no_record(
    log: tuple[Path, list[Record]],
    open_reader: Callable[..., Any],
    audit: Callable[..., list[Record]],
) -> None:
    path, records = log
    incidents = open_reader(path).incidents()
    others = [p for p in sorted(path.rglob("*")) if p.is_file() and p.suffix != ".seg"]
    names = {p.name for p in others}
    assert {"LOCK", "durable", "checkpoint", FRONTIER, "others"} <= names
    assert {".idx", ".json", ".tail"} <= {p.suffix for p in others}
    for other in others:
        for place in _flips(other):
            with suppress(*TYPED):
                assert audit(open_reader(path)) == records, (other, place)
            with suppress(*TYPED):
                assert open_reader(path).incidents() == incidents, (other, place)


def test_any_flipped_bit_of_a_checkpoint_is_found(
    log: tuple[Path, list[Record]],
    open_reader: Callable[..., Any],
    audit: Callable[..., list[Record]],
) -> None:
    path, _ = log
    (numbered,) = (path / "objects" / "checkpoints").iterdir()
    for checkpoint in (path / "objects" / "checkpoint", numbered):
        for place in _flips(checkpoint):
            with pytest.raises(CheckpointRefused):
                audit(open_reader(path))
            assert place >= 0


def test_any_flipped_bit_of_the_lock_or_the_mark_does_not_keep_a_writer_from_appending(
    log: tuple[Path, list[Record]],
    tmp_path: Path,
    open_writer: Callable[..., Any],
    chained: Callable[..., list[Record]],
) -> None:
    path, records = log
    more = chained(records, 1)
    (path / "LOCK").write_bytes(b'{"identity": "a killed writer", "pid": 1}')
    for name in ("LOCK", "durable"):
        for place in _flips(path / name):
            copy = tmp_path / f"{name}{place}"
            shutil.copytree(path, copy)
            writer = open_writer(copy, SEGMENT_BYTES)
            writer.append(len(records), more)
            writer.close()
            assert list(open_writer(copy, SEGMENT_BYTES).read()) == records + more


def test_a_garbled_checkpoint_never_lets_a_writer_lose_a_record(
    log: tuple[Path, list[Record]], open_writer: Callable[..., Any]
) -> None:
    path, records = log
    for _ in _flips(path / "objects" / "checkpoint"):
        with suppress(*TYPED):
            writer = open_writer(path, SEGMENT_BYTES)
            assert list(writer.read()) == records
            writer.close()
