"""Targets: the tiles of a log and their names (docs/FORMAT.md, section 17.1)."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final

from rynxs.errors import LogCorrupt, SinkCorrupt, SinkUnavailable
from rynxs.eventlog import tiles
from rynxs.eventlog.merkle import HASH_SIZE
from rynxs.eventlog.objects import check_object_name
from rynxs.eventlog.record import leaf_hash
from rynxs.testing import MemorySink
from rynxs.testing.histories import history
from tests.fuzz.target import Target

if TYPE_CHECKING:
    from collections.abc import Mapping

_SIZE: Final = 259  # three more than fill a tile


def name(data: bytes) -> None:
    """A name is no tile's, or the one name of a tile."""
    text = data.decode(errors="replace")
    try:
        found = tiles._parsed(text)
    except SinkCorrupt:
        return
    assert tiles.tile_name(*found) == text


def stored(data: bytes) -> None:
    """A stored tile is corrupt, or what the records give; without verification a root comes of it.

    An input is an object's name below ``tile/`` on a line, and its content.
    """
    below, _, content = data.partition(b"\n")
    where = tiles.TILES + below.decode(errors="replace")
    try:
        check_object_name(where)
    except SinkUnavailable:
        return
    sink = MemorySink()
    sink.records = [*history(_SIZE)]
    sink.store.objects = {**_objects(), where: content}
    for size in (_SIZE, _SIZE - 1, 0):
        tree = tiles.Tree(sink, size)
        try:
            assert len(tree.root()) == HASH_SIZE
            assert tree.frontier().root() == tree.root()
        except LogCorrupt:
            continue
    try:
        tiles.check_tiles(sink, _SIZE)
    except SinkCorrupt:
        assert content != _objects().get(where)
        return
    level, index, width = tiles._parsed(where)
    if level in {0, tiles.ENTRIES}:
        records = history(_SIZE)[index * tiles.WIDTH :][:width]
        headers = [record.header for record in records]
        leaves = b"".join(map(leaf_hash, headers))
        assert content == (leaves if level == 0 else tiles.encode_bundle(headers))
    else:
        assert content == _objects()[where]


@cache
def _objects() -> Mapping[str, bytes]:
    """Return the tiles and bundles of the records."""
    sink = MemorySink()
    sink.records = [*history(_SIZE)]
    tiles.TileWriter(sink, 0, _SIZE).write()
    return dict(sink.store.objects)


def _stored() -> list[bytes]:
    objects = {**_objects(), "tile/0/000.p/2": _objects()["tile/0/000"][: 2 * HASH_SIZE]}
    short = {each: content for each, content in objects.items() if len(content) < 1_000}
    return [f"{each.removeprefix('tile/')}\n".encode() + short[each] for each in sorted(short)]


TARGETS: Final = (
    Target("tile-name", name, lambda: [each.encode() for each in sorted(_objects())]),
    Target("tile", stored, _stored, lambda: [b"entries/", b".p/", b"000\n", b"x001/"]),
)
