from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from rynxs.errors import LogCorrupt, SinkUnavailable
from rynxs.eventlog import canonical
from rynxs.eventlog import checkpoint as cp
from rynxs.eventlog.audit import Audit
from rynxs.eventlog.chain import Chain
from rynxs.eventlog.growth import Growth
from rynxs.eventlog.log import Entry, Log
from rynxs.eventlog.record import Record, decode_header
from rynxs.eventlog.redaction import REDACTED, Redactions, erase
from rynxs.eventlog.trust import Trust
from rynxs.eventlog.witness import Expected
from rynxs.testing import MemorySink
from tests.unit.eventlog.rotated import Key

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ACTOR = {"authenticated": False, "name": "ann@office"}
THING = "example.org/Thing/default/t"
KEY = Key("log.example")


def redacted(seqs: object, cause: int | None = 3, **changes: Any) -> Entry:
    body = {"actor": ACTOR, "reason": "a name", "seqs": seqs} | changes
    return Entry(REDACTED, THING, canonical.encode(body), 3, 2_000_000, cause)


@pytest.fixture
def sink(entries: list[Entry]) -> MemorySink:
    """A hundred records, of which 3 and 5 are salted or not; none is redacted."""
    made = MemorySink()
    Log.open(made).append(entries)
    return made


def append(sink: MemorySink, *entries: Entry) -> None:
    Log.open(sink).append(entries)


def audited(sink: MemorySink) -> Audit:
    audit = Audit(sink, [])
    for _ in audit.batches():
        pass
    return audit


def growth(sink: MemorySink, kept: bytes) -> None:
    for _ in Growth(sink, Trust(), [Expected.of("kept", kept, 0)]).batches():
        pass


def fails(sink: MemorySink, seq: int, text: str) -> None:
    for verify in (audited, Log.open, lambda each: list(Log.load(each).history())):
        with pytest.raises(LogCorrupt, match=text) as caught:
            verify(sink)
        assert caught.value.seq == seq


def test_what_a_redacted_record_names_may_be_missing_and_the_tree_is_as_it_was(
    sink: MemorySink,
) -> None:
    append(sink, redacted([3, 5]))
    before = audited(sink).result()
    assert (before.redacted, before.unfinished) == (2, [3, 5])
    erase(sink, [3, 5])
    after = audited(sink).result()
    assert (after.redacted, after.unfinished) == (2, [])
    assert (after.root, after.tip) == (before.root, before.tip)
    assert Log.open(sink).size == 101


def test_a_payload_that_is_missing_without_a_redacted_record_is_corruption(
    sink: MemorySink,
) -> None:
    append(sink, redacted([3]))
    sink.erase([3, 50, 99])
    fails(sink, 50, "record 50: payload is missing, and no Redacted record names it")


def test_a_checkpoint_does_not_hold_where_a_payload_that_it_covers_is_missing(
    sink: MemorySink,
) -> None:
    kept = cp.sign(Log.open(sink).checkpoint("log"), [KEY])
    append(sink, redacted([3]))
    sink.erase([3])
    growth(sink, kept)  # the record beyond it says so
    sink.erase([50])
    with pytest.raises(LogCorrupt, match="record 50: payload is missing, and no Redacted"):
        growth(sink, kept)


def test_a_redacted_record_that_names_itself_or_a_later_one_is_corruption(
    sink: MemorySink,
) -> None:
    append(sink, redacted([3, 100]))
    fails(sink, 100, "names record 100, which is not before it")
    sink.records.pop()
    append(sink, redacted([3]), redacted([3, 102]), Entry("X", THING, b"\xa0", 3, 2_000_001))
    fails(sink, 101, "names record 102, which is not before it")


@pytest.mark.parametrize("kind", ["EpochStarted", "KeyRotated", "HoldPlaced", "HoldReleased"])
def test_kinds_that_verifiers_need_can_t_be_redacted(sink: MemorySink, kind: str) -> None:
    append(sink, Entry(kind, "", b"\xa0", 3, 2_000_000), redacted([100], 100))
    fails(sink, 101, f"names record 100, and a {kind} can't be redacted")
    sink.records.pop()
    sink.erase([100])
    fails(sink, 100, f"a {kind} can't be redacted")


def test_a_redaction_can_t_be_redacted(sink: MemorySink) -> None:
    append(sink, redacted([3]), redacted([100], 100))
    fails(sink, 101, "names record 100, and a Redacted can't be redacted")
    sink.records.pop()
    sink.erase([100])
    fails(sink, 100, "a Redacted can't be redacted")


@pytest.mark.parametrize(
    "broken",
    [
        redacted([]),
        redacted(None),
        redacted([3, 3]),
        redacted([5, 3]),
        redacted([-1, 3]),
        redacted([True, 3]),
        redacted(["3"]),
        redacted([3], reason=7),
        redacted([3], actor="ann"),
    ],
    ids=range(9),
)
def test_a_redacted_record_of_another_shape_is_corruption(sink: MemorySink, broken: Entry) -> None:
    append(sink, broken)
    fails(sink, 100, "payload of Redacted is not of its shape")


@pytest.mark.parametrize("cause", [None, 4])
def test_a_redacted_record_that_does_not_name_its_cause_is_corruption(
    sink: MemorySink, cause: int | None
) -> None:
    append(sink, redacted([3, 5], cause))
    fails(sink, 100, f"does not name its cause, record {cause}")


def test_a_salt_without_a_payload_is_corruption(sink: MemorySink) -> None:
    append(sink, redacted([3]))
    sink.records[3] = sink.records[3]._replace(payload=None)
    assert sink.records[3].salt
    fails(sink, 3, "a salt without a payload")


def test_an_erased_record_is_checked_like_any_other_but_for_its_payload(
    sink: MemorySink,
) -> None:
    append(sink, redacted([5]))
    erase(sink, [5])
    header = bytearray(sink.records[5].header)
    header[-1] ^= 1
    sink.records[5] = Record(bytes(header), b"", None)
    with pytest.raises(LogCorrupt):
        audited(sink)


def test_a_tail_is_judged_by_what_it_knows(sink: MemorySink) -> None:
    log = Log.open(sink)
    log.save()
    append(sink, Entry("X", THING, b"\xa0", 3, 1_999_999), redacted([3, 100], 100))
    opened = Log.open(sink)
    assert opened.redactions.unfinished == [100]  # whether 3 is erased is not known from there
    sink.erase([3, 100])
    assert Log.open(sink).redactions.unfinished == []


def test_the_next_writer_finishes_what_was_cut_off(sink: MemorySink) -> None:
    append(sink, redacted([3, 5]))
    sink.erase([5])
    log = Log.load(sink)
    for _ in log.history():
        pass
    assert log.finish_redactions() == [3]
    assert sink.records[3] == Record(sink.records[3].header, b"", None)
    assert audited(sink).result().unfinished == []


def test_snapshots_that_know_of_a_payload_go_before_it(sink: MemorySink) -> None:
    names = [f"snapshots/{size:020d}" for size in (3, 4, 90)]
    others = ["checkpoint", "snapshotsX", "snapshots/other"]
    for name in (*names, f"{names[1]}/part", *others):
        sink.put(name, b"")

    class FailsToErase(MemorySink):
        def erase(self, seqs: Sequence[int]) -> None:
            raise SinkUnavailable("no power")

    failing = FailsToErase(sink.store)
    with pytest.raises(SinkUnavailable, match="no power"):
        erase(failing, [3, 5])
    assert sink.list() == ["checkpoint", names[0], "snapshotsX"]
    assert sink.records[3].payload is not None


def test_an_erasure_that_the_sink_only_claims_is_told(sink: MemorySink) -> None:
    class Forgetful(MemorySink):
        def erase(self, seqs: Sequence[int]) -> None:
            super().erase(seqs[:1])

    with pytest.raises(SinkUnavailable, match="record 5: its payload was erased, and is still"):
        erase(Forgetful(sink.store), [3, 5])


def test_what_a_lock_holds_is_left_for_later(sink: MemorySink) -> None:
    class Locked(MemorySink):
        def locked_until(self, seqs: Sequence[int]) -> int | None:
            return 4_000_000 if 3 in seqs else None

    append(sink, redacted([3, 5]))
    log = Log.load(Locked(sink.store))
    for _ in log.history():
        pass
    assert log.finish_redactions() == [5]
    assert sink.records[3].payload is not None


def test_a_redaction_beside_a_reader_is_no_corruption(sink: MemorySink) -> None:
    """It is recorded and done after the reader has passed the end it knew of."""

    class RedactedMeanwhile(MemorySink):
        def read(self, start: int = 0, stop: int | None = None) -> Iterator[Record]:
            found = list(super().read(start, stop))
            if start == 0:
                append(sink, redacted([60], 60))
                sink.erase([60])
                found[60] = sink.records[60]
            return iter(found)

    result = audited(RedactedMeanwhile(sink.store)).result()
    assert (result.size, result.redacted, result.unfinished) == (101, 1, [])


def test_the_tracker_needs_no_more_than_the_records_that_matter(sink: MemorySink) -> None:
    append(sink, redacted([3]))
    sink.erase([3])
    headers = Chain().verify(sink.records)
    redactions = Redactions()
    for seq in (0, 3, 100):
        redactions.take(headers[seq : seq + 1], sink.records[seq : seq + 1])
    redactions.finish()
    found = redactions.of(3)
    assert found is not None
    assert (found.seq, found.actor, found.reason) == (100, "ann@office", "a name")
    assert decode_header(sink.records[100].header).kind == REDACTED
