"""Stretches joined are the log read from end to end, and fail as it does."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rynxs.errors import CheckpointRefused, LogCorrupt, VerificationError
from rynxs.eventlog import checkpoint as cp
from rynxs.eventlog.audit import Audit, AuditResult
from rynxs.eventlog.chain import Chain
from rynxs.eventlog.checkpoint import Checkpoint
from rynxs.eventlog.redaction import KEPT_KINDS
from rynxs.eventlog.stretch import verify_stretch
from rynxs.testing import MemorySink
from rynxs.testing.histories import ORIGIN, history

SIGNATURE = "\n— key AQIDBHg=\n"
SIZE = 100
LENGTH = 16


def sink_with(checkpoints: list[int], wrong: int | None = None) -> MemorySink:
    sink = MemorySink()
    sink.append(0, history(SIZE))
    for size in sorted(set(checkpoints)):
        chain = Chain()
        chain.verify(history(SIZE)[:size])
        root = bytes(32) if size == wrong else chain.frontier.root()
        made = Checkpoint(ORIGIN, size, root)
        cp.store(sink, made, (made.text() + SIGNATURE).encode())
    return sink


def in_one(sink: MemorySink) -> AuditResult:
    audit = Audit(sink, [])
    for _ in audit.batches():
        pass
    return audit.result()


def in_stretches(sink: MemorySink) -> AuditResult:
    audit = Audit(sink, [])
    for start in range(0, sink.size(), LENGTH):
        stop = min(start + LENGTH, sink.size())
        audit.join(verify_stretch(sink, start, stop, audit.cuts(start, stop), KEPT_KINDS))
    for _ in audit.batches():
        pass
    return audit.result()


@given(st.lists(st.integers(0, SIZE), max_size=8))
def test_stretches_give_what_one_pass_gives(sizes: list[int]) -> None:
    sink = sink_with(sizes)
    assert in_stretches(sink) == in_one(sink)


@given(st.lists(st.integers(0, SIZE), min_size=1, max_size=8), st.data())
def test_a_wrong_root_is_refused_wherever_its_checkpoint_lies(
    sizes: list[int], data: st.DataObject
) -> None:
    sink = sink_with(sizes, wrong=data.draw(st.sampled_from(sizes)))
    with pytest.raises(CheckpointRefused, match="root") as one:
        in_one(sink)
    with pytest.raises(CheckpointRefused) as many:
        in_stretches(sink)
    assert str(one.value) == str(many.value)


@given(st.integers(0, SIZE - 1), st.sampled_from(["header", "payload", "erased", "gone"]))
def test_damage_is_told_as_one_pass_tells_it(place: int, what: str) -> None:
    sink = sink_with([SIZE])
    record = sink.records[place]
    assert record.payload is not None
    if what == "header":
        sink.records[place] = record._replace(
            header=record.header[:-1] + bytes([record.header[-1] ^ 1])
        )
    elif what == "payload":
        sink.records[place] = record._replace(payload=record.payload + b"x")
    elif what == "erased":
        sink.records[place] = record._replace(payload=None, salt=b"")
    else:
        del sink.records[place]
    with pytest.raises(VerificationError) as one:
        in_one(sink)
    with pytest.raises(VerificationError) as many:
        in_stretches(sink)
    assert str(one.value) == str(many.value)


def test_a_stretch_that_goes_on_from_another_record_is_not_joined() -> None:
    sink, other = sink_with([]), MemorySink()
    other.append(0, history(SIZE, "another"))
    audit = Audit(sink, [])
    audit.join(verify_stretch(sink, 0, LENGTH, [], KEPT_KINDS))
    with pytest.raises(LogCorrupt, match="record 16: the record before it has changed"):
        audit.join(verify_stretch(other, LENGTH, 2 * LENGTH, [], KEPT_KINDS))
