"""The promises about erasing: payload and salt are gone, and nothing else is."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

import pytest

from rynxs.errors import SinkUnavailable
from rynxs.eventlog.canonical import encode
from rynxs.eventlog.chain import Chain
from rynxs.eventlog.log import Entry, Log
from rynxs.eventlog.record import SALT_SIZE, Record
from rynxs.testing.histories import history
from rynxs.testing.sink.subject import SinkUnderTest, append_batches, refused

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from pathlib import Path

    from rynxs.eventlog.sink import Sink
    from rynxs.testing.sink.subject import Place

_COUNTS = (1, 5, 1, 300, 20)
_SIZE = sum(_COUNTS)
# The first of a batch, the last, one among others, a batch of one, and the last of the log; of all
# sizes of payload, salted and not.
_SEQS = (0, 4, 5, 6, 100, _SIZE - 1)
_MARKS = 60


class Erasing(SinkUnderTest):
    """Promises of `erase` and `locked_until`."""

    def test_what_is_erased_is_gone_for_good_and_all_else_is_as_it_was(
        self, sink: Sink, place: Place
    ) -> None:
        """For the writer, for a reader that was open before, for a new one, after reopening."""
        append_batches(sink, history(_SIZE), _COUNTS)
        before = place.reader()
        assert next(before.read()) == history(1)[0]
        assert sink.locked_until(_SEQS) is None, "records that nothing protects may be erased"
        sink.erase(_SEQS)
        wanted = _erased(history(_SIZE), _SEQS)
        for each in (sink, before, place.reader()):
            assert each.size() == _SIZE
            assert list(each.read()) == wanted
            assert list(each.read(4, 6)) == wanted[4:6]
        sink.close()
        assert place.records() == wanted
        assert list(place.reader().read()) == wanted

    def test_chain_and_tree_verify_without_the_payloads(self, sink: Sink, place: Place) -> None:
        """The headers are all there is to them."""
        append_batches(sink, history(_SIZE), _COUNTS)
        whole, left = Chain(), Chain()
        whole.verify(list(sink.read()))
        sink.erase(_SEQS)
        left.verify(list(place.reader().read()))
        assert (left.tip, left.frontier.root()) == (whole.tip, whole.frontier.root())

    def test_erasing_again_does_nothing(self, sink: Sink, place: Place) -> None:
        """The same, none at all, one twice, and in any order."""
        append_batches(sink, history(_SIZE), _COUNTS)
        for seqs in ((5,), (5,), (), (6, 4, 5, 4)):
            sink.erase(seqs)
        sink.close()
        reopened = place.writer()
        reopened.erase((4, 5, 6))
        assert list(reopened.read()) == _erased(history(_SIZE), (4, 5, 6))

    def test_what_is_no_record_is_not_erased(self, sink: Sink, place: Place) -> None:
        """`rynxs.api.check_positions` does it; nothing is erased then."""
        append_batches(sink, history(6), (1, 5))
        for seqs in ((6,), (1, 6), (-1,), (2**40,)):
            with refused(SinkUnavailable, f"an erasure of {seqs} in a log of 6"):
                sink.erase(seqs)
        sink.close()
        assert tuple(place.records()) == history(6)

    def test_appending_goes_on_after_an_erasure(self, sink: Sink, place: Place) -> None:
        """With the writer that has erased, and with the next one, which may erase too."""
        append_batches(sink, history(20), (5, 5))
        sink.erase((9, 2))
        append_batches(sink, history(20), (4,))
        sink.close()
        reopened = place.writer()
        append_batches(reopened, history(20), (6,))
        reopened.erase((11, 19))
        reopened.close()
        assert place.records() == _erased(history(20), (2, 9, 11, 19))

    def test_erased_records_can_be_appended(self, sink: Sink, place: Place) -> None:
        """So a copy takes them along: between others, a batch of them alone, and erased again."""
        records = _erased(history(20), (0, 3, 4, *range(10, 20)))
        append_batches(sink, records, (10, 10))
        assert list(sink.read()) == records
        sink.erase((0, 4, 5, 15))
        sink.close()
        assert place.records() == _erased(records, (5,))

    def test_a_read_that_has_begun_goes_on_beside_an_erasure(
        self, sink: Sink, place: Place
    ) -> None:
        """Each record is there once, as it was or erased."""
        records = history(1_500)
        append_batches(sink, records, (200,) * 7 + (100,))
        seqs = range(0, 1_500, 7)
        wanted = _erased(records, seqs)
        reading = place.reader().read()
        found = [next(reading)]
        sink.erase(seqs)
        found += reading
        assert len(found) == len(records)
        for seq, record in enumerate(found):
            assert record in (records[seq], wanted[seq]), f"record {seq} is neither"

    def test_objects_do_not_mind_an_erasure(self, sink: Sink, place: Place) -> None:
        """They keep their bytes and versions."""
        version = sink.put("name", b"data")
        append_batches(sink, history(6), (6,))
        sink.erase((1, 2))
        assert place.reader().get("name") == (b"data", version)

    def test_no_byte_of_it_stays_in_a_file(self, sink: Sink, place: Place, tmp_path: Path) -> None:
        """All below the log's place is searched for pieces of payload and salt."""
        salt, marks = _digest("salt")[:SALT_SIZE], [_mark(number) for number in range(_MARKS)]
        bystander = encode({"text": "stays " + "x" * 600})
        Log.open(sink).append(
            [
                Entry("Thing", "", bystander, 1, 1),
                Entry("Thing", "", encode({"marks": marks}), 1, 2, salt=salt),
                Entry("Thing", "", bystander, 1, 3),
            ]
        )
        traces = [salt, *(mark.encode() for mark in marks)]
        if not _found(traces, tmp_path):
            pytest.skip("the sink keeps no files, or not as they are; its own tests search it")
        sink.erase((1,))
        sink.close()
        place.writer().close()
        left = _found(traces, tmp_path)
        assert not left, f"{len(left)} of {len(traces)} pieces are left, in {left[0]}"

    def test_a_reader_and_a_closed_log_erase_nothing(self, sink: Sink, place: Place) -> None:
        """It is for writers."""
        append_batches(sink, history(3), (3,))
        reader = place.reader()
        with refused(SinkUnavailable, "a reader's erasure"):
            reader.erase((1,))
        reader.close()
        sink.close()
        with refused(SinkUnavailable, "an erasure after close"):
            sink.erase((1,))
        assert tuple(place.records()) == history(3)


def erased(record: Record) -> Record:
    """Return what stays of a record."""
    return Record(record.header, b"", None)


def _erased(records: Sequence[Record], seqs: Collection[int]) -> list[Record]:
    return [erased(record) if seq in seqs else record for seq, record in enumerate(records)]


def _digest(text: str) -> bytes:
    return sha256(text.encode()).digest()


def _mark(number: int) -> str:
    return _digest(f"mark {number}").hex()


def _found(traces: Sequence[bytes], place: Path) -> list[str]:
    """Return the names of the files that hold them, once for each."""
    return [file.name for file in _files(place) for trace in traces if trace in file.read_bytes()]


def _files(place: Path) -> Iterator[Path]:
    return (path for path in sorted(place.rglob("*")) if path.is_file())
