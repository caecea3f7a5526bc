from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Event
from time import monotonic
from typing import TYPE_CHECKING

import pytest

from rynxs.errors import SinkConflict, SinkUnavailable, UsageError
from rynxs.eventlog import canonical
from rynxs.eventlog.chain import Chain
from rynxs.eventlog.group import GroupCommit
from rynxs.eventlog.log import Entry, Log
from rynxs.eventlog.sink import Grouping
from rynxs.testing import MemorySink

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rynxs.eventlog.record import Record

WITHOUT_LINGER = Grouping(records=1_000, size=10**6, linger_s=0)
THREADS = 8


class HeldSink(MemorySink):
    """Holds each append until it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.entered, self.let_go = Event(), Event()

    def append(self, start: int, records: Sequence[Record]) -> None:
        self.entered.set()
        assert self.let_go.wait(60)
        super().append(start, records)


def entry(number: int, size: int = 1) -> Entry:
    return Entry("Thing", "", canonical.encode({"n": number, "text": "x" * size}), 1, 1)


def grouped(sink: MemorySink, grouping: Grouping = WITHOUT_LINGER) -> GroupCommit:
    return GroupCommit(Log.open(sink), grouping, monotonic)


def wait_until_queued(group: GroupCommit, count: int) -> None:
    while len(group._queue) < count:
        with group._changed:
            group._changed.wait(0.001)


def test_one_thread_appends_at_once_and_learns_where() -> None:
    sink = MemorySink()
    group = grouped(sink)
    assert group.append([entry(0), entry(1)]) == 0
    assert group.append([entry(2)]) == 2
    assert sink.size() == 3


def test_nothing_is_not_appended() -> None:
    with pytest.raises(UsageError, match="at least one entry"):
        grouped(MemorySink()).append([])


def test_threads_that_come_during_an_append_share_the_next_batch() -> None:
    sink = HeldSink()
    group = grouped(sink)
    with ThreadPoolExecutor(THREADS) as threads:
        first = threads.submit(group.append, [entry(0)])
        assert sink.entered.wait(60)
        others = [threads.submit(group.append, [entry(n), entry(n)]) for n in range(1, THREADS)]
        wait_until_queued(group, THREADS - 1)
        sink.let_go.set()
        starts = sorted(each.result(60) for each in (first, *others))
    assert starts == [0, *range(1, 2 * THREADS - 1, 2)]
    assert sink.appends == 2
    Chain().verify(sink.records)
    numbers = [canonical.decode(record.payload or b"")["n"] for record in sink.records]
    assert numbers[1::2] == numbers[2::2]


def test_a_full_batch_does_not_wait_for_more() -> None:
    sink = MemorySink()
    group = grouped(sink, Grouping(records=THREADS, size=10**6, linger_s=3600))
    with ThreadPoolExecutor(THREADS) as threads:
        waiting = [threads.submit(group.append, [entry(n)]) for n in range(THREADS)]
        assert sorted(each.result(60) for each in waiting) == list(range(THREADS))
    assert sink.appends == 1


def test_a_batch_is_cut_where_the_next_threads_entries_would_not_fit() -> None:
    sink = HeldSink()
    group = grouped(sink, Grouping(records=1_000, size=1_000, linger_s=0))
    with ThreadPoolExecutor(THREADS) as threads:
        first = threads.submit(group.append, [entry(0)])
        assert sink.entered.wait(60)
        others = [threads.submit(group.append, [entry(n, 480)]) for n in range(1, 6)]
        wait_until_queued(group, 5)
        sink.let_go.set()
        assert sorted(each.result(60) for each in (first, *others)) == list(range(6))
    assert sink.appends == 1 + 3


def test_a_linger_that_has_passed_ends_the_waiting() -> None:
    sink = MemorySink()
    group = grouped(sink, Grouping(records=1_000, size=10**6, linger_s=0.01))
    assert group.append([entry(0)]) == 0
    assert sink.appends == 1


def test_only_the_thread_whose_entries_do_not_fit_is_told_so() -> None:
    sink = HeldSink()
    group = grouped(sink)
    bad = entry(9)._replace(salt=b"short")
    with ThreadPoolExecutor(THREADS) as threads:
        first = threads.submit(group.append, [entry(0)])
        assert sink.entered.wait(60)
        good = [threads.submit(group.append, [entry(n)]) for n in range(1, 4)]
        wrong = threads.submit(group.append, [entry(5), bad])
        wait_until_queued(group, 4)
        sink.let_go.set()
        assert sorted(each.result(60) for each in (first, *good)) == [0, 1, 2, 3]
        with pytest.raises(UsageError, match="a salt is"):
            wrong.result(60)
    Chain().verify(sink.records)


def test_a_fenced_log_stops_every_thread_for_good() -> None:
    sink = HeldSink()
    group = grouped(sink)
    with ThreadPoolExecutor(THREADS) as threads:
        waiting = [threads.submit(group.append, [entry(n)]) for n in range(4)]
        assert sink.entered.wait(60)
        rival = MemorySink(sink.store)
        Log.open(rival).append([entry(7)])
        sink.let_go.set()
        for each in waiting:
            with pytest.raises(SinkConflict):
                each.result(60)
    with pytest.raises(SinkConflict):
        group.append([entry(8)])
    assert sink.size() == 1


def test_an_interrupted_append_leaves_no_thread_waiting() -> None:
    class Interrupted(HeldSink):
        def append(self, start: int, records: Sequence[Record]) -> None:
            super().append(start, records)
            raise KeyboardInterrupt

    sink = Interrupted()
    group = grouped(sink)
    with ThreadPoolExecutor(THREADS) as threads:
        first = threads.submit(group.append, [entry(0)])
        assert sink.entered.wait(60)
        others = [threads.submit(group.append, [entry(n)]) for n in range(1, 4)]
        wait_until_queued(group, 3)
        sink.let_go.set()
        with pytest.raises(KeyboardInterrupt):
            first.result(60)
        for each in others:
            with pytest.raises(SinkUnavailable, match="interrupted"):
                each.result(60)
