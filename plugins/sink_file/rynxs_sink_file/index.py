"""The sparse index of a segment: where some of its batches start, so that a read does not scan.

It is a cache beside the segment, never synced: an entry counts only if an envelope with its seq
stands at its offset. A missing or garbled index costs a scan, never truth.
"""

from __future__ import annotations

import struct
from bisect import bisect_right
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from rynxs_sink_file.files import append_to, overwrite, read_file
from rynxs_sink_file.segment import read_envelope
from rynxs_sink_file.system import system

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

SUFFIX = ".idx"
SPACING = 64 * 1024
_ENTRY = struct.Struct(">QQ")


class Position(NamedTuple):
    """A batch's first seq and its offset in the segment."""

    seq: int
    offset: int


def index_path(segment: Path) -> Path:
    """Return the path of a segment's index."""
    return segment.with_suffix(SUFFIX)


def find(segment: Path, descriptor: int, seq: int) -> Position:
    """Return a batch of the open segment that starts at or before `seq`, the nearest known."""
    entries = _load(segment)
    first = Position(int(segment.stem), 0)
    place = bisect_right(entries, seq, key=lambda entry: entry.seq)
    while place > 0:
        place -= 1
        if _holds(descriptor, entries[place]):
            return entries[place]
    return first


class IndexWriter:
    """Adds an entry every `SPACING` bytes of segment; one that can't be written is left out."""

    def __init__(self, segment: Path, last_offset: int) -> None:
        """`last_offset` is that of the newest entry, 0 for none."""
        self._path = index_path(segment)
        self._last_offset = last_offset

    def add(self, position: Position) -> None:
        """Note a batch that has become durable."""
        if position.offset - self._last_offset < SPACING:
            return
        try:
            append_to(self._path, _ENTRY.pack(*position))
        except OSError:
            return
        self._last_offset = position.offset


def rewrite(segment: Path, descriptor: int, end: int) -> int:
    """Drop entries that do not hold or start at `end` or after; return the newest one's offset."""
    entries = _load(segment)
    kept = [entry for entry in entries if entry.offset < end and _holds(descriptor, entry)]
    path = index_path(segment)
    if len(kept) * _ENTRY.size != _size(path):
        with suppress(OSError):
            overwrite(path, b"".join(_ENTRY.pack(*entry) for entry in kept))
    return kept[-1].offset if kept else 0


def store(segment: Path, positions: Iterable[Position]) -> int:
    """Write the index of a segment whose batches all start at `positions`; see `rewrite`."""
    kept = [Position(0, 0)]
    for position in positions:
        if position.offset - kept[-1].offset >= SPACING:
            kept.append(position)
    if kept[1:]:
        with suppress(OSError):
            overwrite(index_path(segment), b"".join(_ENTRY.pack(*entry) for entry in kept[1:]))
    return kept[-1].offset


def _load(segment: Path) -> list[Position]:
    """Return the stored entries in order; whatever is out of order is left out."""
    try:
        data = read_file(index_path(segment))
    except OSError:
        return []
    whole = len(data) - len(data) % _ENTRY.size
    entries: list[Position] = []
    for entry in map(Position._make, _ENTRY.iter_unpack(data[:whole])):
        if not entries or (entry.seq > entries[-1].seq and entry.offset > entries[-1].offset):
            entries.append(entry)
    return entries


def _holds(descriptor: int, entry: Position) -> bool:
    if entry.offset >= system().fstat(descriptor).st_size:
        return False
    envelope = read_envelope(descriptor, entry.offset)
    return envelope is not None and envelope.first_seq == entry.seq


def _size(path: Path) -> int:
    try:
        return system().stat(path).st_size
    except OSError:
        return 0
