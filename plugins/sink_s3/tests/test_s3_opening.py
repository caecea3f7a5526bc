"""Finding the end of the log: whatever the hint says the end is the true one, at a bounded cost."""

from __future__ import annotations

import json
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from rynxs.api import ANY, SinkConflict, decode_header
from rynxs.eventlog.log import Log
from rynxs.testing.histories import ORIGIN, entries, history
from rynxs_sink_s3.batch_object import encode_object, key_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import MemoryS3, S3Log

    Hinted = Callable[[int], bytes]

HINT_INTERVAL = 500
HINTED_MAX = 12
UNHINTED_MAX = 64
SIZES = (1, 10, 2_500, 10_000)
RECORDS = 2  # of each batch


def _fill(log: S3Log, batches: int) -> None:
    """Store a log as its writer would have, without its requests."""
    records = history(batches * RECORDS)
    for start in range(0, len(records), RECORDS):
        batch = records[start : start + RECORDS]
        log.put(key_of(start), encode_object(start, batch, bytes(16)))


def _hint(first: Any, records: Any = RECORDS, head: Any = "", **more: Any) -> bytes:
    return json.dumps({"first": first, "records": records, "head": head, **more}).encode()


def _good(last: int) -> dict[str, Any]:
    """Return what a good hint says of the batch that starts at `last`."""
    following = history(last + RECORDS + 1)[-1]
    head = decode_header(following.header).previous.hex()
    return {"first": last, "records": RECORDS, "head": head}


GARBAGE: dict[str, bytes] = {
    "empty": b"",
    "not UTF-8": b"\xff\xfe",
    "not JSON": b"{'first': 1}",
    "nested": b"[" * 4_000,
    "zeros": bytes(100),
    "null": b"null",
    "a number": b"17",
    "a list": b"[0, 1, 2]",
    "a text": b'"first"',
    "an empty map": b"{}",
    "without head": b'{"first": 0, "records": 2}',
    "large garbage": b"x" * 5_000_000,
    "negative": _hint(-1),
    "a boolean": _hint(first=True),
    "a fraction": _hint(0.5),
    "infinite": b'{"first": 1e999, "records": 1, "head": ""}',
    "first a text": _hint("0"),
    "first a list": _hint([0]),
    "too large a number": _hint(2**63),
    "stale by all": _hint(**_good(0)),
    "the end of time": _hint(2**63 - 1),
}
HINTS: dict[str, Hinted] = {
    "with a member more": lambda last: _hint(**_good(last), more=1),
    "oversized": lambda last: _hint(**_good(last)) + b" " * 5_000,
    "no records": lambda last: _hint(last, 0),
    "too many records": lambda last: _hint(last, 1_001),
    "records a text": lambda last: _hint(last, "2"),
    "head a number": lambda last: _hint(last, RECORDS, 7),
    "stale by half": lambda last: _hint(**_good(last // 4 * 2)),
    "stale by one": lambda last: _hint(**_good(max(last - RECORDS, 0))),
    "stale, with a wrong count": lambda last: _hint(**_good(last // 4 * 2) | {"records": 1}),
    "inside a batch": lambda last: _hint(last + 1),
    "the batch after the last": lambda last: _hint(last + RECORDS),
    "the future": lambda last: _hint(last + 10**6),
    "a wrong count": lambda last: _hint(**_good(last) | {"records": 1}),
    "a wrong head": lambda last: _hint(**_good(last) | {"head": "00" * 32}),
    "a head in capitals": lambda last: _hint(**_good(last) | {"head": "AA" * 32}),
}
"""Hints that depend on where the last batch starts."""


def _stored(what: str, last: int) -> bytes:
    return HINTS[what](last) if what in HINTS else GARBAGE[what]


@pytest.mark.parametrize("what", [*GARBAGE, *HINTS])
@pytest.mark.parametrize("batches", [1, 10, 2_500])
def test_whatever_the_hint_the_true_end_is_found_at_a_bounded_cost_and_a_good_hint_is_left(
    what: str, batches: int, memory_log: S3Log, memory_s3: MemoryS3
) -> None:
    _fill(memory_log, batches)
    size = batches * RECORDS
    memory_log.put("hint", _stored(what, size - RECORDS))
    for opening in (memory_log.reader, memory_log.writer):
        memory_s3.asked.clear()
        assert opening().size() == size
        assert len(memory_s3.asked) <= UNHINTED_MAX
    with closing(memory_log.writer()) as writer:
        writer.append(size, history(size + RECORDS)[size:])
    memory_s3.asked.clear()
    with closing(memory_log.writer()) as writer:
        assert len(memory_s3.asked) <= HINTED_MAX
        assert writer.size() == size + RECORDS


@pytest.mark.parametrize("what", [*GARBAGE, *HINTS])
def test_whatever_the_hint_of_an_empty_log_it_is_empty(what: str, memory_log: S3Log) -> None:
    memory_log.put("hint", _stored(what, 0))
    assert memory_log.writer().size() == 0


@pytest.mark.parametrize("batches", SIZES)
def test_opening_to_append_takes_12_requests_after_an_orderly_close_and_64_without_a_hint(
    batches: int, memory_log: S3Log, memory_s3: MemoryS3
) -> None:
    _fill(memory_log, batches)
    with closing(memory_log.writer()) as writer:
        log = Log.open(writer)
        log.append(entries(log.size, 1))
        log.save()
    for most in (HINTED_MAX, UNHINTED_MAX):
        memory_s3.asked.clear()
        with closing(memory_log.writer()) as writer:
            assert Log.open(writer).size == batches * RECORDS + 1
            assert len(memory_s3.asked) <= most
        memory_log.delete("hint")


@pytest.mark.parametrize("since", [1, HINT_INTERVAL - 1])
def test_opening_after_a_kill_takes_12_requests_and_what_came_after_the_hint(
    since: int, memory_log: S3Log, memory_s3: MemoryS3
) -> None:
    killed = memory_log.writer()
    size = HINT_INTERVAL + since
    for seq in range(size):
        killed.append(seq, history(size)[seq : seq + 1])
    memory_s3.asked.clear()
    assert memory_log.writer().size() == size
    assert len(memory_s3.asked) <= HINTED_MAX


@pytest.mark.parametrize("hinted", ["the last", "before the gap", "none"])
@pytest.mark.parametrize("gap", [1, 3, 700])
def test_a_gap_does_not_hide_the_batches_after_it(hinted: str, gap: int, memory_log: S3Log) -> None:
    _fill(memory_log, 2_500)
    for number in range(1_200, 1_200 + gap):
        memory_log.delete(key_of(number * RECORDS))
    if hinted != "none":
        first = 4_998 if hinted == "the last" else 1_199 * RECORDS
        memory_log.put("hint", _hint(**_good(first)))
    assert memory_log.writer().size() == 5_000
    assert memory_log.reader().size() == 5_000


def test_the_hint_of_another_log_leads_nowhere_else(memory_log: S3Log, memory_s3: MemoryS3) -> None:
    with closing(memory_log.writer()) as writer:
        for seq in range(6):
            writer.append(seq, history(6, "another")[seq : seq + 1])
    hint = memory_log.get("hint")
    memory_s3.objects.clear()
    for size in (3, 6, 9):
        records = history(size)
        with closing(memory_log.writer()) as writer:
            while writer.size() < size:
                writer.append(writer.size(), records[writer.size() : writer.size() + 1])
        memory_log.put("hint", hint)
        with closing(memory_log.writer()) as writer:
            assert writer.size() == size
            assert tuple(writer.read()) == records


def test_a_hint_that_is_overtaken_while_it_is_read_does_no_harm(
    memory_log: S3Log, memory_s3: MemoryS3, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory_log.fill([2, 2])
    rival = memory_log.writer()
    get = memory_s3.get_object

    def get_late(**request: Any) -> Any:
        found = get(**request)
        if request["Key"].endswith("/hint") and rival.size() == 4:
            rival.append(4, history(6)[4:])
            rival.put("checkpoints/00000000000000000006", b"signed", ANY)
        return found

    monkeypatch.setattr(memory_s3, "get_object", get_late)
    assert memory_log.writer().size() == 6


def test_a_checkpoint_that_is_signed_while_a_log_is_opened_does_not_make_it_corrupt(
    memory_log: S3Log, memory_s3: MemoryS3, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory_log.fill([2, 2])
    rival = memory_log.writer()
    list_objects = memory_s3.list_objects_v2

    def list_late(**request: Any) -> Any:
        if request["Prefix"].endswith("/checkpoints/") and rival.size() == 4:
            rival.append(4, history(6)[4:])
            rival.put("checkpoints/00000000000000000006", b"signed", ANY)
        return list_objects(**request)

    monkeypatch.setattr(memory_s3, "list_objects_v2", list_late)
    assert memory_log.writer().size() == 6


def test_a_writer_that_is_overtaken_before_it_reads_the_checkpoints_finds_no_damage(
    memory_log: S3Log,
) -> None:
    memory_log.fill([2, 2])
    overtaken, rival = memory_log.writer(), memory_log.writer()
    other = Log.open(rival)
    other.append(entries(4, 2))
    signed = f"{other.checkpoint(ORIGIN).text()}\n\N{EM DASH} key AQIDBHg=\n"
    rival.put("checkpoint", signed.encode(), ANY)
    with pytest.raises(SinkConflict, match="belongs to another writer"):
        Log.open(overtaken)


def test_a_writer_reads_nothing_beyond_its_end_if_there_is_nothing(memory_log: S3Log) -> None:
    memory_log.fill([2, 2])
    writer = memory_log.writer()
    assert list(writer.read(4, 5)) == []
