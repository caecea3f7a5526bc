"""Erasing payloads: a segment is written anew without them, and put in the place of the old one.

Whatever ends this halfway leaves the old segment or the new one under its name, each whole. The
index of the old one is removed, durably, before its offsets can be taken for those of the new one.
"""

from __future__ import annotations

from bisect import bisect_right
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from rynxs.api import Record, SinkCorrupt
from rynxs_sink_file import index
from rynxs_sink_file.durable import is_temporary, new_file_beside, sync_directory, temporary
from rynxs_sink_file.files import close_quietly, exists, names, opened, read_all, remove, write_all
from rynxs_sink_file.index import Position
from rynxs_sink_file.segment import (
    ENVELOPE_SIZE,
    body_holds,
    decode_batch,
    encode_batch,
    read_envelope,
)
from rynxs_sink_file.system import system

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from pathlib import Path

    from rynxs_sink_file.layout import Layout
    from rynxs_sink_file.segment import Envelope


class Rewritten(NamedTuple):
    """A segment that stands beside the one that it will replace, flushed.

    Attributes:
        descriptor: of the new file, open for reading and writing.
        end: its size.
        positions: where its batches start.
    """

    descriptor: int
    end: int
    positions: Sequence[Position]


def by_segment(layout: Layout, seqs: Collection[int]) -> dict[Path, set[int]]:
    """Return which of the positions lie in which segment; all are positions of records."""
    if not seqs:
        return {}
    paths = layout.segment_paths()
    starts = [int(path.stem) for path in paths]
    shares: dict[Path, set[int]] = {}
    for seq in sorted(seqs):
        place = bisect_right(starts, seq) - 1
        if place < 0:
            raise SinkCorrupt(seq, "missing: no segment starts at or before it")
        shares.setdefault(paths[place], set()).add(seq)
    return shares


def holds_any(segment: Path, seqs: Collection[int]) -> bool:
    """Tell whether a segment has a payload of one of these records, all of which are in it.

    Raises:
        SinkCorrupt: a batch that holds one of them is damaged.
        OSError: it can't be read.
    """
    left = set(seqs)
    with opened(segment) as descriptor:
        seq, offset = index.find(segment, descriptor, min(left))
        for envelope, place in _envelopes(segment, descriptor, Position(seq, offset)):
            asked = left.intersection(range(envelope.first_seq, envelope.next_seq))
            if asked:
                records = decode_batch(envelope, _body(descriptor, envelope, place))
                if any(records[each - envelope.first_seq].payload is not None for each in asked):
                    return True
                left -= asked
            if not left:
                return False
    raise SinkCorrupt(min(left), f"missing: {segment.name} ends before it")


def write_without(segment: Path, seqs: Collection[int]) -> Rewritten:
    """Write a segment, without the payloads of some of its records, to a file beside it.

    Every batch is checked on the way; of a damaged segment nothing is changed. Close the descriptor
    that is returned.

    Raises:
        SinkCorrupt: a batch is damaged.
        OSError: there is no room, or no right to; nothing is left beside the segment.
    """
    with opened(segment) as old:
        new = new_file_beside(segment, system().fstat(old))
        try:
            positions, end = [], 0
            start = Position(int(segment.stem), 0)
            for envelope, place in _envelopes(segment, old, start):
                batch = _batch_without(envelope, old, place, seqs)
                write_all(new, batch, end)
                positions.append(Position(envelope.first_seq, end))
                end += len(batch)
            system().fsync(new)  # and not fdatasync: owner and mode were changed
        except BaseException:
            close_quietly(new)
            with suppress(OSError):
                remove(temporary(segment))
            raise
    return Rewritten(new, end, positions)


def erase_in(segment: Path, seqs: Collection[int]) -> None:
    """Replace a segment that is not open by one without the payloads of some records.

    The new name is durable only once the directory is synced.

    Raises:
        SinkCorrupt: a batch is damaged.
        OSError: perhaps it is done.
    """
    new = write_without(segment, seqs)
    close_quietly(new.descriptor)
    put_in_place(segment)
    index.store(segment, new.positions)


def put_in_place(segment: Path) -> None:
    """Replace a segment by the one that `write_without` left beside it.

    The new name is durable only once the directory is synced.

    Raises:
        OSError: the old segment is in its place, perhaps without an index.
    """
    try:
        remove(index.index_path(segment))
        sync_directory(segment.parent)
        system().replace(temporary(segment), segment)
    except OSError:
        with suppress(OSError):
            remove(temporary(segment))
        raise


def remove_leftovers(folder: Path) -> None:
    """Remove what a killed writer left beside the segments."""
    for name in names(folder):
        if is_temporary(name):
            remove(folder / name)


def remove_tails(folder: Path) -> None:
    """Remove the bytes that were cut off segments, which may be of any payload; notes stay."""
    if not exists(folder):
        return
    tails = [folder / name for name in names(folder) if name.endswith(".tail")]
    for path in tails:
        remove(path)
    if tails:
        sync_directory(folder)


def _envelopes(segment: Path, descriptor: int, start: Position) -> Iterator[tuple[Envelope, int]]:
    """Yield the batches of an open segment from one on: envelope, and offset of the body."""
    seq, offset = start
    size = system().fstat(descriptor).st_size
    while offset < size:
        envelope = read_envelope(descriptor, offset)
        if envelope is None or envelope.first_seq != seq:
            raise SinkCorrupt(seq, f"no batch starts here ({segment.name}, byte {offset})")
        yield envelope, offset + ENVELOPE_SIZE
        seq, offset = envelope.next_seq, offset + envelope.size


def _body(descriptor: int, envelope: Envelope, offset: int) -> bytes:
    return read_all(descriptor, envelope.body_size, offset)


def _batch_without(
    envelope: Envelope, descriptor: int, offset: int, seqs: Collection[int]
) -> bytes:
    """Return the bytes of a batch without the payloads of some records, if it has any of them."""
    body, first = _body(descriptor, envelope, offset), envelope.first_seq
    is_asked = any(seq in seqs for seq in range(first, envelope.next_seq))
    if body_holds(envelope, body) and not is_asked:
        return read_all(descriptor, ENVELOPE_SIZE, offset - ENVELOPE_SIZE) + body
    records = [
        Record(record.header, b"", None) if seq in seqs else record
        for seq, record in enumerate(decode_batch(envelope, body), first)
    ]
    return encode_batch(first, records)
