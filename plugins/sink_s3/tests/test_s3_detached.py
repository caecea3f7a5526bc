"""Payloads as objects of their own: before their batch, never in another's way, and none left."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ConnectionClosedError, HTTPClientError, ReadTimeoutError

from rynxs.api import Record, SinkConflict, SinkUnavailable
from rynxs.testing.histories import history
from rynxs_sink_s3.batch_object import (
    LOG,
    PAYLOADS,
    decode_object,
    encode_object,
    key_of,
    payloads_of,
    writer_of,
)
from tests.servers import faults

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import MemoryS3, S3Log
    from tests.servers.proxy import FaultyProxy

PERSONAL = (1, 4, 7)
SIZE = 8


def _erased(record: Record) -> Record:
    return Record(record.header, b"", None)


def _named(log: S3Log) -> list[str]:
    """Return the keys of the payloads that the log's batches name."""
    batches = [decode_object(int(key[len(LOG) :]), log.get(key)) for key in log.stored(LOG)]
    return sorted(key for batch in batches for key in batch.detached.values())


def _failing(
    memory_s3: MemoryS3, monkeypatch: pytest.MonkeyPatch, part: str, error: type[HTTPClientError]
) -> Callable[[], None]:
    """Let each PUT of a key with this part fail, undone; return what ends it."""
    put = memory_s3.put_object

    def put_object(**request: Any) -> Any:
        if part in request["Key"]:
            raise error(endpoint_url="http://server")
        return put(**request)

    monkeypatch.setattr(memory_s3, "put_object", put_object)
    return lambda: monkeypatch.setattr(memory_s3, "put_object", put)


def test_a_personal_record_is_an_object_of_its_own_and_no_other_is(memory_log: S3Log) -> None:
    memory_log.fill([2, 6])
    assert [key[: len(payloads_of(0))] for key in memory_log.stored(PAYLOADS)] == [
        payloads_of(seq) for seq in PERSONAL
    ]
    for seq in PERSONAL:
        (key,) = memory_log.stored(payloads_of(seq))
        _, salt, payload = history(SIZE)[seq]
        assert payload is not None
        assert memory_log.get(key) == salt + payload
        assert not any(payload in memory_log.get(batch) for batch in memory_log.stored(LOG))
    assert memory_log.stored(PAYLOADS) == _named(memory_log)


def test_a_log_with_personal_payloads_inside_its_batches_reads_and_goes_on(
    memory_log: S3Log,
) -> None:
    memory_log.put(key_of(0), encode_object(0, history(6), bytes(16)))
    memory_log.fill([SIZE - 6])
    assert len(memory_log.stored(PAYLOADS)) == 1
    assert memory_log.verified() == list(history(SIZE))


def test_a_payload_that_is_gone_makes_its_record_an_erased_one(memory_log: S3Log) -> None:
    memory_log.fill([2, 6])
    memory_log.delete(memory_log.stored(payloads_of(4))[0])
    wanted = [_erased(record) if seq == 4 else record for seq, record in enumerate(history(SIZE))]
    for sink in (memory_log.reader(readAhead=0), memory_log.writer()):
        assert list(sink.read()) == wanted
        assert list(sink.read(4, 5)) == [wanted[4]]


def test_personal_payloads_are_put_before_their_batch_and_one_that_fails_prevents_it(
    memory_log: S3Log, memory_s3: MemoryS3, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = memory_log.writer()
    mend = _failing(memory_s3, monkeypatch, payloads_of(4), ConnectionClosedError)
    with pytest.raises(SinkUnavailable, match="PutObject of payload/"):
        writer.append(0, history(SIZE))
    assert memory_log.stored(LOG) == []
    mend()
    writer.append(0, history(SIZE))
    assert memory_log.verified() == list(history(SIZE))


def test_many_personal_payloads_are_put_and_got(memory_log: S3Log) -> None:
    count = 900
    memory_log.fill([count])
    salted = sum(bool(record.salt) for record in history(count))
    assert len(memory_log.stored(PAYLOADS)) == salted > 16
    assert memory_log.verified() == list(history(count))


def test_names_of_objects_are_listed_without_paging_through_payloads(
    memory_log: S3Log, memory_s3: MemoryS3
) -> None:
    writer = memory_log.writer()
    for seq in range(3_000):
        memory_log.put(f"{payloads_of(seq)}x", b"")
    for name in ("a", "pay", "payloads", "z"):
        writer.put(name, b"")
    memory_s3.asked.clear()
    assert writer.list() == ["a", "pay", "payloads", "z"]
    assert len(memory_s3.asked) <= 3


def test_a_writer_that_loses_a_seq_removes_what_it_put_there_and_not_the_winners(
    any_log: S3Log,
) -> None:
    loser, winner = any_log.writer(), any_log.writer()
    winner.append(0, history(2))
    for records in (history(2), history(SIZE), history(2, "another")):
        with pytest.raises(SinkConflict):
            loser.append(0, records)
    loser.close()
    assert {key for key, _ in any_log.versions() if key.startswith(PAYLOADS)} == {*_named(any_log)}
    winner.append(2, history(SIZE)[2:])
    assert any_log.verified() == list(history(SIZE))


def test_a_writer_that_appends_others_after_a_failure_removes_what_it_put_first(
    memory_log: S3Log, memory_s3: MemoryS3, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = memory_log.writer()
    mend = _failing(memory_s3, monkeypatch, payloads_of(7), ConnectionClosedError)
    with pytest.raises(SinkUnavailable):
        writer.append(0, history(SIZE, "another"))
    mend()
    assert memory_log.stored(PAYLOADS)
    writer.append(0, history(2))
    assert memory_log.stored(PAYLOADS) == _named(memory_log)
    assert memory_log.verified() == list(history(2))


def test_a_writer_that_is_closed_leaves_no_payload_of_a_batch_that_was_never_sent(
    memory_log: S3Log, memory_s3: MemoryS3, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = memory_log.writer()
    _failing(memory_s3, monkeypatch, payloads_of(7), ConnectionClosedError)
    with pytest.raises(SinkUnavailable):
        writer.append(0, history(SIZE))
    assert memory_log.stored(PAYLOADS)
    writer.close()
    assert memory_log.stored(PAYLOADS) == []


def test_a_writer_that_is_closed_leaves_the_payloads_of_a_batch_that_may_have_been_made(
    any_log: S3Log, proxy: FaultyProxy
) -> None:
    writer = any_log.writer(attempts=1)
    proxy.plan(faults.drop_reply, lambda method, path: method == "PUT" and "/log/" in path)
    with pytest.raises(SinkUnavailable):
        writer.append(0, history(SIZE))
    writer.close()
    assert any_log.verified() == list(history(SIZE))


@pytest.fixture
def killed(memory_log: S3Log, memory_s3: MemoryS3, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A writer that was stopped between its payloads and their batch of all records."""
    writer = memory_log.writer()
    mend = _failing(memory_s3, monkeypatch, key_of(0), ReadTimeoutError)
    with pytest.raises(SinkUnavailable):
        writer.append(0, history(SIZE))
    mend()
    assert len(memory_log.stored(PAYLOADS)) == len(PERSONAL)
    return writer


def test_what_a_killed_writer_left_is_removed_once_the_seq_is_anothers(
    killed: Any, memory_log: S3Log
) -> None:
    again = memory_log.writer()
    again.append(0, history(1))
    assert len(memory_log.stored(PAYLOADS)) == 3, "nothing personal yet: nothing was listed"
    for stop, left in ((3, 2), (4, 2), (5, 1), (6, 1), (SIZE, 0)):
        again.append(again.size(), history(stop)[again.size() :])
        orphans = {*memory_log.stored(PAYLOADS)} - {*_named(memory_log)}
        assert len(orphans) == left
    assert memory_log.verified() == list(history(SIZE))


def test_the_payloads_of_a_writer_that_may_still_win_are_left_alone(
    killed: Any, memory_log: S3Log
) -> None:
    rival = memory_log.writer()
    killed.append(0, history(SIZE))
    with pytest.raises(SinkConflict):
        rival.append(0, history(2))
    rival.close()
    assert memory_log.stored(PAYLOADS) == _named(memory_log)
    assert memory_log.verified() == list(history(SIZE))


def test_what_can_not_be_removed_does_not_fail_an_append(
    killed: Any, memory_log: S3Log, memory_s3: MemoryS3, monkeypatch: pytest.MonkeyPatch
) -> None:
    again = memory_log.writer()

    def refuse(**_: Any) -> Any:
        raise ConnectionClosedError(endpoint_url="http://server")

    monkeypatch.setattr(memory_s3, "delete_object", refuse)
    again.append(0, history(SIZE))
    assert memory_log.verified() == list(history(SIZE))


@pytest.fixture
def overtaken(any_log: S3Log, proxy: FaultyProxy) -> tuple[Any, Any]:
    """A writer that does not know whether its batch was made, and one that opened after it was."""
    first = any_log.writer(attempts=1)
    proxy.plan(faults.drop_reply, lambda method, path: method == "PUT" and "/log/" in path)
    with pytest.raises(SinkUnavailable):
        first.append(0, history(SIZE))
    second = any_log.writer()
    assert second.size() == SIZE
    return first, second


def test_sending_a_batch_again_does_not_bring_back_a_payload_that_was_erased_since(
    overtaken: tuple[Any, Any], any_log: S3Log
) -> None:
    first, second = overtaken
    second.append(SIZE, history(SIZE + 1)[SIZE:])
    second.erase([4])
    first.append(0, history(SIZE))
    with pytest.raises(SinkConflict):
        first.append(SIZE, history(SIZE + 1)[SIZE:])
    first.close()
    assert any_log.stored(payloads_of(4)) == []
    assert any_log.chained()[4] == _erased(history(SIZE)[4])


def test_a_writer_whose_batch_was_made_and_then_erased_in_is_fenced_and_keeps_its_payloads(
    overtaken: tuple[Any, Any], any_log: S3Log
) -> None:
    first, second = overtaken
    second.append(SIZE, history(SIZE + 1)[SIZE:])
    second.erase([3])
    token = writer_of(any_log.get(key_of(0)))
    for _ in range(2):
        with pytest.raises(SinkConflict):
            first.append(0, history(SIZE))
    first.close()
    assert writer_of(any_log.get(key_of(0))) == token
    assert any_log.stored(PAYLOADS) == _named(any_log)
    wanted = list(history(SIZE + 1))
    wanted[3] = _erased(wanted[3])
    assert any_log.chained() == wanted
