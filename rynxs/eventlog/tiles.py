"""Tiles (https://c2sp.org/tlog-tiles): the Merkle tree as small immutable objects.

Tile ``n`` of level ``l`` holds in a row up to 256 hashes, the roots of perfect subtrees of
``256**l`` leaves each; the last tile of a level may be partial. An entry bundle holds the headers
whose leaf hashes are the tile of level 0 with the same number.
"""

from __future__ import annotations

import re
import struct
from itertools import chain
from typing import TYPE_CHECKING

from rynxs.errors import LogCorrupt, SinkCorrupt
from rynxs.eventlog.merkle import HASH_SIZE, Frontier
from rynxs.eventlog.proof import perfect_subtrees, range_root
from rynxs.eventlog.record import leaf_hash

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from rynxs.eventlog.sink import Sink

TILES = "tile/"
ENTRIES = "entries"
WIDTH = 256
HEIGHT = 8
"""Levels of the tree from a tile's hashes up to its root, 2**8 being `WIDTH`."""

_NAME = re.compile(
    r"tile/(entries|[0-5]?[0-9])/((?:x[0-9]{3}/)*[0-9]{3})(?:\.p/([0-9]{1,3}))?", re.ASCII
)
_LENGTH = struct.Struct(">H")
_STORED_AT_ONCE = 256  # objects; some 8 MiB


def tile_name(level: int | str, index: int, width: int = WIDTH) -> str:
    """Return the object name of a tile, or of a bundle if the level is `ENTRIES`."""
    groups = [f"{index % 1000:03d}"]
    while index := index // 1000:
        groups.insert(0, f"x{index % 1000:03d}")
    partial = "" if width == WIDTH else f".p/{width}"
    return f"{TILES}{level}/{'/'.join(groups)}{partial}"


def row_width(level: int, index: int, size: int) -> int:
    """Return how many hashes tile `index` of a level has in a tree of `size` leaves; 0 for none."""
    return max(0, min(WIDTH, (size >> HEIGHT * level) - index * WIDTH))


def rows(size: int) -> Iterator[tuple[int, int]]:
    """Yield level and index of the last tile of each level in a tree of `size` leaves."""
    level = 0
    while count := size >> HEIGHT * level:
        yield level, (count - 1) // WIDTH
        level += 1


def encode_bundle(headers: Sequence[bytes]) -> bytes:
    """Return the entry bundle of headers."""
    return b"".join(chain.from_iterable((_LENGTH.pack(len(h)), h) for h in headers))


class Tree:
    """The Merkle tree of a log's first `size` records, read from its tiles.

    A tile that is missing is made from the tiles below it, and at last from the records. Nothing
    here is verified: whoever uses a hash compares what follows from it with a signed root.

    Attributes:
        size: number of leaves.
        reads: how many objects, and ranges of records, were read so far.
    """

    def __init__(self, sink: Sink, size: int) -> None:
        self._sink = sink
        self._rows: dict[tuple[int, int], bytes] = {}
        self.size = size
        self.reads = 0

    def node(self, level: int, index: int) -> bytes:
        """Return the root of the perfect subtree of ``2**level`` leaves with that index.

        Raises:
            LogCorrupt: a record is missing.
            SinkError: the sink can't be read.
        """
        tile_level, height = divmod(level, HEIGHT)
        tile, offset = divmod(index << height, WIDTH)
        row = self.row(tile_level, tile)[offset * HASH_SIZE :][: HASH_SIZE << height]
        return _perfect_root(row)

    def root(self) -> bytes:
        """Return the Merkle tree hash of all leaves."""
        return range_root(self.node, 0, self.size)

    def frontier(self) -> Frontier:
        """Return what it takes to append to this tree."""
        parts = perfect_subtrees(0, self.size)
        return Frontier(self.size, [self.node(level, index) for level, index in parts])

    def row(self, level: int, index: int) -> bytes:
        """Return the hashes of a tile, one after the other."""
        known = self._rows.get((level, index))
        if known is None:
            known = self._stored(level, index) or self._made(level, index)
            self._rows[level, index] = known
        return known

    def is_stored(self) -> bool:
        """Tell whether the last tile of each level is there, and the last bundle.

        The tree's root and frontier come from these tiles alone.
        """
        edge = list(rows(self.size))
        if not all(self._stored(level, index) for level, index in edge):
            return False
        if not edge:
            return True
        last = edge[0][1]
        names = {tile_name(ENTRIES, last, row_width(0, last, self.size)), tile_name(ENTRIES, last)}
        return any(self._get(name) is not None for name in sorted(names))

    def _stored(self, level: int, index: int) -> bytes | None:
        width = row_width(level, index, self.size)
        data = self._get(tile_name(level, index, width))
        if data is None and width < WIDTH:  # once it is full, partial ones may go
            data = self._get(tile_name(level, index))
        if data is None or len(data) < width * HASH_SIZE:
            return None
        return data[: width * HASH_SIZE]

    def _get(self, name: str) -> bytes | None:
        self.reads += 1
        stored = self._sink.get(name)
        return None if stored is None else stored.data

    def _made(self, level: int, index: int) -> bytes:
        first, width = index * WIDTH, row_width(level, index, self.size)
        if level:
            below = range(first, first + width)
            return b"".join(_perfect_root(self.row(level - 1, tile)) for tile in below)
        self.reads += 1
        headers = [record.header for record in self._sink.read(first, first + width)]
        if len(headers) < width:
            raise LogCorrupt(first + len(headers), f"missing: the tree has {self.size} records")
        return b"".join(map(leaf_hash, headers))


class TileWriter:
    """Writes the tiles and bundles that a tree of `new` leaves has beyond one of `old` leaves."""

    def __init__(self, sink: Sink, old: int, new: int) -> None:
        self._sink = sink
        self._old = old
        self._new = new
        # The tiles of the old tree are there, or can be made; the new ones come from the records.
        self._before = Tree(sink, old)
        self._waiting: list[tuple[str, bytes]] = []

    def write(self) -> None:
        """Store them durably; those that are there already are stored again, with the same bytes.

        Raises:
            LogCorrupt: a record is missing.
            SinkError: the sink can't be used.
        """
        level, hashes, first = 0, self._write_leaves(), self._old // WIDTH
        while hashes:
            level += 1
            hashes, first = self._write_row(level, hashes, first)
        self._flush()

    def _write_leaves(self) -> list[bytes]:
        """Write bundles and tiles of level 0; return the roots of the full ones."""
        roots = []
        first = self._old - self._old % WIDTH
        while first < self._new:
            stop = min(first + WIDTH, self._new)
            headers = [record.header for record in self._sink.read(first, stop)]
            if len(headers) < stop - first:
                raise LogCorrupt(first + len(headers), f"missing: the log has {self._new} records")
            row = b"".join(map(leaf_hash, headers))
            index = first // WIDTH
            self._put(tile_name(ENTRIES, index, len(headers)), encode_bundle(headers))
            self._put(tile_name(0, index, len(headers)), row)
            if len(headers) == WIDTH:
                roots.append(_perfect_root(row))
            first = stop
        return roots

    def _write_row(
        self, level: int, hashes: Sequence[bytes], start: int
    ) -> tuple[list[bytes], int]:
        """Write tiles of a level from hash number `start` on; return the roots of full ones."""
        first = start // WIDTH
        before = self._before.row(level, first) if start % WIDTH else b""
        data = before[: start % WIDTH * HASH_SIZE] + b"".join(hashes)
        roots = []
        for index in range(first, first + -(-len(data) // (WIDTH * HASH_SIZE))):
            row = data[(index - first) * WIDTH * HASH_SIZE :][: WIDTH * HASH_SIZE]
            width = len(row) // HASH_SIZE
            self._put(tile_name(level, index, width), row)
            if width == WIDTH:
                roots.append(_perfect_root(row))
        return roots, first

    def _put(self, name: str, data: bytes) -> None:
        self._waiting.append((name, data))
        if len(self._waiting) >= _STORED_AT_ONCE:
            self._flush()

    def _flush(self) -> None:
        self._sink.put_all(self._waiting)
        self._waiting = []


def check_tiles(sink: Sink, size: int) -> int:
    """Compare every stored tile and bundle with the records, whichever checkpoint it was made for.

    Args:
        sink: the log's.
        size: of the largest checkpoint; all tiles of its tree must be there.

    Returns:
        How many objects there are.

    Raises:
        SinkCorrupt: one is missing, or is not what the records give, or is no tile of the log.
    """
    stored = sink.list(TILES)
    made = RecordTree(sink, sink.size())
    for name in stored:
        level, index, width = _parsed(name)
        row = level if isinstance(level, int) else 0
        first = index * WIDTH << HEIGHT * row
        if width > row_width(row, index, made.size):
            raise SinkCorrupt(first, f"{name}: the log has no records for it")
        if level == ENTRIES:
            headers = [record.header for record in sink.read(first, first + width)]
            expected = encode_bundle(headers)
        else:
            expected = made.row(row, index)[: width * HASH_SIZE]
        found = sink.get(name)
        if found is not None and found.data != expected:
            raise SinkCorrupt(first, f"{name}: not what the records give")
    _check_complete(set(stored), size)
    return len(stored)


def _check_complete(stored: Collection[str], size: int) -> None:
    """Check that all tiles of a tree are there; a partial one may have made room for a full one."""
    for level, last in rows(size):
        for index in range(last + 1):
            width = row_width(level, index, size)
            for kind in (level, ENTRIES) if not level else (level,):
                name = tile_name(kind, index, width)
                if name not in stored and tile_name(kind, index) not in stored:
                    raise SinkCorrupt(index * WIDTH << HEIGHT * level, f"{name}: missing")


def _parsed(name: str) -> tuple[int | str, int, int]:
    """Return what a tile's name says: level, index and width, as `tile_name` takes them.

    Raises:
        SinkCorrupt: no tile is called so.
    """
    matched = _NAME.fullmatch(name)
    if matched is not None:
        row, groups, partial = matched.groups()
        level = row if row == ENTRIES else int(row)
        index, width = int(groups.replace("/", "").replace("x", "")), int(partial or WIDTH)
        if 0 < width <= WIDTH and tile_name(level, index, width) == name:
            return level, index, width
    raise SinkCorrupt(0, f"{name}: no tile is called so")


class RecordTree(Tree):
    """A tree that believes no stored tile."""

    def _stored(self, level: int, index: int) -> None:
        return None


def _perfect_root(row: bytes) -> bytes:
    """Return the root over a row of hashes, a power of two of them."""
    level = [row[place : place + HASH_SIZE] for place in range(0, len(row), HASH_SIZE)]
    frontier = Frontier()
    frontier.extend(level)
    return frontier.root()
