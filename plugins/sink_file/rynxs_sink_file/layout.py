"""The directory of a log: what lies where, and reading its segments."""

from __future__ import annotations

import os
import re
from bisect import bisect_right
from typing import TYPE_CHECKING, NamedTuple

from rynxs.api import SinkCorrupt, SinkUnavailable
from rynxs_sink_file import index
from rynxs_sink_file.durable import translated
from rynxs_sink_file.files import buffered, exists, is_directory, is_empty, names, read_all
from rynxs_sink_file.segment import (
    ENVELOPE_SIZE,
    MAGIC,
    body_holds,
    decode_batch,
    parse_envelope,
    read_envelope,
)
from rynxs_sink_file.system import system

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from rynxs.api import Record
    from rynxs_sink_file.segment import Envelope

_SEGMENT = re.compile(r"[0-9]{20}\.seg", re.ASCII)
_READ_BUFFER = 1024 * 1024


class Fault(NamedTuple):
    """A batch that fails: the seq that fails in it, its offset, and what is wrong."""

    seq: int
    offset: int
    reason: str


class Tail(NamedTuple):
    """The end of a segment.

    Attributes:
        seq: of the record after the last whole batch.
        offset: where that batch ends.
        fault: what follows it, None when nothing does.
        covered: whether something follows the fault that was written only once the failing batch
            was durable.
    """

    seq: int
    offset: int
    fault: Fault | None = None
    covered: bool = False


class Layout:
    """Paths below a log's directory."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.segments = root / "segments"
        self.objects = root / "objects"
        self.quarantine = root / "quarantine"
        self.lock = root / "LOCK"
        self.durable_mark = root / "durable"

    def refuse_foreign(self) -> None:
        """Refuse to make a log in a directory that is in use for something else.

        Raises:
            SinkUnavailable: the directory is not empty, and no log is in it.
        """
        if is_directory(self.root) and not exists(self.segments) and not is_empty(self.root):
            raise SinkUnavailable(f"{self.root}: not empty and not a log; name another directory")

    def segment(self, first_seq: int) -> Path:
        """Return the path of the segment that starts with a seq."""
        return self.segments / f"{first_seq:020d}.seg"

    def segment_paths(self) -> list[Path]:
        """Return the paths of all segments, in order."""
        return [self.segments / name for name in names(self.segments) if _SEGMENT.fullmatch(name)]


def find_tail(segment: Path, descriptor: int) -> Tail:
    """Return the end of an open segment, checking the batches after its last index entry."""
    size = system().fstat(descriptor).st_size
    seq, offset = index.find(segment, descriptor, 2**63)
    while offset < size:
        envelope = read_envelope(descriptor, offset)
        if envelope is None or envelope.first_seq != seq:
            covered = _batch_follows(descriptor, offset + 1, size, seq)
            return Tail(seq, offset, Fault(seq, offset, "no batch starts here"), covered)
        end = offset + envelope.size
        if end > size:
            missing = f"the batch is cut, {end - size} of {envelope.size} bytes are missing"
            return Tail(seq, offset, Fault(seq, offset, missing))
        body = read_all(descriptor, envelope.body_size, offset + ENVELOPE_SIZE)
        if not body_holds(envelope, body):
            return Tail(seq, offset, _damage(envelope, body, offset), covered=end < size)
        seq, offset = envelope.next_seq, end
    return Tail(seq, offset)


def read_records(layout: Layout, start: int, stop: int) -> Iterator[Record]:
    """Yield records `start` to `stop`, exclusive; both lie within the log."""
    with translated(layout.segments):
        paths = layout.segment_paths()
    first = max(bisect_right(paths, start, key=lambda path: int(path.stem)) - 1, 0)
    position = start
    for path in paths[first:]:
        if position >= stop:
            return
        if int(path.stem) > position or (position > start and int(path.stem) != position):
            raise SinkCorrupt(position, f"missing: the next segment is {path.name}")
        for records in _read_segment(path, position, stop):
            yield from records
            position += len(records)
    if position < stop:
        raise SinkCorrupt(position, "missing: its segment ends before it")


def _read_segment(path: Path, start: int, stop: int) -> Iterator[list[Record]]:
    """Yield those of records `start` to `stop` that are in one segment, a batch at a time."""
    with translated(path), buffered(path, _READ_BUFFER) as file:
        seq, offset = index.find(path, file.fileno(), start)
        file.seek(offset)
        while seq < stop:
            head = file.read(ENVELOPE_SIZE)
            if not head:
                return
            envelope = parse_envelope(head)
            if envelope is None or envelope.first_seq != seq:
                raise SinkCorrupt(seq, f"no batch starts here ({path.name}, byte {offset})")
            if envelope.next_seq <= start:
                file.seek(envelope.body_size, os.SEEK_CUR)
            else:
                records = decode_batch(envelope, file.read(envelope.body_size))
                yield records[max(start - seq, 0) : stop - seq]
            seq, offset = envelope.next_seq, offset + envelope.size


def _damage(envelope: Envelope, body: bytes, offset: int) -> Fault:
    """Say which record fails in a whole batch whose body does not hold."""
    try:
        decode_batch(envelope, body)
    except SinkCorrupt as error:
        return Fault(error.seq, offset, error.detail)
    raise AssertionError("a body without its checksum was decoded")


def _batch_follows(descriptor: int, offset: int, size: int, seq: int) -> bool:
    """Tell whether a whole batch of a later seq starts anywhere from `offset` on."""
    data = read_all(descriptor, size - offset, offset)
    place = data.find(MAGIC)
    while place >= 0:
        envelope = parse_envelope(data[place : place + ENVELOPE_SIZE])
        if envelope is not None and envelope.first_seq > seq:
            body = data[place + ENVELOPE_SIZE : place + envelope.size]
            if body_holds(envelope, body):
                return True
        place = data.find(MAGIC, place + 1)
    return False
