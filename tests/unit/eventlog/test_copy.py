from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rynxs.errors import (
    CheckpointRefused,
    HistoryDiffers,
    LogCorrupt,
    SinkConflict,
    SinkUnavailable,
    VerificationError,
)
from rynxs.eventlog import canonical
from rynxs.eventlog import checkpoint as cp
from rynxs.eventlog.audit import Audit
from rynxs.eventlog.batch import RECORDS_MAX
from rynxs.eventlog.chain import Chain
from rynxs.eventlog.copy import Copy
from rynxs.eventlog.log import FRONTIER, Entry, Log
from rynxs.eventlog.sink import ANY, Grouping
from rynxs.testing import MemorySink

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rynxs.eventlog.copy import CopyResult
    from rynxs.eventlog.record import Record
    from rynxs.eventlog.sink import Expect

TEN_AT_ONCE = Grouping(records=10, size=10**6, linger_s=0)
CHECKPOINTS = (1, 40, 45, 100)


class Key:
    """A key whose signatures anyone can make; enough to tell one key from another."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.key_id = name.encode()[:4].ljust(4)

    def sign(self, message: bytes) -> bytes:
        return sha256(self.name.encode() + message).digest()

    def verify(self, message: bytes, signature: bytes) -> bool:
        return signature == self.sign(message)


KEY, STRANGER = Key("key"), Key("stranger")


class FailingSink(MemorySink):
    """Fails at one write, counted from 1: before it is done, or once it is done."""

    def __init__(self, fails_at: int, done: bool) -> None:
        super().__init__()
        self.grouping = TEN_AT_ONCE
        self.writes = 0
        self._fails_at = fails_at
        self._done = done

    def append(self, start: int, records: Sequence[Record]) -> None:
        self._fail(before=True)
        super().append(start, records)
        self._fail(before=False)

    def put(self, name: str, data: bytes, expect: Expect | str = ANY) -> str:
        self._fail(before=True)
        version = super().put(name, data, expect)
        self._fail(before=False)
        return version

    def _fail(self, *, before: bool) -> None:
        self.writes += before
        if self.writes == self._fails_at and before is not self._done:
            raise SinkUnavailable("the server is gone")


class SizesSink(MemorySink):
    """Notes how many records each append brings."""

    def __init__(self, grouping: Grouping) -> None:
        super().__init__()
        self.grouping = grouping
        self.sizes: list[int] = []

    def append(self, start: int, records: Sequence[Record]) -> None:
        super().append(start, records)
        self.sizes.append(len(records))


class ForgetfulSink(MemorySink):
    """Acknowledges the last record of record 90's batch and does not keep it."""

    def append(self, start: int, records: Sequence[Record]) -> None:
        super().append(start, records)
        if self.size() > 90:
            self.records.pop()


def sign(sink: MemorySink, log: Log, key: Key = KEY) -> None:
    made = log.checkpoint("log")
    cp.store(sink, made, cp.sign(made, [key]))


def filled(entries: Sequence[Entry], checkpoints: Sequence[int] = CHECKPOINTS) -> MemorySink:
    sink = MemorySink()
    log = Log.open(sink)
    for stop in (*checkpoints, len(entries)):
        log.append(entries[log.size : stop])
        if stop in checkpoints:
            sign(sink, log)
    log.save()
    sink.put("tile/0/000", b"what a checkpoint rests on")
    return sink


def prefix(source: MemorySink, count: int) -> MemorySink:
    sink = MemorySink()
    sink.grouping = TEN_AT_ONCE
    sink.records = source.records[:count]
    return sink


def run(source: MemorySink, destination: MemorySink, keys: Sequence[Key] = ()) -> CopyResult:
    copying = Copy(source, destination, keys)
    for phase in (copying.records, copying.objects, copying.erase, copying.read_back):
        for _ in phase():
            pass
    return copying.result()


def contents(sink: MemorySink) -> tuple[list[Record], dict[str, bytes]]:
    return list(sink.records), dict(sink.objects)


def refused(
    expected: type[Exception], text: str, source: MemorySink, destination: MemorySink, *keys: Key
) -> Any:
    """Copy, and return the error that ends it with nothing written."""
    before = contents(destination)
    with pytest.raises(expected, match=text) as error:
        run(source, destination, keys)
    assert contents(destination) == before
    return error.value


@pytest.fixture
def source(entries: list[Entry]) -> MemorySink:
    return filled(entries)


@pytest.fixture
def other(entries: list[Entry]) -> MemorySink:
    """A log that shares the first 40 records with the source."""
    return filled([*entries[:40], *(entry._replace(payload=b"\xa0") for entry in entries[40:60])])


def test_a_copy_holds_every_record_and_object_and_opens_at_once(source: MemorySink) -> None:
    destination = MemorySink()
    result = run(source, destination, [KEY])
    assert contents(destination) == contents(source)
    assert (result.found, result.copied, result.size) == (0, 100, 100)
    assert (result.checkpoints, result.objects) == (4, 2)
    chain = Chain()
    chain.verify(source.records)
    assert (result.head, result.root) == (chain.tip.head, chain.frontier.root())
    audit = Audit(destination, [KEY])
    assert sum(map(len, audit.batches())) == 100


def test_a_second_copy_finds_everything_and_writes_nothing(source: MemorySink) -> None:
    destination = FailingSink(fails_at=0, done=False)
    run(source, destination)
    before, writes = contents(destination), destination.writes
    result = run(source, destination)
    assert (result.found, result.copied, result.checkpoints, result.objects) == (100, 0, 0, 0)
    assert contents(destination) == before
    assert destination.writes == writes + 1  # the frontier, as it was


def test_an_empty_log_is_copied() -> None:
    result = run(MemorySink(), MemorySink())
    assert (result.size, result.copied) == (0, 0)


def test_progress_counts_every_record_and_object_once(source: MemorySink) -> None:
    destination = prefix(source, 33)
    copying = Copy(source, destination, [])
    assert sum(map(len, copying.records())) == 100
    assert sum(map(len, copying.objects())) == copying.object_count == 6
    assert sum(map(len, copying.read_back())) == 100


@pytest.mark.parametrize(
    ("grouping", "count", "sizes"),
    [
        (Grouping(records=30, size=10**6, linger_s=0), 100, [30, 30, 30, 10]),
        (Grouping(records=5_000, size=10**9, linger_s=0), 2_001, [RECORDS_MAX, RECORDS_MAX, 1]),
        (Grouping(records=1_000, size=100, linger_s=0), 5, [1, 2, 1, 1]),
    ],
)
def test_batches_are_as_large_as_the_destination_wants_and_takes_them(
    grouping: Grouping, count: int, sizes: list[int]
) -> None:
    texts = {0: 90, 1: 30, 2: 30, 3: 200, 4: 5}
    bodies = [{"origin": "log", "text": "x" * texts.get(number, 0)} for number in range(count)]
    source, destination = MemorySink(), SizesSink(grouping)
    Log.open(source).append([Entry("Thing", "", canonical.encode(body), 1, 1) for body in bodies])
    run(source, destination)
    assert destination.sizes == sizes
    assert destination.records == source.records


@pytest.mark.parametrize("done", [False, True])
def test_a_copy_that_failed_at_any_write_is_finished_by_the_next(
    source: MemorySink, done: bool
) -> None:
    whole = FailingSink(fails_at=0, done=False)
    run(source, whole)
    assert whole.writes == 10 + 6 + 1
    for fails_at in range(1, whole.writes + 1):
        destination = FailingSink(fails_at, done)
        with pytest.raises(SinkUnavailable, match="destination: the server is gone"):
            run(source, destination, [KEY])
        kept = list(destination.records)
        assert kept == source.records[: len(kept)]
        assert len(kept) == min(fails_at - (not done), 10) * 10
        result = run(source, destination, [KEY])
        assert (result.found, result.copied) == (len(kept), 100 - len(kept))
        assert contents(destination) == contents(whole)


@given(
    held=st.integers(0, 100),
    records=st.integers(1, 120),
    size=st.integers(1, 5_000),
)
def test_any_first_part_is_gone_on_with_in_batches_of_any_size(
    held: int, records: int, size: int
) -> None:
    entries = [
        Entry("Thing", "", canonical.encode({"origin": "log", "text": "x" * (n % 70)}), 1, n)
        for n in range(100)
    ]
    source = filled(entries, [1, 30, 77])
    destination = prefix(source, held)
    destination.grouping = Grouping(records, size, 0)
    result = run(source, destination, [KEY])
    assert (result.found, result.copied) == (held, 100 - held)
    assert contents(destination) == contents(source)


@pytest.mark.parametrize("member", ["header", "salt", "payload"])
@pytest.mark.parametrize("seq", [0, 3, 10, 59, 99])
def test_nothing_is_copied_from_the_first_bad_record_on(
    source: MemorySink, seq: int, member: str
) -> None:
    good = list(source.records)
    source.records[seq] = good[seq]._replace(**{member: b"fedcba9876543210"})
    destination = prefix(source, 0)
    with pytest.raises(LogCorrupt, match=f"^source: record {seq}: ") as error:
        run(source, destination)
    assert error.value.seq == seq
    assert destination.records == good[: seq - seq % 10]
    assert destination.objects == {}


def test_a_source_that_lacks_what_its_checkpoint_covers_is_told(source: MemorySink) -> None:
    good = source.records[:99]
    source.records.pop()
    destination = prefix(source, 0)
    with pytest.raises(LogCorrupt, match="source: record 99: missing"):
        run(source, destination)
    assert contents(destination) == (good, {})


def test_records_that_a_checkpoint_contradicts_are_not_copied(entries: list[Entry]) -> None:
    rewritten = entries[5]._replace(payload=b"\xa0")
    source, honest = filled([*entries[:5], rewritten], []), filled(entries[:6], [6])
    source.objects.update(honest.objects)
    refused(CheckpointRefused, r"^source: checkpoints/0+6: its root", source, prefix(source, 0))


@pytest.mark.parametrize("seq", [0, 3, 33, 59])
@pytest.mark.parametrize("member", ["header", "salt", "payload"])
def test_a_destination_with_a_damaged_record_is_refused_and_left_as_it_is(
    source: MemorySink, seq: int, member: str
) -> None:
    destination = prefix(source, 60)
    bad = destination.records[seq]._replace(**{member: b"fedcba9876543210"})
    destination.records[seq] = bad
    refused(LogCorrupt, f"^destination: record {seq}: ", source, destination)


def test_a_salt_that_differs_in_an_otherwise_whole_destination_names_its_record(
    entries: list[Entry], source: MemorySink
) -> None:
    salted = entries[31]._replace(salt=b"fedcba9876543210")
    destination = filled([*entries[:31], salted, *entries[32:50]], [])
    found = refused(HistoryDiffers, "record 31: ", source, destination)
    assert found.seq == 31


def test_a_destination_of_another_history_is_refused_at_the_first_record_that_differs(
    source: MemorySink, other: MemorySink
) -> None:
    for one, two in ((source, other), (other, source)):
        assert refused(HistoryDiffers, "record 40: ", one, two).seq == 40


def test_a_destination_that_is_ahead_is_refused(source: MemorySink, entries: list[Entry]) -> None:
    older = filled(entries[:70], [40])
    found = refused(HistoryDiffers, "destination holds 100 records", older, source)
    assert found.seq == 70
    assert refused(HistoryDiffers, "record 0: ", MemorySink(), source).seq == 0


def test_a_destination_of_another_origin_is_refused(
    source: MemorySink, entries: list[Entry]
) -> None:
    named = entries[0]._replace(payload=canonical.encode({"origin": "elsewhere"}))
    destination = filled([named, *entries[1:]], [])
    assert refused(HistoryDiffers, "another history", source, destination).seq == 0


def test_a_destination_short_of_its_own_checkpoint_is_refused(source: MemorySink) -> None:
    destination = prefix(source, 60)
    destination.objects[cp.LATEST] = source.objects[cp.LATEST]
    refused(LogCorrupt, "destination: record 60: missing", source, destination)


@pytest.mark.parametrize("name", [cp.numbered_name(100), cp.LATEST])
def test_another_checkpoint_of_one_size_is_refused(source: MemorySink, name: str) -> None:
    made = cp.parse(source.objects[name])[0]
    destination = prefix(source, 100)
    destination.put(name, cp.sign(made._replace(extensions=("more",)), [KEY]))
    refused(CheckpointRefused, f"destination: {name}: not the source's", source, destination)


@pytest.mark.parametrize("size", [30, 40])
def test_a_checkpoint_in_the_destination_of_another_root_is_refused(
    source: MemorySink, size: int
) -> None:
    destination = prefix(source, 60)
    made = cp.Checkpoint("log", size, bytes(32))
    destination.put(cp.numbered_name(size), cp.sign(made, [KEY]))
    refused(CheckpointRefused, "^destination: checkpoints/", source, destination)


def test_a_malformed_checkpoint_is_blamed_on_the_log_that_holds_it(source: MemorySink) -> None:
    destination = prefix(source, 100)
    destination.objects[cp.numbered_name(40)] = b"garbage"
    refused(CheckpointRefused, "^destination: ", source, destination)
    refused(CheckpointRefused, "^source: ", destination, prefix(source, 10))
    refused(CheckpointRefused, "^source: ", destination, source)


def test_the_same_checkpoint_signed_by_others_is_kept(source: MemorySink) -> None:
    destination = prefix(source, 100)
    log = Log.open(destination)
    sign(destination, log, STRANGER)
    mine = destination.objects[cp.numbered_name(100)]
    assert run(source, destination).checkpoints == 3
    assert destination.objects[cp.numbered_name(100)] == mine
    assert destination.objects[cp.LATEST] == source.objects[cp.LATEST]


def test_the_newest_checkpoint_does_not_go_back(entries: list[Entry], source: MemorySink) -> None:
    older = filled(entries, [40])
    newest = source.objects[cp.LATEST]
    run(older, source)
    assert source.objects[cp.LATEST] == newest


def test_an_older_backup_gets_the_newest_checkpoint_and_what_has_changed(
    entries: list[Entry], source: MemorySink
) -> None:
    destination = MemorySink()
    run(filled(entries[:45], [1, 40]), destination)
    source.put("tile/0/000", b"has grown")
    result = run(source, destination)
    assert (result.found, result.copied) == (45, 55)
    assert (result.checkpoints, result.objects) == (2, 2)
    assert contents(destination) == contents(source)


def test_a_key_is_not_believed_where_the_source_is_not_signed(entries: list[Entry]) -> None:
    text = "^source: no checkpoint is stored"
    refused(CheckpointRefused, text, filled(entries, []), MemorySink(), KEY)


def test_a_strangers_signature_is_refused_in_both_logs(
    entries: list[Entry], source: MemorySink
) -> None:
    signed = filled(entries, [])
    sign(signed, Log.open(signed), STRANGER)
    refused(CheckpointRefused, "^source: checkpoints/.* signed by", signed, MemorySink(), KEY)
    refused(CheckpointRefused, "^destination: checkpoints/.* signed by", source, signed, KEY)
    run(source, signed, [KEY, STRANGER])


def test_what_a_live_writer_adds_meanwhile_leaves_the_copy_whole(entries: list[Entry]) -> None:
    writer = filled(entries[:80], [40])
    log = Log.open(writer)

    class Live(MemorySink):
        def read(self, start: int = 0, stop: int | None = None) -> Iterator[Record]:
            found = list(super().read(start, stop))
            if log.size < len(entries):
                log.append(entries[log.size : log.size + 10])
                sign(writer, log)
            yield from found

    destination = MemorySink()
    result = run(Live(writer.store), destination, [KEY])
    assert 80 <= result.size < log.size == 100
    assert destination.records == writer.records[: result.size]
    assert destination.list(cp.NUMBERED) == [cp.numbered_name(40)]
    audit = Audit(destination, [KEY])
    assert sum(map(len, audit.batches())) == result.size
    assert run(writer, destination, [KEY]).size == 100
    assert contents(destination)[0] == writer.records


@pytest.mark.parametrize("name", [cp.LATEST, cp.numbered_name(30)])
def test_the_checkpoints_verified_are_those_that_would_be_copied(
    source: MemorySink, name: str
) -> None:
    honest = dict(source.objects)
    source.objects[name] = cp.sign(cp.Checkpoint("log", 30, bytes(32)), [KEY])
    copying = Copy(source, MemorySink(), [KEY])
    del source.objects[name]
    source.objects.update(honest)
    with pytest.raises(CheckpointRefused, match=f"source: {name}: its root"):
        list(copying.records())


def test_the_newest_checkpoint_comes_last_and_the_saved_frontier_stays_behind(
    source: MemorySink,
) -> None:
    source.put("zone/1", b"sorts after the checkpoints")
    source.objects[FRONTIER] = b"of another sink"
    destination = MemorySink()
    copying = Copy(source, destination, [])
    for _ in copying.records():
        pass
    named = [name for names in copying.objects() for name in names]
    numbered = [cp.numbered_name(size) for size in CHECKPOINTS]
    assert list(destination.objects) == named
    assert named == ["tile/0/000", "zone/1", *numbered, cp.LATEST]
    for _ in copying.read_back():
        pass
    assert Log.open(destination).root() == copying.result().root
    assert destination.objects[FRONTIER] != source.objects[FRONTIER]


def test_an_older_frontier_of_the_destination_is_brought_up_to_its_end(
    source: MemorySink, entries: list[Entry]
) -> None:
    destination = filled(entries[:60], [])
    older = destination.objects[FRONTIER]
    run(source, destination)
    assert older != destination.objects[FRONTIER] == source.objects[FRONTIER]


@pytest.mark.parametrize("name", [cp.LATEST, cp.numbered_name(40)])
@pytest.mark.parametrize("held", [0, 100])
def test_a_checkpoint_that_somebody_stores_meanwhile_is_not_overwritten(
    source: MemorySink, name: str, held: int
) -> None:
    destination = prefix(source, held)
    copying = Copy(source, destination, [])
    for _ in copying.records():
        pass
    theirs = cp.sign(cp.parse(source.objects[name])[0], [STRANGER])
    destination.put(name, theirs)
    with pytest.raises(SinkConflict, match=f"destination: {name}"):
        list(copying.objects())
    assert destination.objects[name] == theirs


def test_a_destination_that_loses_what_it_acknowledged_is_found_out(
    entries: list[Entry],
) -> None:
    destination = ForgetfulSink()
    with pytest.raises(VerificationError, match="destination: reads back as 99 records"):
        run(filled(entries, []), destination)
    assert FRONTIER not in destination.objects


def test_a_destination_that_another_writer_takes_ends_the_copy(source: MemorySink) -> None:
    destination = prefix(source, 0)
    copying = Copy(source, destination, [])
    passing = copying.records()
    next(passing)
    destination.records.append(source.records[10])
    with pytest.raises(SinkConflict, match="destination: append at 10"):
        next(passing)
