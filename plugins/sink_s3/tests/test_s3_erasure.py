"""Erasing: no version of any object holds the bytes, whatever breaks, and a lock is respected."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from rynxs.api import Record, SinkCorrupt, SinkUnavailable
from rynxs.testing.histories import history
from rynxs_sink_s3.batch_object import encode_object, key_of, payloads_of
from tests.servers import faults

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from tests.conftest import MemoryS3, S3Log
    from tests.servers.proxy import FaultyProxy

COUNTS = (2, 6)
SIZE = sum(COUNTS)
PERSONAL = 4  # detached in a new batch
ORDINARY = 3
SEQS = (ORDINARY, PERSONAL)
VERSIONED = "kept-logs"


def _fill_as_before(log: S3Log) -> None:
    """Store the log as it was written when no payload was detached yet."""
    log.put(key_of(0), encode_object(0, history(2), bytes(16)))
    log.put(key_of(2), encode_object(2, history(SIZE)[2:], bytes(16)))


def _erased(seqs: Collection[int], count: int = SIZE) -> list[Record]:
    return [
        Record(record.header, b"", None) if seq in seqs else record
        for seq, record in enumerate(history(count))
    ]


def _holding(log: S3Log, seqs: Sequence[int]) -> list[str]:
    """Return the keys of all versions that hold a payload or a salt of these records."""
    traces = []
    for seq in seqs:
        _, salt, payload = history(SIZE)[seq]
        assert payload is not None
        traces += [payload, salt] if salt else [payload]
    return [key for key, data in log.versions() for trace in traces if trace in data]


@pytest.mark.parametrize("is_detached", [True, False])
def test_no_version_of_any_object_holds_what_was_erased(is_detached: bool, any_log: S3Log) -> None:
    if is_detached:
        any_log.fill(COUNTS)
    else:
        _fill_as_before(any_log)
    assert len(_holding(any_log, SEQS)) == 3
    writer = any_log.writer()
    assert tuple(writer.read()) == history(SIZE)
    writer.erase(SEQS)
    assert _holding(any_log, SEQS) == []
    assert list(writer.read()) == _erased(SEQS)
    writer.append(SIZE, history(SIZE + 1)[SIZE:])
    writer.erase((0, 1, 2, 5, 6, SIZE))
    assert any_log.chained() == _erased({*range(SIZE + 1)} - {7}, SIZE + 1)


@pytest.mark.slow
@pytest.mark.parametrize("any_log", [VERSIONED], indirect=True)
@pytest.mark.parametrize(
    ("method", "part"), [("PUT", "/log/"), ("DELETE", "/log/"), ("DELETE", "/payload/")]
)
@pytest.mark.parametrize("fault", [faults.drop_request, faults.drop_reply])
def test_an_erasure_that_breaks_off_is_completed_by_another_one(
    fault: Any, method: str, part: str, any_log: S3Log, proxy: FaultyProxy
) -> None:
    any_log.fill(COUNTS)
    writer = any_log.writer(attempts=1)
    proxy.plan(fault, lambda asked, path: asked == method and part in path)
    with pytest.raises(SinkUnavailable):
        writer.erase(SEQS)
    for found, whole, erased in zip(any_log.chained(), history(SIZE), _erased(SEQS), strict=True):
        assert found in (whole, erased)
    any_log.writer().erase(SEQS)
    assert _holding(any_log, SEQS) == []
    assert any_log.chained() == _erased(SEQS)


def test_an_erasure_removes_whatever_was_put_for_that_seq(any_log: S3Log) -> None:
    any_log.fill(COUNTS)
    (key,) = any_log.stored(payloads_of(PERSONAL))
    any_log.put(key, any_log.get(key))
    any_log.put(f"{payloads_of(PERSONAL)}{'0' * 64}-{'0' * 32}", b"of a writer that was killed")
    any_log.delete(key)
    others = {key for key, _ in any_log.versions() if key.startswith("payload/")}
    any_log.writer().erase([PERSONAL])
    left = {key for key, _ in any_log.versions() if key.startswith("payload/")}
    assert left == {each for each in others if not each.startswith(payloads_of(PERSONAL))}


def test_a_batch_that_changes_while_a_payload_in_it_is_erased_stays_as_it_is(
    memory_log: S3Log, memory_s3: MemoryS3, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory_log.fill(COUNTS)
    writer = memory_log.writer()
    put = memory_s3.put_object
    key = f"{memory_log.prefix}/{key_of(2)}"

    def put_late(**request: Any) -> Any:
        memory_s3.objects[key] = b"of somebody else"
        return put(**request)

    monkeypatch.setattr(memory_s3, "put_object", put_late)
    with pytest.raises(SinkUnavailable, match="changed meanwhile; erase once more"):
        writer.erase([ORDINARY])
    assert memory_s3.objects[key] == b"of somebody else"
    with pytest.raises(SinkCorrupt):
        writer.erase([ORDINARY])


def _microseconds(date: datetime) -> int:
    return (date - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


@pytest.fixture
def locked(memory_log: S3Log, memory_s3: MemoryS3) -> datetime:
    """A date until which the batches of a log are locked."""
    memory_log.fill(COUNTS)
    until = datetime.now(UTC).replace(microsecond=0) + timedelta(days=30)
    for start, days in ((0, -1), (2, 0)):
        memory_s3.locks[f"{memory_log.prefix}/{key_of(start)}"] = until + timedelta(days=days)
    return until


def test_a_payload_in_a_locked_batch_is_refused_with_the_date_and_nothing_is_changed(
    locked: datetime, memory_log: S3Log, memory_s3: MemoryS3
) -> None:
    writer = memory_log.writer()
    before = dict(memory_s3.objects)
    for sink in (writer, memory_log.reader()):
        assert sink.locked_until([0]) == _microseconds(locked - timedelta(days=1))
        assert sink.locked_until([0, ORDINARY]) == _microseconds(locked)
    date = locked.isoformat()
    with pytest.raises(SinkUnavailable) as caught:
        writer.erase([1, ORDINARY, PERSONAL])
    assert f"records 1 to 4 is locked until {date}; nothing was erased" in str(caught.value)
    assert {**memory_s3.objects, **before} == memory_s3.objects


def test_a_detached_payload_is_erased_though_its_batch_is_locked(
    locked: datetime, memory_log: S3Log, memory_s3: MemoryS3
) -> None:
    writer = memory_log.writer()
    batch = memory_log.get(key_of(2))
    assert writer.locked_until([1, PERSONAL, 7]) is None
    writer.erase([1, PERSONAL, 7])
    assert memory_log.get(key_of(2)) == batch
    assert memory_log.chained() == _erased([1, PERSONAL, 7])


def test_a_lock_that_is_over_is_none(
    locked: datetime, memory_log: S3Log, memory_s3: MemoryS3
) -> None:
    for key in memory_s3.locks:
        memory_s3.locks[key] = datetime.now(UTC) - timedelta(seconds=1)
    writer = memory_log.writer()
    assert writer.locked_until(SEQS) is None
    writer.erase(SEQS)
    assert memory_log.chained() == _erased(SEQS)


def test_a_legal_hold_has_no_date_and_counts_as_one_without_end(
    memory_log: S3Log, memory_s3: MemoryS3
) -> None:
    memory_log.fill(COUNTS)
    memory_s3.held.add(f"{memory_log.prefix}/{key_of(2)}")
    writer = memory_log.writer()
    end = datetime.fromtimestamp(writer.locked_until([ORDINARY]) / 1_000_000, UTC)
    assert (end.year, end.month, end.day) == (9999, 12, 31)
    with pytest.raises(SinkUnavailable, match="record 3 is locked until 9999-12-31T23:59:59"):
        writer.erase([ORDINARY])
    memory_s3.held = {f"{memory_log.prefix}/{memory_log.stored(payloads_of(PERSONAL))[0]}"}
    with pytest.raises(SinkUnavailable, match="record 4 is locked"):
        writer.erase([PERSONAL])
    assert memory_log.chained() == list(history(SIZE))


def test_a_server_that_knows_no_locks_has_none(
    memory_log: S3Log, memory_s3: MemoryS3, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory_log.fill(COUNTS)
    writer = memory_log.writer()

    def unknown(**_: Any) -> Any:
        answer: Any = {"Error": {"Code": "NotImplemented"}}
        raise ClientError(answer, "GetObjectLockConfiguration")

    monkeypatch.setattr(memory_s3, "get_object_lock_configuration", unknown)
    assert writer.locked_until(SEQS) is None
    writer.erase(SEQS)
    assert memory_log.chained() == _erased(SEQS)


def test_a_permission_that_is_missing_is_told_and_nothing_is_erased(
    any_log: S3Log, proxy: FaultyProxy
) -> None:
    any_log.fill(COUNTS)
    writer = any_log.writer()
    proxy.plan(faults.answer(403, "AccessDenied"), lambda _, path: "versions" in path)
    with pytest.raises(SinkUnavailable, match=r"ListObjectVersions of .* is not allowed; grant it"):
        writer.erase(SEQS)
    assert any_log.chained() == list(history(SIZE))


def test_a_deleted_object_leaves_no_version_and_takes_no_other_with_it(any_log: S3Log) -> None:
    writer = any_log.writer()
    for data in (b"one", b"two"):
        for name in ("a/b", "a", "a/b.c", "a/bc"):
            writer.put(name, data)
    any_log.delete("a/b")
    writer.put("a/b", b"three")
    any_log.delete("a/bc")
    for name in ("a/b", "a/bc", "nothing"):
        writer.delete(name)
    left = {key for key, _ in any_log.versions() if key.startswith("a")}
    assert left == {"a", "a/b.c"}
    assert writer.list("a") == ["a", "a/b.c"]


def test_a_listing_of_versions_goes_on_over_its_pages(
    any_log: S3Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    any_log.fill((1,) * SIZE)
    for _ in range(3):
        any_log.put("name", b"data")
    writer = any_log.writer()
    driver = writer._bucket.client
    pages = driver.list_object_versions
    monkeypatch.setattr(
        driver, "list_object_versions", lambda **request: pages(**request, MaxKeys=1)
    )
    writer.erase([1, 4, 7])
    writer.delete("name")
    assert {key.partition("/")[0] for key, _ in any_log.versions()} == {"hint", "log", "probe"}
    assert any_log.chained() == _erased([1, 4, 7])
