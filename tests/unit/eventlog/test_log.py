from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from rynxs.errors import CheckpointRefused, LogCorrupt, SinkConflict, SinkUnavailable, UsageError
from rynxs.eventlog import canonical
from rynxs.eventlog import checkpoint as cp
from rynxs.eventlog.audit import Audit
from rynxs.eventlog.chain import Chain
from rynxs.eventlog.checkpoint import Checkpoint
from rynxs.eventlog.genesis import origin_of
from rynxs.eventlog.log import FRONTIER, Entry, Log, batched
from rynxs.eventlog.record import FIELD_MAX, PAYLOAD_SIZE_MAX, leaf_hash
from rynxs.eventlog.sink import Grouping
from rynxs.testing import MemorySink
from rynxs.testing.memory import MemoryReader

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rynxs.eventlog.record import Record
    from tests.unit.eventlog.conftest import MakeRecords

SIGNATURE = "\n— key AQIDBHg=\n"


class CountingSink(MemorySink):
    """Counts the records it hands out."""

    def __init__(self) -> None:
        super().__init__()
        self.handed_out = 0

    def read(self, start: int = 0, stop: int | None = None) -> Iterator[Record]:
        for record in super().read(start, stop):
            self.handed_out += 1
            yield record


def checkpointed(sink: MemorySink, log: Log) -> Checkpoint:
    checkpoint = log.checkpoint("log")
    cp.store(sink, checkpoint, (checkpoint.text() + SIGNATURE).encode())
    return checkpoint


def test_what_is_appended_verifies_and_reads_back(entries: list[Entry]) -> None:
    sink = MemorySink()
    log = Log.open(sink)
    log.append(entries[:1])
    log.append(entries[1:])
    headers = Chain().verify(sink.records)
    assert log.size == len(entries) == len(headers)
    assert [h.kind for h in headers] == [e.kind for e in entries]
    assert [h.cause for h in headers] == [e.cause for e in entries]
    assert [r.payload for r in sink.records] == [e.payload for e in entries]
    assert [r.salt for r in sink.records] == [e.salt for e in entries]


def test_records_do_not_depend_on_how_entries_are_batched(entries: list[Entry]) -> None:
    one, many = MemorySink(), MemorySink()
    Log.open(one).append(entries)
    log = Log.open(many)
    for entry in entries:
        log.append([entry])
    assert one.records == many.records
    assert (one.appends, many.appends) == (1, len(entries))


def test_a_reopened_log_goes_on_with_the_same_chain(entries: list[Entry]) -> None:
    whole, parts = MemorySink(), MemorySink()
    Log.open(whole).append(entries)
    for start in range(0, len(entries), 9):
        Log.open(parts).append(entries[start : start + 9])
    assert parts.records == whole.records


def test_opening_reads_only_what_came_after_the_saved_frontier(entries: list[Entry]) -> None:
    sink = CountingSink()
    log = Log.open(sink)
    log.append(entries[:90])
    log.save()
    log.append(entries[90:])
    sink.handed_out = 0
    opened = Log.open(sink)
    assert sink.handed_out == 10 + 1
    assert (opened.size, opened.tip, opened.root()) == (log.size, log.tip, log.root())


def test_a_frontier_is_stored_once_for_a_size_and_again_when_it_is_gone(
    entries: list[Entry], monkeypatch: pytest.MonkeyPatch
) -> None:
    sink = MemorySink()
    stored = []
    put = sink.put

    def noted(name: str, data: bytes, *expected: Any) -> str:
        stored.append(name)
        return put(name, data, *expected)

    monkeypatch.setattr(sink, "put", noted)
    log = Log.open(sink)
    log.save()
    assert stored == []
    log.append(entries[:5])
    log.save()
    log.save()
    assert stored == [FRONTIER]
    log.append(entries[5:9])
    log.save()
    assert stored == [FRONTIER, FRONTIER]
    sink.delete(FRONTIER)
    log.save()
    assert stored == [FRONTIER, FRONTIER, FRONTIER]


def test_a_log_goes_on_with_another_sink_from_where_it_stands(entries: list[Entry]) -> None:
    writer = MemorySink()
    written = Log.open(writer)
    written.append(entries[:5])
    log = Log.open(MemoryReader(writer.store))
    written.append(entries[5:7])
    log.go_on_with(writer)
    assert [len(batch) for batch in log.history()] == [2]
    log.append(entries[7:])
    assert log.size == len(Chain().verify(writer.records)) == len(entries)


@pytest.mark.parametrize("place", range(0, 200, 5))
def test_a_garbled_frontier_costs_a_reading_and_changes_nothing(
    entries: list[Entry], place: int
) -> None:
    sink = MemorySink()
    log = Log.open(sink)
    log.append(entries)
    log.save()
    saved = bytearray(sink.objects[FRONTIER])
    saved[place % len(saved)] ^= 0x10
    sink.objects[FRONTIER] = bytes(saved)
    assert Log.open(sink).root() == log.root()


def test_a_frontier_of_another_log_is_not_believed(entries: list[Entry]) -> None:
    mine, other = MemorySink(), MemorySink()
    Log.open(mine).append(entries[:50])
    foreign = Log.open(other)
    foreign.append([entries[0], entries[3]])
    foreign.save()
    mine.objects[FRONTIER] = other.objects[FRONTIER]
    expected = Chain()
    expected.verify(mine.records)
    assert Log.open(mine).root() == expected.frontier.root()


def test_a_frontier_that_the_log_does_not_reach_is_not_believed(entries: list[Entry]) -> None:
    sink = MemorySink()
    log = Log.open(sink)
    log.append(entries)
    log.save()
    del sink.records[60:]
    expected = Chain()
    expected.verify(sink.records)
    opened = Log.open(sink)
    assert (opened.size, opened.root()) == (60, expected.frontier.root())


def test_a_frontier_hides_no_damage_of_the_record_that_it_ends_with(entries: list[Entry]) -> None:
    sink = MemorySink()
    log = Log.open(sink)
    log.append(entries)
    log.save()
    sink.records[-1] = sink.records[-1]._replace(header=b"")
    with pytest.raises(LogCorrupt) as corrupt:
        Log.open(sink)
    assert corrupt.value.seq == 99


def test_checkpoints_on_both_sides_of_the_frontier_do_not_hinder_the_opening(
    entries: list[Entry],
) -> None:
    sink = MemorySink()
    log = Log.open(sink)
    for stop in (40, 90, 100):
        log.append(entries[log.size : stop])
        checkpointed(sink, log)
        if stop < 100:
            log.save()
    assert Log.open(sink).root() == log.root()


def test_a_history_is_headers_with_their_records_from_the_first_on(entries: list[Entry]) -> None:
    sink = MemorySink()
    Log.open(sink).append(entries)
    history = [pair for batch in Log.load(sink).history() for pair in batch]
    assert [record for _, record in history] == sink.records
    assert [header for header, _ in history] == Chain().verify(sink.records)


def test_a_stream_is_cut_into_lists_of_which_only_the_last_is_shorter(
    make_records: MakeRecords,
) -> None:
    records = make_records(7)
    assert list(batched(iter(records), 3)) == [records[:3], records[3:6], records[6:]]
    assert list(batched(iter(records), 7)) == [records]
    assert list(batched(iter(()), 3)) == []


def test_large_appends_are_cut_by_count_and_by_bytes_as_the_sink_wants_them() -> None:
    sink = MemorySink()
    sink.grouping = Grouping(records=1_000, size=1_000, linger_s=0)
    payload = canonical.encode({"text": "x" * 290})
    Log.open(sink).append([Entry("Thing", "", payload, 1, 1)] * 10)
    assert sink.appends == 4
    small = [Entry("Thing", "", b"\xa0", 1, 1)] * 2001
    sink.grouping = Grouping(records=1_000, size=10**6, linger_s=0)
    Log.open(sink).append(small)
    assert sink.appends == 4 + 3


def test_a_batch_has_as_many_bytes_as_the_sink_wants_and_more_only_for_one_entry_alone() -> None:
    sink = MemorySink()
    small = Entry("Thing", "", canonical.encode({"text": "x" * 90}), 1, 1)
    large = small._replace(payload=canonical.encode({"text": "x" * 900}))
    sink.grouping = Grouping(records=1_000, size=2 * len(small.payload), linger_s=0)
    log = Log.open(sink)
    batches: list[int] = []
    log.append(
        [large, small, small, small, large, large],
        lambda _first, batch, _leaves: batches.append(len(batch)),
    )
    assert batches == [1, 2, 1, 1, 1]
    log.append([])
    assert (log.size, sink.appends) == (6, 5)


def test_who_appends_is_told_of_each_batch_once_it_is_durable(entries: list[Entry]) -> None:
    sink = MemorySink()
    sink.grouping = Grouping(records=40, size=10**6, linger_s=0)
    log = Log.open(sink)
    told: list[tuple[int, Sequence[Entry], Sequence[bytes]]] = []

    def durable(first: int, batch: Sequence[Entry], leaves: Sequence[bytes]) -> None:
        assert sink.size() == log.size == first + len(batch)
        told.append((first, batch, leaves))

    log.append(entries, durable)
    assert [(first, list(batch)) for first, batch, _ in told] == [
        (start, entries[start : start + 40]) for start in (0, 40, 80)
    ]
    leaves = [leaf for _, _, batch in told for leaf in batch]
    assert leaves == [leaf_hash(record.header) for record in sink.records]


def test_a_frontier_is_stored_after_as_many_records_as_a_reading_may_cost(
    entries: list[Entry], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rynxs.eventlog.log._FRONTIER_INTERVAL", 10)
    sink = CountingSink()
    log = Log.open(sink)
    for stop, after_the_frontier in ((9, 9), (10, 0), (19, 9), (20, 0), (35, 0), (40, 5)):
        log.append(entries[log.size : stop])
        sink.handed_out = 0
        assert Log.open(sink).size == stop
        assert sink.handed_out == after_the_frontier + (stop > 9)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"epoch": 0}, "epoch 0 is below 1"),
        ({"time_us": 1}, "time 1 is below"),
        ({"kind": "bad kind"}, "bad kind"),
        ({"subject": "bad"}, "bad"),
        ({"cause": 11}, "cause 11 is not before record 11"),
        ({"salt": b"short"}, "a salt is empty or 16 bytes"),
        ({"epoch": True}, "epoch and time are integers"),
        ({"epoch": 2**63}, "epoch 9223372036854775808 is below 1 or too large"),
        ({"time_us": 2**63}, "time 9223372036854775808 is below"),
        ({"payload": bytes(4 * 1024 * 1024 + 1)}, "Thing/default/t1: .* the limit is 4194304"),
        (
            {"payload": bytes(4 * 1024 * 1024 + 1), "subject": ""},
            "ThingObserved of the log: payload of 4194305 bytes",
        ),
    ],
)
def test_an_entry_that_does_not_fit_is_refused_and_nothing_is_written(
    entries: list[Entry], change: dict[str, Any], text: str
) -> None:
    sink = MemorySink()
    log = Log.open(sink)
    log.append(entries[:10])
    with pytest.raises(UsageError, match=text):
        log.append([entries[10], entries[11]._replace(**change)])
    assert sink.size() == log.size == 10
    log.append(entries[10:])
    Chain().verify(sink.records)


def test_what_is_as_large_as_a_header_and_a_batch_allow_is_appended(entries: list[Entry]) -> None:
    sink = MemorySink()
    largest = entries[1]._replace(
        payload=bytes(PAYLOAD_SIZE_MAX), epoch=FIELD_MAX, time_us=FIELD_MAX, cause=0
    )
    Log.open(sink).append([entries[0], largest])
    header = Chain().verify(sink.records)[1]
    assert (header.payload_size, header.cause) == (PAYLOAD_SIZE_MAX, 0)
    assert header.epoch == header.time_us == FIELD_MAX


def test_a_fenced_writer_appends_nothing(entries: list[Entry]) -> None:
    sink = MemorySink()
    stale = Log.open(sink)
    Log.open(sink).append(entries[:5])
    with pytest.raises(SinkConflict):
        stale.append(entries[:5])
    assert sink.size() == 5


def test_after_a_failed_append_the_same_entries_can_be_appended(
    entries: list[Entry], monkeypatch: pytest.MonkeyPatch
) -> None:
    sink = MemorySink()
    log = Log.open(sink)
    log.append(entries[:5])
    with monkeypatch.context() as broken:

        def fail(start: int, records: object) -> None:
            raise SinkUnavailable("out of order")

        broken.setattr(sink, "append", fail)
        with pytest.raises(SinkUnavailable):
            log.append(entries[5:])
    log.append(entries[5:])
    Chain().verify(sink.records)
    assert log.size == len(entries)


def test_a_log_shorter_than_a_checkpoint_is_corrupt(entries: list[Entry]) -> None:
    sink = MemorySink()
    log = Log.open(sink)
    log.append(entries)
    checkpointed(sink, log)
    sink.records.pop()
    with pytest.raises(LogCorrupt, match="covers 100 records"):
        Log.open(sink)


def test_a_history_rewritten_below_a_checkpoint_is_neither_opened_nor_signed(
    entries: list[Entry],
) -> None:
    honest, forged = MemorySink(), MemorySink()
    log = Log.open(honest)
    log.append(entries[:50])
    checkpointed(honest, log)
    other = [entry._replace(payload=entries[1].payload) for entry in entries[1:60]]
    Log.open(forged).append([entries[0], *other])
    forged.store.objects = dict(honest.objects)
    for opened in (Log.load(forged), Log(forged, Chain())):
        with pytest.raises(CheckpointRefused, match="its root is"):
            list(opened.history())


def test_only_what_names_a_log_is_signed() -> None:
    for origin in ("", "a b", "a\nb", "a+b", "a\x1b", "é", "x" * 256):
        with pytest.raises(CheckpointRefused, match="origin"):
            cp.sign(Checkpoint(origin, 1, bytes(32)), [])


def test_an_audit_compares_every_stored_checkpoint(entries: list[Entry]) -> None:
    sink = MemorySink()
    log = Log.open(sink)
    for stop in (1, 40, 41, 100):
        log.append(entries[log.size : stop])
        checkpointed(sink, log)
    audit = Audit(sink, [])
    assert sum(len(batch) for batch in audit.batches()) == 100
    assert [checked.size for checked in audit.result().checkpoints] == [1, 40, 41, 100, 100]
    assert audit.result().root == log.root()


def test_an_audit_refuses_a_checkpoint_of_another_root(entries: list[Entry]) -> None:
    sink = MemorySink()
    log = Log.open(sink)
    log.append(entries)
    other = Checkpoint("log", 40, bytes(32))
    cp.store(sink, other, (other.text() + SIGNATURE).encode())
    with pytest.raises(CheckpointRefused, match="its root is 0000"):
        list(Audit(sink, []).batches())


def test_an_audit_finds_records_missing_that_a_checkpoint_covers(entries: list[Entry]) -> None:
    sink = MemorySink()
    log = Log.open(sink)
    log.append(entries)
    checkpointed(sink, log)
    sink.records.pop()
    with pytest.raises(LogCorrupt, match="covers 100 records") as corrupt:
        list(Audit(sink, []).batches())
    assert corrupt.value.seq == 99


@pytest.mark.parametrize(
    ("name", "checkpoint", "text"),
    [
        (cp.numbered_name(3), Checkpoint("log", 5, bytes(32)), "it is of size 5"),
        ("checkpoints/README", Checkpoint("log", 5, bytes(32)), "it is of size 5"),
        (cp.LATEST, Checkpoint("other", 5, bytes(32)), "of log 'other', this log is 'log'"),
    ],
)
def test_an_audit_refuses_a_checkpoint_in_the_wrong_place(
    entries: list[Entry], name: str, checkpoint: Checkpoint, text: str
) -> None:
    sink = MemorySink()
    Log.open(sink).append(entries)
    sink.put(name, (checkpoint.text() + SIGNATURE).encode())
    with pytest.raises(CheckpointRefused, match=text):
        Audit(sink, [])


def test_the_first_record_names_the_log(entries: list[Entry]) -> None:
    sink = MemorySink()
    assert origin_of(sink) is None
    first = entries[0]._replace(payload=canonical.encode({"origin": "log.example"}))
    Log.open(sink).append([first])
    assert origin_of(sink) == "log.example"
    other = MemorySink()
    Log.open(other).append([entries[1]])
    with pytest.raises(LogCorrupt, match="names no origin"):
        origin_of(other)
