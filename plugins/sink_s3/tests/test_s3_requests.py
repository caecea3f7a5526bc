"""What using a log costs in requests, and that nothing is left behind."""

from __future__ import annotations

import threading
from collections import Counter
from contextlib import closing
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ConnectionClosedError

from rynxs.api import SinkUnavailable, decode_header
from rynxs.eventlog.audit import Audit
from rynxs.eventlog.log import Entry, Log
from rynxs.testing.histories import entries, history
from rynxs.testing.memory import MemorySink
from rynxs_sink_s3.batch_object import LOG, PAYLOADS, key_of, payload_key, writer_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rynxs.api import Record
    from tests.conftest import MemoryS3, S3Log

HINT_INTERVAL = 500
COUNTS = (1, 3, 2, 4, 2)
STARTS = (0, 1, 4, 6, 10)
SIZE = 12


@cache
def plain(count: int) -> Sequence[Record]:
    """Return a history in which nothing is personal."""
    sink = MemorySink()
    Log.open(sink).append([entry._replace(salt=b"") for entry in entries(0, count)])
    return tuple(sink.records)


def _asked(memory: MemoryS3, log: S3Log) -> list[str]:
    """Return what was asked for, without the prefix, and forget it."""
    asked = [f"{what} {key.removeprefix(log.prefix + '/')}" for what, key in memory.asked]
    memory.asked.clear()
    return asked


def test_an_append_is_one_put_and_a_hint_is_put_every_500_batches_and_at_the_end(
    memory_log: S3Log, memory_s3: MemoryS3
) -> None:
    writer = memory_log.writer()
    memory_s3.asked.clear()
    count = 2 * HINT_INTERVAL + 7
    records = plain(count)
    for seq in range(count):
        writer.append(seq, records[seq : seq + 1])
    wanted = [f"PutObject {key_of(seq)}" for seq in range(count)]
    for place in (2 * HINT_INTERVAL, HINT_INTERVAL):
        wanted.insert(place, "PutObject hint")
    assert _asked(memory_s3, memory_log) == wanted
    assert writer.size() == count
    writer.close()
    writer.close()
    assert _asked(memory_s3, memory_log) == ["PutObject hint"]


def test_a_personal_payload_is_one_put_more_and_one_get_and_the_first_one_a_listing(
    memory_log: S3Log, memory_s3: MemoryS3
) -> None:
    records = history(8)
    assert [seq for seq in range(8) if records[seq].salt] == [1, 4, 7]
    writer = memory_log.writer()
    memory_s3.asked.clear()
    for start, stop in ((0, 1), (1, 2), (2, 8)):
        writer.append(start, records[start:stop])
    *asked, fourth, fifth, last = _asked(memory_s3, memory_log)
    token = writer_of(memory_log.get(key_of(0)))
    assert token is not None
    keys = {
        seq: payload_key(seq, decode_header(records[seq].header).payload_hash, token)
        for seq in (1, 4, 7)
    }
    assert asked == [
        f"PutObject {key_of(0)}",
        f"ListObjectsV2 {PAYLOADS}",
        f"PutObject {keys[1]}",
        f"PutObject {key_of(1)}",
    ]
    assert {fourth, fifth} == {f"PutObject {keys[4]}", f"PutObject {keys[7]}"}
    assert last == f"PutObject {key_of(2)}", "a batch is put after its payloads"
    memory_s3.asked.clear()
    assert list(writer.read(2, 8)) == list(records[2:])
    assert _asked(memory_s3, memory_log) == [], "what was appended last is known"
    reader = memory_log.reader()
    memory_s3.asked.clear()
    assert list(reader.read(2, 5)) == list(records[2:5])
    assert _asked(memory_s3, memory_log) == [f"GetObject {keys[4]}"]


def test_an_erasure_gets_and_puts_a_batch_once_and_lists_the_versions_of_what_it_removes(
    memory_log: S3Log, memory_s3: MemoryS3
) -> None:
    memory_log.fill([6])
    writer = memory_log.writer()
    memory_s3.asked.clear()
    writer.erase([1, 2, 3])
    asked = Counter(what.partition(" ")[0] for what in _asked(memory_s3, memory_log))
    assert asked == {
        "ListObjectsV2": 1,
        "GetObject": 1,
        "GetObjectLockConfiguration": 1,
        "PutObject": 1,
        "ListObjectVersions": 3,
        "DeleteObject": 1,
    }


def test_a_writer_that_appended_nothing_puts_no_hint(
    memory_log: S3Log, memory_s3: MemoryS3
) -> None:
    memory_log.fill([1], plain)
    for opening in (memory_log.writer, memory_log.reader):
        memory_s3.asked.clear()
        opening().close()
        assert "PutObject hint" not in _asked(memory_s3, memory_log)


def test_a_hint_that_can_not_be_put_is_tried_once_at_its_time_and_once_at_the_end(
    memory_log: S3Log, memory_s3: MemoryS3, monkeypatch: pytest.MonkeyPatch
) -> None:
    put = memory_s3.put_object

    def without_hint(**request: Any) -> Any:
        answer = put(**request)
        if request["Key"].endswith("/hint"):
            raise ConnectionClosedError(endpoint_url="http://server")
        return answer

    monkeypatch.setattr(memory_s3, "put_object", without_hint)
    writer = memory_log.writer()
    records = plain(HINT_INTERVAL + 3)
    for seq in range(len(records)):
        writer.append(seq, records[seq : seq + 1])
    assert Counter(_asked(memory_s3, memory_log))["PutObject hint"] == 1
    writer.close()
    assert _asked(memory_s3, memory_log) == ["PutObject hint"]


@pytest.mark.parametrize("ahead", [0, 1, 4, 64])
def test_an_audit_gets_each_batch_once(ahead: int, memory_log: S3Log, memory_s3: MemoryS3) -> None:
    memory_log.fill([3] * 40, plain)
    memory_s3.asked.clear()
    with closing(memory_log.reader(readAhead=ahead)) as reader:
        assert sum(len(batch) for batch in Audit(reader, []).batches()) == 120
    asked = Counter(_asked(memory_s3, memory_log))
    assert {key: asked[f"GetObject {key}"] for key in map(key_of, range(0, 120, 3))} == {
        key_of(start): 1 for start in range(0, 120, 3)
    }
    assert asked[f"ListObjectsV2 {LOG}"] <= 3


@pytest.mark.parametrize("ahead", [0, 1, 4])
@pytest.mark.parametrize(
    ("start", "stop", "batches"),
    [
        (0, 1, [0]),
        (1, 4, [1]),
        (2, 3, [1]),
        (2, 5, [1, 4]),
        (4, 6, [4]),
        (5, 7, [4, 6]),
        (3, 10, [1, 4, 6]),
        (0, 12, [0, 1, 4, 6]),
        (7, None, [6]),
        (6, 99, [6]),
        (10, 12, []),
        (11, 12, []),
        (12, None, []),
        (99, None, []),
        (99, 100, []),
        (5, 5, []),
        (7, 3, []),
    ],
)
def test_a_range_gets_only_the_batches_that_hold_it_and_not_the_last_one_which_is_known(
    start: int,
    stop: int | None,
    batches: list[int],
    ahead: int,
    memory_log: S3Log,
    memory_s3: MemoryS3,
) -> None:
    memory_log.fill(COUNTS, plain)
    for sink in (memory_log.reader(readAhead=ahead), memory_log.writer(readAhead=ahead)):
        memory_s3.asked.clear()
        assert list(sink.read(start, stop)) == list(plain(SIZE)[start:stop])
        asked = _asked(memory_s3, memory_log)
        gets = sorted(what for what in asked if what.startswith("GetObject"))
        assert gets == [f"GetObject {key_of(first)}" for first in batches]
        assert len(asked) - len(gets) <= 1, "one listing finds any range"


def test_a_range_in_a_long_log_is_found_by_listing_only_there(
    memory_log: S3Log, memory_s3: MemoryS3
) -> None:
    records = plain(3_000)
    with closing(memory_log.writer()) as writer:
        for seq in range(3_000):
            writer.append(seq, records[seq : seq + 1])
    reader = memory_log.reader()
    memory_s3.asked.clear()
    assert list(reader.read(2_000, 2_003)) == list(records[2_000:2_003])
    asked = Counter(_asked(memory_s3, memory_log))
    assert asked.pop(f"ListObjectsV2 {LOG}") <= 2
    assert asked == {f"GetObject {key_of(seq)}": 1 for seq in range(2_000, 2_003)}


@pytest.mark.parametrize("ahead", [0, 1, 4])
def test_no_more_is_fetched_ahead_than_is_set(
    ahead: int, memory_log: S3Log, memory_s3: MemoryS3
) -> None:
    memory_log.fill([1] * 20, plain)
    reader = memory_log.reader(readAhead=ahead)
    memory_s3.asked.clear()
    reading = reader.read()
    for seq in range(10):
        assert next(reading) == plain(20)[seq]
        gets = [what for what, _ in memory_s3.asked if what == "GetObject"]
        assert len(gets) <= seq + 1 + ahead


def _own_threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if "rynxs-s3" in thread.name]


@pytest.mark.parametrize("ahead", [0, 1, 4])
@pytest.mark.parametrize("opening", ["reader", "writer"])
def test_a_log_closed_in_the_middle_of_a_read_leaves_no_thread_and_no_request_behind(
    opening: str, ahead: int, memory_log: S3Log, memory_s3: MemoryS3
) -> None:
    memory_log.fill([1] * 20, plain)
    sink = getattr(memory_log, opening)(readAhead=ahead)
    reading = sink.read()
    other = sink.read(3, 9)
    assert [next(reading), next(reading), next(other)] == [plain(20)[seq] for seq in (0, 1, 3)]
    sink.close()
    assert _own_threads() == []
    memory_s3.asked.clear()
    for begun in (reading, other, sink.read(), sink.read(2, 4)):
        with pytest.raises(SinkUnavailable, match="the log is closed"):
            list(begun)
    assert memory_s3.asked == []
    assert _own_threads() == []


def test_a_read_that_is_given_up_cancels_what_it_was_to_fetch(
    memory_log: S3Log, memory_s3: MemoryS3
) -> None:
    memory_log.fill([1] * 20, plain)
    reader = memory_log.reader(readAhead=2)
    reading = reader.read()
    next(reading)
    reading.close()
    reader.close()
    memory_s3.asked.clear()
    assert _own_threads() == []
    assert memory_s3.asked == []


def test_the_probes_threads_end_with_it(memory_log: S3Log) -> None:
    memory_log.writer()
    assert _own_threads() == []


@pytest.mark.parametrize(
    ("settings", "starts"),
    [
        ({}, [0]),
        ({"batchRecords": 10}, [0]),
        ({"batchRecords": 4}, [0, 4, 8]),
        ({"batchRecords": 1}, list(range(10))),
        ({"batchBytes": 300}, [0, 3, 6, 9]),
        ({"batchBytes": 1}, list(range(10))),
        ({"batchRecords": 2, "batchBytes": 300}, [0, 2, 4, 6, 8]),
    ],
)
def test_batches_are_cut_as_the_settings_want_them(
    settings: dict[str, int], starts: list[int], memory_log: S3Log
) -> None:
    with closing(memory_log.writer(**settings)) as writer:
        Log.open(writer).append([_of_100_bytes(entry) for entry in entries(0, 10)])
    assert memory_log.stored(LOG) == [key_of(start) for start in starts]


def _of_100_bytes(entry: Entry) -> Entry:
    return entry._replace(payload=b"\xa1\x61x\x78\x5f" + b"y" * 95)


def test_the_grouping_is_the_settings(memory_log: S3Log) -> None:
    settings = {"batchRecords": 7, "batchBytes": 9, "lingerMs": 500}
    memory_log.fill([1], plain)
    for sink in (memory_log.writer(**settings), memory_log.reader(**settings)):
        assert sink.grouping == (7, 9, 0.5)
