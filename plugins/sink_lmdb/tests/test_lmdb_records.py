"""What is stored for a record, and what is told when it is something else."""

from __future__ import annotations

import struct
from itertools import pairwise
from typing import TYPE_CHECKING, Any
from zlib import crc32

import pytest

from rynxs.api import Record, SinkConflict, SinkCorrupt
from rynxs.testing.histories import history
from rynxs_sink_lmdb import records as stored

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

COUNT = 40
DAMAGED = 17


def _key(seq: int) -> bytes:
    return struct.pack(">Q", seq)


def _value(seq: int, sizes: tuple[int, int, int], content: bytes) -> bytes:
    body = struct.pack(">HBB", *sizes) + content
    return struct.pack(">I", crc32(body, seq)) + body


def test_the_layout_is_that_of_the_readme(
    make_log: Callable[..., list[Record]], beneath: Callable[..., Any]
) -> None:
    records = make_log(COUNT)
    with beneath() as (txn, database, _):
        assert txn.get(b"format") == b"rynxs log 1"
        assert list(txn.cursor(database)) == [
            (_key(seq), _value(seq, (len(header), len(salt), 0), header + salt + (payload or b"")))
            for seq, (header, salt, payload) in enumerate(records)
        ]


def test_a_log_is_read_in_short_transactions_however_large_its_records_are(
    log_path: Path, open_writer: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = open_writer(log_path)
    small, large = Record(b"header", b"", b"x"), Record(b"header", b"s" * 16, b"y" * 3_000_000)
    records = [large] * 5 + [small] * 995
    writer.append(0, records)
    writer.append(1000, [small] * 1000)
    writer.append(2000, [large] * 3)
    fetched = []
    fetch = stored.fetch

    def counting(*args: Any) -> Any:
        items, size = fetch(*args)
        fetched.append(len(items))
        return items, size

    monkeypatch.setattr(stored, "fetch", counting)
    assert list(writer.read()) == records + [small] * 1000 + [large] * 3
    assert fetched == [3, 1000, 1000]  # the first has reached 8 MiB


def test_nothing_is_read_that_was_not_asked_for(
    make_log: Callable[..., list[Record]],
    log_path: Path,
    open_reader: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    records = make_log(COUNT)
    fetch = stored.fetch
    items: list[stored.Item] = []

    def counting(*args: Any) -> Any:
        answer = fetch(*args)
        items.extend(answer[0])
        return answer

    monkeypatch.setattr(stored, "fetch", counting)
    reader = open_reader(log_path)
    assert list(reader.read(5, 9)) == records[5:9]
    assert [key for key, _ in items] == [_key(seq) for seq in range(5, 9)]


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (lambda value: bytes([value[0] ^ 1]) + value[1:], "checksum"),
        (lambda value: value[:5] + bytes([value[5] ^ 1]) + value[6:], "checksum"),
        (lambda value: value[:-1] + bytes([value[-1] ^ 0x80]), "checksum"),
        (lambda value: value[:-1], "checksum"),
        (lambda value: value + b"\0", "checksum"),
        (lambda value: value[:7], "cut, 7 bytes are stored"),
        (lambda _: b"", "cut, 0 bytes are stored"),
        (lambda _: bytes(100), "checksum"),
        (lambda _: _value(DAMAGED - 1, (3, 0, 0), b"abcdef"), "checksum"),  # of its neighbour
        (lambda _: _value(DAMAGED, (7, 0, 0), b"abcdef"), "sizes"),
        (lambda _: _value(DAMAGED, (3, 1, 0), b"abcdef"), "sizes"),
        (lambda _: _value(DAMAGED, (3, 0, 2), b"abcdef"), "sizes or a form"),
        (lambda _: _value(DAMAGED, (3, 0, 1), b"abcdef"), "erased, and more than its header"),
        (lambda _: _value(DAMAGED, (3, 16, 1), b"abc" + bytes(16)), "erased, and more than its"),
    ],
)
def test_a_damaged_value_is_told_with_its_seq_and_the_records_around_it_are_read(
    damage: Callable[[bytes], bytes],
    told: str,
    make_log: Callable[..., list[Record]],
    log_path: Path,
    beneath: Callable[..., Any],
    open_reader: Callable[..., Any],
) -> None:
    records = make_log(COUNT)
    with beneath() as (txn, database, _):
        txn.put(_key(DAMAGED), damage(txn.get(_key(DAMAGED), db=database)), db=database)
    reader = open_reader(log_path)
    found: list[Record] = []
    with pytest.raises(SinkCorrupt, match=told) as caught:
        found.extend(reader.read())
    assert caught.value.seq == DAMAGED
    assert found == records[:DAMAGED]
    assert list(reader.read(DAMAGED + 1)) == records[DAMAGED + 1 :]
    assert reader.size() == COUNT


@pytest.mark.parametrize("seqs", [(0,), (17,), (17, 18, 19), (0, 17)])
def test_records_that_are_missing_are_told_and_no_other_is_passed_off_as_one(
    seqs: tuple[int, ...],
    make_log: Callable[..., list[Record]],
    log_path: Path,
    beneath: Callable[..., Any],
    open_writer: Callable[..., Any],
) -> None:
    records = make_log(COUNT)
    with beneath() as (txn, database, _):
        for seq in seqs:
            txn.delete(_key(seq), db=database)
    sink = open_writer(log_path)
    for start in (0, *seqs):
        first = min(seq for seq in seqs if seq >= start)
        with pytest.raises(SinkCorrupt, match="missing") as caught:
            list(sink.read(start))
        assert caught.value.seq == first
    assert list(sink.read(seqs[-1] + 1)) == records[seqs[-1] + 1 :]
    for use in (sink.size, lambda: sink.append(COUNT, history(COUNT + 1)[COUNT:])):
        with pytest.raises(SinkCorrupt, match=f"{COUNT - len(seqs)} records are stored"):
            use()


def test_a_range_that_ends_in_a_gap_is_told(
    make_log: Callable[..., list[Record]],
    log_path: Path,
    beneath: Callable[..., Any],
    open_reader: Callable[..., Any],
) -> None:
    make_log(COUNT)
    with beneath() as (txn, database, _):
        txn.delete(_key(DAMAGED), db=database)
    with pytest.raises(SinkCorrupt, match="missing") as caught:
        list(open_reader(log_path).read(DAMAGED, DAMAGED + 1))
    assert caught.value.seq == DAMAGED


@pytest.mark.parametrize("key", [b"k", b"\0" * 7 + b"\x11\0", b"\xff" * 9, b"\xff" * 8])
def test_a_key_that_no_record_has_is_told(
    key: bytes,
    make_log: Callable[..., list[Record]],
    log_path: Path,
    beneath: Callable[..., Any],
    open_reader: Callable[..., Any],
) -> None:
    make_log(COUNT)
    with beneath() as (txn, database, _):
        txn.put(key, b"stray", db=database)
    reader = open_reader(log_path)
    with pytest.raises(SinkCorrupt):
        list(reader.read())
    with pytest.raises(SinkCorrupt):
        reader.size()


def test_of_two_writers_in_one_process_the_stale_one_conflicts_and_writes_nothing(
    log_path: Path, open_writer: Callable[..., Any]
) -> None:
    records = history(6)
    first, second = open_writer(log_path), open_writer(log_path)
    first.append(0, records[:2])
    assert second.size() == 2
    second.append(2, records[2:3])
    for batch in (records[2:3], records[2:5]):  # also with the very same record
        with pytest.raises(SinkConflict, match="append at 2, but the log holds 3 records"):
            first.append(2, batch)
    first.append(3, records[3:])
    assert list(second.read()) == list(records)


def test_the_file_does_not_grow_with_the_number_of_transactions(
    log_path: Path, open_writer: Callable[..., Any]
) -> None:
    writer = open_writer(log_path)
    writer.append(0, history(10))
    sizes = []
    for number in range(300):
        writer.put("checkpoint", b"%d" % number * 50)
        if number % 100 == 99:
            sizes.append(log_path.stat().st_size)
    assert all(one == other for one, other in pairwise(sizes))
