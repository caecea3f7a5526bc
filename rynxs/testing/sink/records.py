"""The promises about records: order, ranges, conflict, atomicity, and who may write."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from rynxs.errors import SinkConflict, SinkError, SinkUnavailable
from rynxs.eventlog.batch import RECORDS_MAX
from rynxs.eventlog.log import Entry, Log
from rynxs.eventlog.record import PAYLOAD_SIZE_MAX
from rynxs.testing.histories import history
from rynxs.testing.plugin import refuse_unknown_key
from rynxs.testing.sink.subject import SinkUnderTest, append_batches, refused

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from rynxs.eventlog.record import Record
    from rynxs.eventlog.sink import Sink
    from rynxs.testing.sink.subject import Place

COUNTS = (1, 3, 2, 40, 1, 5, RECORDS_MAX, 7, 25, 1)
HISTORY = sum(COUNTS)


class Records(SinkUnderTest):
    """Promises of `size`, `append` and `read`."""

    def test_its_settings_refuse_an_unknown_key(self, plugin: Any, tmp_path: Path) -> None:
        """A key that means nothing is refused, so that a slip is told."""
        refuse_unknown_key(plugin.settings, self.settings(tmp_path))

    def test_a_new_log_is_empty(self, sink: Sink) -> None:
        """Nothing is counted, read, listed or reported."""
        assert sink.size() == 0
        assert list(sink.read()) == []
        assert list(sink.list()) == []
        assert list(sink.incidents()) == []

    def test_the_wanted_batch_is_one_that_append_takes(self, sink: Sink) -> None:
        """The kernel cuts batches as `grouping` says."""
        assert 1 <= sink.grouping.records <= RECORDS_MAX
        assert sink.grouping.size >= 1
        assert sink.grouping.linger_s >= 0

    def test_records_are_read_in_the_order_they_were_appended_byte_for_byte(
        self, sink: Sink, place: Place
    ) -> None:
        """By the writer, by a reader beside it, and after reopening."""
        records = history(HISTORY)
        assert append_batches(sink, records, COUNTS) == HISTORY
        reader = place.reader()
        for either in (sink, reader):
            assert either.size() == HISTORY
            _assert_same(list(either.read()), records)
        sink.close()
        reopened = place.writer()
        assert reopened.size() == HISTORY
        _assert_same(list(reopened.read()), records)

    def test_every_range_is_what_slicing_gives(self, sink: Sink, place: Place) -> None:
        """`stop` is exclusive; both may lie anywhere in a batch, and past the end."""
        records = history(HISTORY)
        append_batches(sink, records, COUNTS)
        bounds = (0, 1, 4, 5, 46, 53, HISTORY - 2, HISTORY)
        for reader in (sink, place.reader()):
            for start in (*bounds, HISTORY + 3):
                for stop in (*bounds, HISTORY + 7, None):
                    found = list(reader.read(start, stop))
                    wanted = list(records[start:stop])
                    assert found == wanted, (
                        f"read({start}, {stop}) gives {len(found)} records, not those "
                        f"{len(wanted)} from {start} on"
                    )

    def test_an_append_elsewhere_than_at_the_end_conflicts_and_writes_nothing(
        self, sink: Sink, place: Place
    ) -> None:
        """Before the end, and past it."""
        records = history(10)
        append_batches(sink, records, (2, 1))
        for start in (0, 1, 2, 4, 5, 2**40):
            with refused(SinkConflict, f"an append at {start} to a log of 3"):
                sink.append(start, records[3:5])
            assert sink.size() == 3, f"append at {start} was refused, and changed the size"
        sink.append(3, records[3:5])
        sink.close()
        _assert_same(place.records(), records[:5])

    def test_a_batch_of_none_or_of_too_many_records_is_refused(
        self, sink: Sink, place: Place
    ) -> None:
        """From 1 to RECORDS_MAX records are a batch."""
        records = history(RECORDS_MAX + 1)
        for batch in ((), records):
            with refused(SinkUnavailable, f"a batch of {len(batch)}"):
                sink.append(0, batch)
        assert sink.size() == 0
        sink.close()
        assert place.records() == []

    def test_a_payload_may_be_as_large_as_the_format_allows(self, sink: Sink, place: Place) -> None:
        """4 MiB, and an empty map beside it."""
        payloads = [b"\xa1\x61x\x7a" + (PAYLOAD_SIZE_MAX - 7).to_bytes(4), b"\xa0"]
        payloads[0] += b"y" * (PAYLOAD_SIZE_MAX - len(payloads[0]))
        Log.open(sink).append([Entry("Thing", "", payload, 1, 1) for payload in payloads])
        sink.close()
        assert [record.payload for record in place.records()] == payloads

    def test_a_reader_sees_what_a_writer_has_appended_since(self, sink: Sink, place: Place) -> None:
        """A reader that stays open follows the log."""
        records = history(9)
        sink.append(0, records[:2])
        reader = place.reader()
        assert reader.size() == 2, "the reader does not see what the writer has appended"
        for size in (3, 7, 9):
            sink.append(sink.size(), records[sink.size() : size])
            assert reader.size() == size, "the reader does not see what the writer has appended"
            _assert_same(list(reader.read()), records[:size])
            _assert_same(list(reader.read(size - 1)), records[size - 1 : size])

    def test_a_read_that_has_begun_goes_on_beside_appends(self, sink: Sink, place: Place) -> None:
        """What was there when it began is read, in order; later records may follow."""
        records = history(1_500)
        append_batches(sink, records, (200, 200))
        reading = place.reader().read()
        begun = [next(reading)]
        append_batches(sink, records, (100,) * 11)
        found = [*begun, *reading]
        assert len(found) >= 400
        _assert_same(found, records[: len(found)])

    def test_one_thread_after_the_other_may_use_a_sink(self, place: Place) -> None:
        """At a time it is one, and not always the same."""
        records = history(6)
        opened: list[Sink] = []
        with ThreadPoolExecutor(1) as one, ThreadPoolExecutor(1) as another:
            opened.append(one.submit(place.writer).result())
            for start, thread in ((0, another), (2, one), (4, another)):
                thread.submit(opened[0].append, start, records[start : start + 2]).result()
            found = one.submit(lambda: list(opened[0].read())).result()
            another.submit(opened[0].close).result()
        _assert_same(found, records)

    def test_a_reader_writes_nothing(self, sink: Sink, place: Place) -> None:
        """It refuses to append and to put."""
        records = history(3)
        sink.append(0, records[:2])
        sink.close()
        reader = place.reader()
        with refused(SinkUnavailable, "a reader's append"):
            reader.append(2, records[2:])
        with refused(SinkUnavailable, "a reader's put"):
            reader.put("name", b"data")
        reader.close()
        reader.close()
        _assert_same(place.records(), records[:2])

    def test_a_log_that_is_not_there_is_not_made_by_reading(
        self, place: Place, tmp_path: Path
    ) -> None:
        """A reader of a missing log is refused each time; a writer makes it."""
        before = sorted(tmp_path.rglob("*"))
        for _ in range(2):
            with refused(SinkUnavailable, "a reader of a log that is not there"):
                place.reader()
        assert sorted(tmp_path.rglob("*")) == before, "a reader that was refused has left files"
        assert place.writer().size() == 0

    def test_a_closed_log_takes_nothing_and_closing_twice_does_nothing(
        self, sink: Sink, place: Place
    ) -> None:
        """What is appended or put after `close` is refused."""
        records = history(2)
        sink.append(0, records[:1])
        sink.close()
        sink.close()
        with refused(SinkUnavailable, "an append after close"):
            sink.append(1, records[1:])
        with refused(SinkUnavailable, "a put after close"):
            sink.put("name", b"data")
        _assert_same(place.records(), records[:1])

    def test_a_writer_that_was_overtaken_is_fenced(self, sink: Sink, place: Place) -> None:
        """Of two writers the second is refused, or the first to append stops the other for good."""
        mine, other = history(8), history(8, "other")
        sink.append(0, mine[:2])
        try:
            rival = place.writer()
        except SinkUnavailable:  # one writer at a time: the lock is the fence
            sink.append(2, mine[2:4])
            sink.close()
            _assert_same(place.records(), mine[:4])
            return
        rival.append(2, mine[2:5])
        for _ in range(2):
            with refused(SinkConflict, "an append by a writer that was overtaken"):
                sink.append(2, other[2:3])
        rival.append(5, mine[5:6])
        sink.close()
        rival.close()
        _assert_same(place.records(), mine[:6])

    def test_a_stale_writer_with_the_very_same_records_is_fenced_too(
        self, sink: Sink, place: Place
    ) -> None:
        """Equal bytes do not make another writer's batch one's own."""
        records = history(4)
        sink.append(0, records[:1])
        try:
            rival = place.writer()
        except SinkError:
            return
        rival.append(1, records[1:2])
        with refused(SinkConflict, "an append of what another writer has appended there"):
            sink.append(1, records[1:2])
        sink.close()
        rival.close()
        _assert_same(place.records(), records[:2])


def _assert_same(found: Sequence[Record], wanted: Sequence[Record]) -> None:
    """Compare records, and tell the first difference without printing megabytes."""
    for seq, (one, other) in enumerate(zip(found, wanted, strict=False)):
        assert one == other, f"record {seq} is not the one that was appended there"
    assert len(found) == len(wanted), f"{len(found)} records, {len(wanted)} were appended"
