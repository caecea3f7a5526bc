"""Objects that are not what was written: found by reader, writer and auditor, and located."""

from __future__ import annotations

from contextlib import closing
from hashlib import sha256
from io import BytesIO
from typing import TYPE_CHECKING, Any

import pytest

from rynxs.api import SinkCorrupt, SinkUnavailable
from rynxs.eventlog import checkpoint
from rynxs.eventlog.audit import Audit
from rynxs.eventlog.log import Log
from rynxs.testing.histories import ORIGIN, history
from rynxs_sink_s3 import batches, objects
from rynxs_sink_s3.batch_object import encode_object, key_of, payloads_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from rynxs.api import Sink
    from tests.conftest import MemoryS3, S3Log

    Damage = Callable[[bytes], bytes]

COUNTS = (1, 3, 2, 4, 2)
STARTS = (0, 1, 4, 6, 10)
SIZE = 12
PLACES = pytest.mark.parametrize("start", [0, 4, 10], ids=["first", "middle", "last"])


class Key:
    """A signature scheme for tests."""

    name = "test"
    key_id = b"test"

    def sign(self, message: bytes) -> bytes:
        return sha256(message).digest()

    def verify(self, message: bytes, signature: bytes) -> bool:
        return signature == self.sign(message)


@pytest.fixture
def log(memory_log: S3Log) -> S3Log:
    memory_log.fill(COUNTS)
    return memory_log


@pytest.fixture
def signed(log: S3Log) -> S3Log:
    """The log with a checkpoint of all its records."""
    with closing(log.writer()) as writer:
        body = Log.open(writer).checkpoint(ORIGIN)
        checkpoint.store(writer, body, checkpoint.sign(body, [Key()]))
    return log


def _audit(sink: Sink) -> None:
    for _ in Audit(sink, []).batches():
        pass


def _assert_found(log: S3Log, seq: int, cli: Callable[..., Any]) -> None:
    """Demand that whoever reads the log meets the damage, and is told the record."""
    for opening in (log.reader, log.writer):
        for use in (lambda sink: list(sink.read()), _audit):
            with pytest.raises(SinkCorrupt) as caught:
                use(opening())
            assert caught.value.seq == seq
    done = cli("log", "verify", "--log", log.url())
    assert (done.status, done.out) == (1, "")
    assert f"record {seq}: " in done.err


DAMAGES: dict[str, Damage] = {
    "empty": lambda _: b"",
    "one byte": lambda data: data[:1],
    "half an envelope": lambda data: data[:24],
    "an envelope": lambda data: data[:48],
    "cut short": lambda data: data[:-1],
    "extended": lambda data: data + b"\x00",
    "garbage": lambda data: sha256(data).digest() * 10,
    "zeros": lambda data: bytes(len(data)),
    "another log's": lambda _: encode_object(7, history(8, "another")[7:], bytes(16)),
    "a flipped bit of the magic": lambda data: _flipped(data, 0),
    "a flipped bit of the writer id": lambda data: _flipped(data, 30),
    "a flipped bit of the table": lambda data: _flipped(data, 48 + 7),
    "a flipped bit of the first payload size": lambda data: _flipped(data, 48 + 11),
}


def _flipped(data: bytes, place: int) -> bytes:
    return data[:place] + bytes((data[place] ^ 1,)) + data[place + 1 :]


@PLACES
@pytest.mark.parametrize("what", DAMAGES)
def test_a_damaged_object_is_found_and_its_first_record_named(
    what: str, start: int, log: S3Log, cli: Callable[..., Any]
) -> None:
    log.put(key_of(start), DAMAGES[what](log.get(key_of(start))))
    _assert_found(log, start, cli)


@PLACES
def test_another_keys_batch_is_found(start: int, log: S3Log, cli: Callable[..., Any]) -> None:
    log.put(key_of(start), log.get(key_of(6)))
    _assert_found(log, start, cli)


@pytest.mark.parametrize("seq", [0, 1, 2, 3, 5, 9, 11])
def test_a_flipped_bit_of_a_payload_names_its_record(
    seq: int, log: S3Log, cli: Callable[..., Any]
) -> None:
    detached = log.stored(payloads_of(seq))
    key = detached[0] if detached else key_of(max(start for start in STARTS if start <= seq))
    data = log.get(key)
    payload = history(SIZE)[seq].payload
    assert payload is not None
    log.put(key, _flipped(data, data.index(payload) + len(payload) - 1))
    _assert_found(log, seq, cli)


@pytest.mark.parametrize("made", [b"", b"x" * 16, b"longer"], ids=["empty", "a salt", "longer"])
def test_a_detached_payload_of_another_size_names_its_record(
    made: bytes, log: S3Log, cli: Callable[..., Any]
) -> None:
    (key,) = log.stored(payloads_of(4))
    log.put(key, log.get(key) + made if made == b"longer" else made)
    _assert_found(log, 4, cli)


@pytest.mark.parametrize("name", ["log/readme", "log/0000000000000000000x", "log/1", "log/~"])
def test_a_key_that_is_none_of_a_batch_is_found(
    name: str, log: S3Log, cli: Callable[..., Any]
) -> None:
    log.put(name, log.get(key_of(0)))
    _assert_found(log, 0, cli)


@pytest.mark.parametrize("inside", [2, 3, 5, 7, 9])
def test_a_batch_that_starts_inside_another_is_found(
    inside: int, log: S3Log, cli: Callable[..., Any]
) -> None:
    log.put(key_of(inside), encode_object(inside, history(inside + 1)[inside:], bytes(16)))
    _assert_found(log, min(start for start in STARTS if start > inside), cli)


@pytest.mark.parametrize("count", [1, 2, 900])
def test_a_batch_that_starts_inside_the_last_one_is_found_by_whoever_reads(
    count: int, log: S3Log, cli: Callable[..., Any]
) -> None:
    log.put(key_of(11), encode_object(11, history(11 + count)[11:], bytes(16)))
    _assert_found(log, SIZE, cli)


@pytest.mark.parametrize(
    ("deleted", "seq"),
    [([0], 0), ([1], 1), ([4], 4), ([6], 6), ([1, 4], 1), ([1, 6], 1), ([0, 1, 4, 6], 0)],
)
def test_a_missing_batch_is_found_and_the_first_one_named(
    deleted: list[int], seq: int, log: S3Log, cli: Callable[..., Any]
) -> None:
    for start in deleted:
        log.delete(key_of(start))
    _assert_found(log, seq, cli)


@pytest.mark.parametrize("hinted", [True, False])
def test_a_gap_longer_than_any_batch_is_found_at_its_first_record(
    hinted: bool, memory_log: S3Log, cli: Callable[..., Any]
) -> None:
    records = history(6_000)
    for start in range(0, 6_000, 4):
        memory_log.put(key_of(start), encode_object(start, records[start : start + 4], bytes(16)))
    if hinted:
        memory_log.writer().close()
    for start in range(800, 4_400, 4):
        memory_log.delete(key_of(start))
    _assert_found(memory_log, 800, cli)


def test_a_range_that_does_not_touch_the_damage_can_be_read(log: S3Log) -> None:
    log.put(key_of(4), b"")
    reader = log.reader()
    for start, stop in ((0, 4), (2, 3), (6, 12), (10, None)):
        assert list(reader.read(start, stop)) == list(history(SIZE)[start:stop])
    for start, stop in ((0, 5), (3, 12), (4, 6), (5, 6), (5, None)):
        with pytest.raises(SinkCorrupt) as caught:
            list(reader.read(start, stop))
        assert caught.value.seq == 4


def test_a_range_that_begins_in_a_gap_misses_its_first_record(log: S3Log) -> None:
    reader = log.reader()
    log.delete(key_of(6))
    for start in (6, 8):
        for stop in (9, SIZE, None):
            with pytest.raises(SinkCorrupt) as caught:
                list(reader.read(start, stop))
            assert caught.value.seq == start


def test_what_a_log_had_while_it_was_open_is_missed_when_it_is_gone(log: S3Log) -> None:
    for opening in (log.reader, log.writer):
        sink = opening()
        data = log.get(key_of(10))
        log.delete(key_of(10))
        for stop in (None, SIZE):
            with pytest.raises(SinkCorrupt) as caught:
                list(sink.read(0, stop))
            assert caught.value.seq == 10
        log.put(key_of(10), data)


def test_a_missing_last_batch_is_found_by_whoever_knows_a_checkpoint(
    signed: S3Log, cli: Callable[..., Any]
) -> None:
    signed.delete(key_of(10))
    with pytest.raises(SinkCorrupt, match="missing: the log ends here") as caught:
        signed.writer()
    assert caught.value.seq == 10
    assert list(signed.reader().read()) == list(history(10))
    done = cli("log", "verify", "--log", signed.url())
    assert (done.status, done.out) == (1, "")
    assert "record 10: missing" in done.err


def test_a_log_of_which_only_a_checkpoint_is_left_is_corrupt(
    signed: S3Log, cli: Callable[..., Any]
) -> None:
    for start in STARTS:
        signed.delete(key_of(start))
    for opening in (signed.reader, signed.writer):
        with pytest.raises(SinkCorrupt, match="a checkpoint covers 12 records") as caught:
            opening()
        assert caught.value.seq == 0
    assert cli("log", "verify", "--log", signed.url()).status == 1


def test_objects_below_checkpoints_that_are_none_of_the_kernels_mean_nothing(log: S3Log) -> None:
    with closing(log.writer()) as writer:
        for name in ("99", "notes", "00000000000000000099.old"):
            writer.put(f"checkpoints/{name}", b"data")
    assert log.writer().size() == SIZE


def test_what_is_too_large_to_be_ours_is_refused_and_not_fetched_to_its_end(
    log: S3Log, memory_s3: MemoryS3, cli: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "OBJECT_SIZE_MAX", 9_000)
    monkeypatch.setattr(objects, "SIZE_MAX", 9_000)
    amounts: list[int | None] = []
    get = memory_s3.get_object

    class Watched(BytesIO):
        def read(self, amount: int | None = None) -> bytes:
            amounts.append(amount)
            return super().read(amount)

    def watched(**request: Any) -> Any:
        answer = get(**request)
        return answer | {"Body": Watched(answer["Body"].read())}

    monkeypatch.setattr(memory_s3, "get_object", watched)
    large = log.get(key_of(4)) + bytes(10_000)
    log.put("name", large)
    amounts.clear()
    with pytest.raises(SinkUnavailable, match="name has over 9000 bytes, it is not ours"):
        log.reader().get("name")
    assert amounts == [None, None, 9_001]  # the hint, the last batch, the object
    log.put(key_of(4), large)
    amounts.clear()
    _assert_found(log, 4, cli)
    assert 9_001 in amounts
    assert all(amount in {None, 9_001} for amount in amounts)
