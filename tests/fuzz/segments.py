# ruff: noqa: PT017 - of what is refused, something is promised too
"""Targets: what the file sink reads of its directory (docs/FORMAT.md, section 10)."""

from __future__ import annotations

import json
import shutil
import struct
import tempfile
from contextlib import closing, contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from zlib import crc32

from rynxs.engine import shapes
from rynxs.engine.event import TAIL_QUARANTINED, Event
from rynxs.errors import CheckpointRefused, SinkCorrupt
from rynxs.eventlog import canonical
from rynxs.eventlog import checkpoint as cp
from rynxs.testing.histories import history
from rynxs_sink_file import index, recovery, segment
from rynxs_sink_file.layout import Layout, find_tail, read_records
from rynxs_sink_file.reader import FileReader
from rynxs_sink_file.segment import ENVELOPE_SIZE, Envelope
from rynxs_sink_file.settings import FileSettings
from rynxs_sink_file.writer import FileWriter
from tests.fuzz.notes import signed_notes
from tests.fuzz.target import Target

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rynxs.eventlog.record import Record

_BATCHES: Final = (3, 1, 2)
_COUNT: Final = struct.Struct(">HB")


@contextmanager
def _directory() -> Iterator[Layout]:
    """Yield the directory of a log without records, and remove it."""
    layout = Layout(Path(tempfile.mkdtemp(prefix="rynxs-fuzz-")))
    try:
        layout.segments.mkdir()
        layout.objects.mkdir()
        yield layout
    finally:
        shutil.rmtree(layout.root)


def whole(data: bytes) -> None:
    """A segment is corrupt, or read to a tail that the next writer sets aside, byte for byte."""
    with _directory() as layout:
        layout.segment(0).write_bytes(data)
        settings = FileSettings(path=str(layout.root))
        reader = FileReader(settings)
        try:
            before = _readable(layout, reader)
            writer = FileWriter(settings, "fuzz")
        except SinkCorrupt:
            assert layout.segment(0).read_bytes() == data
            return
        with closing(writer):
            assert [*writer.read()] == before
            kept = layout.segment(0).read_bytes()
            aside = [path.read_bytes() for path in layout.quarantine.glob("*.tail")]
            assert kept + b"".join(aside) == data
            assert b"".join(_batches(kept)) == kept
            assert [incident.size for incident in writer.incidents()] == [*map(len, aside)]
            writer.append(len(before), _more())
        assert [*reader.read()] == [*before, *_more()]


def pieces(data: bytes) -> None:
    """The same of a segment of sound batches, torn and out of order.

    An input is what is done to the end of a segment, in two bytes each: what, and with what.
    """
    made, seq = b"", 0
    for what, argument in zip(data[::2], data[1::2], strict=False):
        if what % 5 == 0:  # the next batch
            count = argument % 3 + 1
            made += segment.encode_batch(seq, history(seq + count)[seq:])
            seq += count
        elif what % 5 == 1:  # a batch of another place
            made += segment.encode_batch(argument, history(1))
        elif what % 5 == 2:  # something else
            made += segment.MAGIC[: argument % 9] + bytes((argument,)) * (argument % 40)
        elif what % 5 == 3:  # a cut
            made = made[: len(made) - argument]
        elif argument < len(made):  # a flipped bit
            made = made[:argument] + bytes((made[argument] ^ 1,)) + made[argument + 1 :]
    whole(made)


def _readable(layout: Layout, reader: FileReader) -> list[Record]:
    """Return what a reader gets before it reports a failing tail.

    Raises:
        SinkCorrupt: a batch before the tail has its checksum, and is none.
    """
    size = reader.size()
    records = [*read_records(layout, 0, size)]
    assert len(records) == size
    try:
        assert [*reader.read()] == records
    except SinkCorrupt as corrupt:
        assert corrupt.seq >= size
    return records


def _batches(data: bytes) -> Iterator[bytes]:
    """Yield the batches of a segment, each encoded again."""
    while data:
        envelope = segment.parse_envelope(data)
        assert envelope is not None
        records = segment.decode_batch(envelope, data[ENVELOPE_SIZE : envelope.size])
        yield segment.encode_batch(envelope.first_seq, records)
        data = data[envelope.size :]


def body(data: bytes) -> None:
    """Under a proper checksum, a batch's body is corrupt or the one encoding of its records.

    An input is the number of records in two bytes, one that tells whether the checksum holds, and
    the body.
    """
    if len(data) < _COUNT.size:
        return
    count, broken = _COUNT.unpack_from(data)
    held = data[_COUNT.size :]
    envelope = Envelope(7, count, len(held), crc32(held) ^ broken)
    try:
        records = segment.decode_batch(envelope, held)
    except SinkCorrupt as corrupt:
        assert corrupt.seq >= envelope.first_seq
        return
    assert segment.encode_batch(7, records)[ENVELOPE_SIZE:] == held
    assert len(records) == count
    assert not broken


def sparse_index(data: bytes) -> None:
    """Whatever the index says, each record is found, and the tail where it is."""
    with _directory() as layout:
        path = layout.segment(0)
        path.write_bytes(_segment())
        index.index_path(path).write_bytes(data)
        records = history(sum(_BATCHES))
        for start in range(len(records)):
            assert [*read_records(layout, start, len(records))] == [*records[start:]]
        with path.open("rb") as file:
            assert find_tail(path, file.fileno()) == (len(records), len(_segment()), None, False)
            index.rewrite(path, file.fileno(), len(_segment()))
        assert len(index.index_path(path).read_bytes()) % 16 == 0


def quarantine_note(data: bytes) -> None:
    """The note of what was set aside is garbled, or says what is recorded of it.

    An input is the note's facts in JSON; the checksum is put in here.
    """
    try:
        facts: Any = json.loads(data)
        note = facts | {"crc32": recovery._facts_checksum(facts)}
    except (ValueError, TypeError, RecursionError):
        note = None
    with _directory() as layout:
        layout.quarantine.mkdir()
        file = layout.quarantine / f"{7:020d}-{'0' * 16}.json"
        file.write_bytes(data if note is None else json.dumps(note).encode())
        try:
            (found,) = recovery.incidents(layout)
        except SinkCorrupt as corrupt:
            assert corrupt.seq == 7
            return
        event = Event(0, 0, 0, TAIL_QUARANTINED, "", canonical.encode(found._asdict()))
        shapes.checked(shapes.TailQuarantined, event)


def durable_mark(data: bytes) -> None:
    """The mark of an orderly close says how many records there were, or nothing."""
    with _directory() as layout:
        layout.durable_mark.write_bytes(data)
        size = recovery.durable_mark(layout)
        assert 0 <= size < 10**19
        recovery.mark_durable(layout, size)
        assert recovery.durable_mark(layout) == size


def stored_checkpoint(data: bytes) -> None:
    """What recovery takes a stored checkpoint to cover is what a checkpoint says."""
    with _directory() as layout:
        (layout.objects / cp.LATEST).write_bytes(data)
        size = recovery.checkpoint_size(layout)
        assert 0 <= size < 10**19
        try:
            found, _ = cp.parse(data)
        except CheckpointRefused:
            return
        assert size == found.size


def _more() -> Sequence[Record]:
    return history(2)


@cache
def _segment() -> bytes:
    """Return a segment of three batches."""
    data, start = b"", 0
    for count in _BATCHES:
        data += segment.encode_batch(start, history(start + count)[start:])
        start += count
    return data


def _segments() -> list[bytes]:
    whole_one = _segment()
    cut = len(whole_one) - 9
    return [whole_one, whole_one[:cut], whole_one[:cut] + b"?" + whole_one[cut + 1 :], b""]


def _bodies() -> list[bytes]:
    held = segment.encode_batch(0, history(2))[ENVELOPE_SIZE:]
    return [_COUNT.pack(count, broken) + held for count, broken in ((2, 0), (2, 1), (3, 0))]


def _indexes() -> list[bytes]:
    entry = struct.Struct(">QQ")
    ends = segment.encode_batch(0, history(3)), _segment()
    entries = [entry.pack(3, len(ends[0])), entry.pack(4, 1), entry.pack(9, len(ends[1]))]
    return [b"".join(entries), entries[0], entries[1] + entries[0][:5]]


def _notes() -> list[bytes]:
    facts = {"reason": "no batch starts here", "seq": 7, "size": 12}
    return [json.dumps(facts).encode()]


def _marks() -> list[bytes]:
    with _directory() as layout:
        recovery.mark_durable(layout, 1_234)
        return [layout.durable_mark.read_bytes()]


TARGETS: Final = (
    Target("segment", whole, _segments, lambda: [segment.MAGIC]),
    Target("segment-pieces", pieces, lambda: [b"\0\2\0\0\3\x09", b"\0\1\4c\0\0", b"\0\0\2z\0\0"]),
    Target("segment-body", body, _bodies),
    Target("segment-index", sparse_index, _indexes),
    Target("quarantine-note", quarantine_note, _notes, lambda: [b'"seq": ', b"1e3", b"true"]),
    Target("durable-mark", durable_mark, _marks),
    Target("stored-checkpoint", stored_checkpoint, signed_notes),
)
