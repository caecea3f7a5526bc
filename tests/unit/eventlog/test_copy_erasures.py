"""What a copy does with erased payloads, on either side."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

import pytest

from rynxs.errors import LogCorrupt, SinkUnavailable
from rynxs.eventlog import canonical
from rynxs.eventlog.copy import Copy, CopyResult
from rynxs.eventlog.log import Entry, Log
from rynxs.eventlog.redaction import REDACTED
from rynxs.eventlog.sink import Grouping
from rynxs.testing import MemorySink

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rynxs.eventlog.record import Record

SEQS = [3, 4, 50]
SIZE = 101


@pytest.fixture
def source(entries: list[Entry]) -> MemorySink:
    """A log of 101 records, the last of which redacts three; their payloads are still there."""
    made = MemorySink()
    body = {"actor": {"authenticated": False, "name": "ann"}, "reason": "a name", "seqs": SEQS}
    redacted = Entry(
        REDACTED, "example.org/Thing/default/t", canonical.encode(body), 3, 2 * 10**6, 3
    )
    Log.open(made).append([*entries, redacted])
    return made


def erased(sink: MemorySink) -> list[int]:
    return [seq for seq, record in enumerate(sink.records) if record.payload is None]


def copied(source: MemorySink, destination: MemorySink) -> CopyResult:
    copying = Copy(source, destination, [])
    phases = copying.records(), copying.objects(), copying.erase(), copying.read_back()
    for _ in chain[object](*phases):
        pass
    return copying.result()


def holding(records: Sequence[Record]) -> MemorySink:
    made = MemorySink()
    made.grouping = Grouping(records=10, size=10**6, linger_s=0.0)
    made.records = list(records)
    return made


@pytest.mark.parametrize("count", [0, 3, 4, 60, 100, SIZE])
def test_what_the_source_has_erased_is_erased_in_a_copy_of_any_age(
    source: MemorySink, count: int
) -> None:
    destination = holding(source.records[:count])
    source.erase(SEQS)
    result = copied(source, destination)
    assert destination.records == source.records
    assert result.erased == sum(seq < count for seq in SEQS)
    assert copied(source, destination).erased == 0


@pytest.mark.parametrize("count", [4, 60, 100])
def test_a_copy_that_was_cut_off_before_the_redaction_is_finished(
    source: MemorySink, count: int
) -> None:
    """Its erased records are not named by any record that it has."""
    source.erase(SEQS)
    destination = holding(source.records[:count])
    assert copied(source, destination).erased == 0
    assert destination.records == source.records


def test_what_the_destination_has_erased_does_not_come_back(source: MemorySink) -> None:
    destination = holding(source.records)
    destination.erase(SEQS)
    copied(source, destination)
    assert erased(destination) == SEQS
    assert erased(source) == []


def test_a_copy_finishes_in_the_destination_what_the_source_has_not_finished(
    source: MemorySink,
) -> None:
    source.erase([4])
    destination = holding([])
    assert copied(source, destination).erased == 2
    assert erased(destination) == SEQS
    assert erased(source) == [4]


def test_snapshots_of_the_destination_that_know_of_it_go(source: MemorySink) -> None:
    destination = holding(source.records)
    for size in (2, 90):
        destination.put(f"snapshots/{size:020d}", b"")
    source.erase(SEQS)
    copied(source, destination)
    assert destination.list("snapshots/") == [f"snapshots/{2:020d}"]


def test_a_payload_that_is_missing_in_the_source_by_itself_ends_the_copy(
    source: MemorySink,
) -> None:
    source.erase([60])
    destination = holding(source.records)
    destination.erase(SEQS)
    with pytest.raises(LogCorrupt, match="source: record 60: payload is missing, and no Redacted"):
        copied(source, destination)


def test_a_payload_that_is_missing_in_the_destination_by_itself_is_told(
    source: MemorySink,
) -> None:
    destination = holding(source.records[:80])
    destination.erase([60])
    with pytest.raises(LogCorrupt, match="destination: record 60: payload is missing, and no"):
        copied(source, destination)
    assert erased(source) == []


def test_a_destination_that_can_t_erase_says_so(source: MemorySink) -> None:
    class Locked(MemorySink):
        def erase(self, seqs: Sequence[int]) -> None:
            raise SinkUnavailable("locked until 2030")

    destination = Locked()
    destination.records = list(source.records)
    source.erase(SEQS)
    with pytest.raises(SinkUnavailable, match="destination: locked until 2030"):
        copied(source, destination)
