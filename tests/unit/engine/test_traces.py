"""Which records go with one that is redacted."""

from __future__ import annotations

import pytest

from rynxs.engine.traces import Traces
from rynxs.eventlog.record import GENESIS, Header

ONE, TWO, THREE = (f"example.org/Thing/default/{name}" for name in ("one", "two", "three"))
FRESH = frozenset({"ThingObserved", "ThingDeleted"})

# kind, subject, cause
LOG: list[tuple[str, str, int | None]] = [
    ("EpochStarted", "", None),  # 0
    ("ThingObserved", ONE, None),
    ("Planned", ONE, 1),
    ("ThingObserved", TWO, None),  # 3
    ("Planned", TWO, 3),
    ("ThingObserved", ONE, None),  # 5
    ("Planned", ONE, 5),
    ("Planned", TWO, 5),
    ("ApplyFailed", ONE, 6),  # 8
    ("ApplyFailed", TWO, 4),
    ("ThingObserved", THREE, None),  # 10
    ("Planned", THREE, 10),
    ("ThingObserved", TWO, None),  # 12
    ("Planned", TWO, 12),
    ("EpochStarted", "", None),  # 14
    ("Planned", ONE, 14),
    ("ThingCalled", ONE, None),  # 16
    ("ThingDeleted", ONE, 5),  # 17
    ("Planned", ONE, 17),
    ("ThingObserved", ONE, None),  # 19
    ("ThingCalled", ONE, None),  # 20
    ("Planned", ONE, 20),
    ("Planned", TWO, 20),
    ("ApplyFailed", TWO, 22),  # 23
]


def header(seq: int) -> Header:
    kind, subject, cause = LOG[seq]
    return Header(1, seq, 1, 1_000 + seq, GENESIS, kind, subject, GENESIS, 0, cause)


@pytest.mark.parametrize(
    ("seq", "gone"),
    [
        pytest.param(1, [2, 4, 9], id="plans until the next observation, of the related too"),
        pytest.param(3, [4, 7, 9], id="plans for another cause, and a failure of one of them"),
        pytest.param(5, [6, 7, 8, 13, 15], id="up to the deletion, and what others planned of it"),
        pytest.param(10, [11], id="nothing of subjects that have nothing to do with it"),
        pytest.param(12, [13, 22, 23], id="to the end where nothing follows"),
        pytest.param(19, [21, 22, 23], id="plans that something else has caused"),
        pytest.param(6, [8], id="with a plan, its failures alone"),
        pytest.param(7, [], id="a plan alone"),
        pytest.param(16, [], id="an event that caused no plan"),
        pytest.param(20, [21, 22, 23], id="an event that caused plans"),
        pytest.param(17, [], id="a deletion, whose plan is of nobody"),
        pytest.param(8, [], id="a failure"),
    ],
)
def test_what_goes_with_a_record_is_told_by_headers(seq: int, gone: list[int]) -> None:
    traces = Traces(header(seq), FRESH)
    for each in range(len(LOG)):
        traces.take(header(each))
    found = traces.found()
    assert [trace.seq for trace in found] == gone
    assert all(trace == (s, 1_000 + s, *LOG[s][:2]) for trace, s in zip(found, gone, strict=True))


def test_where_every_event_counts_only_the_deletion_ends_what_was_made_of_an_observation() -> None:
    traces = Traces(header(1), frozenset({"ThingDeleted"}))
    for seq in range(17):
        traces.take(header(seq))
    assert traces.is_part_of_more
    assert [trace.seq for trace in traces.found()] == [2, 4, 5, 6, 7, 8, 9, 13, 15]
    traces.take(header(17))
    assert not traces.is_part_of_more
