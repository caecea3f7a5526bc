from __future__ import annotations

from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rynxs.errors import CheckpointRefused, LogCorrupt, SinkCorrupt
from rynxs.eventlog import tiles
from rynxs.eventlog.chain import Chain
from rynxs.eventlog.checkpoint import Checkpoint
from rynxs.eventlog.publication import publish
from rynxs.eventlog.record import leaf_hash
from rynxs.eventlog.resume import chain_at
from rynxs.eventlog.tiles import TileWriter, Tree
from rynxs.testing import MemorySink
from rynxs.testing.histories import ORIGIN, history

SIGNATURE = "\n— key AQIDBHg=\n"
SIZE = 1_300


def sink_of(size: int) -> MemorySink:
    sink = MemorySink()
    if size:
        for start in range(0, size, 1_000):
            sink.append(start, history(SIZE)[start : min(start + 1_000, size)])
    return sink


def chain_of(size: int) -> Chain:
    chain = Chain()
    chain.verify(history(SIZE)[:size])
    return chain


def checkpoint_of(size: int) -> Checkpoint:
    return Checkpoint(ORIGIN, size, chain_of(size).frontier.root())


def published(sink: MemorySink, size: int) -> Checkpoint:
    checkpoint = checkpoint_of(size)
    publish(sink, checkpoint, (checkpoint.text() + SIGNATURE).encode())
    return checkpoint


@pytest.mark.parametrize(
    ("level", "index", "width", "name"),
    [
        (0, 0, 256, "tile/0/000"),
        (3, 1_234_067, 256, "tile/3/x001/x234/067"),
        (1, 999, 17, "tile/1/999.p/17"),
        ("entries", 1_000, 255, "tile/entries/x001/000.p/255"),
    ],
)
def test_a_tile_has_the_path_of_the_specification(
    level: int | str, index: int, width: int, name: str
) -> None:
    assert tiles.tile_name(level, index, width) == name


def test_a_tree_of_70000_has_the_tiles_of_the_specification() -> None:
    """The example of https://c2sp.org/tlog-tiles, "Partial Tiles"."""
    assert [(level, index + 1) for level, index in tiles.rows(70_000)] == [(0, 274), (1, 2), (2, 1)]
    widths = [tiles.row_width(level, index, 70_000) for level, index in tiles.rows(70_000)]
    assert widths == [112, 17, 1]
    assert [tiles.row_width(*row, 256) for row in tiles.rows(256)] == [256, 1]


@pytest.mark.parametrize("size", [0, 1, 2, 255, 256, 257, 511, 512, 513, SIZE])
def test_the_tiles_of_a_tree_are_those_of_its_records_and_no_more(size: int) -> None:
    sink = sink_of(size)
    TileWriter(sink, 0, size).write()
    count = tiles.check_tiles(sink, size)
    assert len(sink.list("tile/")) == count
    leaves = [leaf_hash(record.header) for record in history(SIZE)[:size]]
    for name in sink.list("tile/0/"):
        stored = sink.get(name)
        assert stored is not None
        first = 256 * int(name.split("/")[2].removesuffix(".p"))
        assert stored.data == b"".join(leaves[first : first + 256])


@settings(max_examples=30)
@given(st.lists(st.integers(0, SIZE), min_size=1, max_size=6).map(sorted))
def test_however_a_log_grows_all_tiles_of_each_checkpoint_are_there(sizes: list[int]) -> None:
    sink = sink_of(SIZE)
    for size in sizes:
        published(sink, size)
    for size in sizes:
        assert Tree(sink, size).is_stored()
        if size == sizes[-1]:
            tiles.check_tiles(sink, size)
        chain, expected = chain_at(sink, checkpoint_of(size)), chain_of(size)
        assert chain.tip == expected.tip
        assert chain.frontier.nodes() == expected.frontier.nodes()


def test_publishing_reads_and_writes_only_what_is_new() -> None:
    sink = sink_of(SIZE)
    published(sink, 1_290)
    before = {name: sink.get(name) for name in sink.list("tile/")}
    published(sink, SIZE)
    fresh = set(sink.list("tile/")) - set(before)
    assert fresh == {"tile/0/005.p/20", "tile/entries/005.p/20"}


@settings(max_examples=30)
@given(st.sets(st.integers(0, 40)), st.integers(1, SIZE))
def test_a_tree_is_read_right_though_tiles_are_missing(lost: set[int], size: int) -> None:
    sink = sink_of(SIZE)
    published(sink, size)
    for place, name in enumerate(sink.list("tile/")):
        if place in lost:
            sink.delete(name)
    assert Tree(sink, size).root() == checkpoint_of(size).root
    assert chain_at(sink, checkpoint_of(size)).size == size


def test_missing_tiles_are_made_again_when_the_next_checkpoint_is_published() -> None:
    sink = sink_of(SIZE)
    published(sink, 1_000)
    for name in sink.list("tile/"):
        sink.delete(name)
    published(sink, SIZE)
    tiles.check_tiles(sink, SIZE)


def test_garbled_tiles_are_made_again_when_the_next_checkpoint_is_published() -> None:
    sink = sink_of(SIZE)
    published(sink, 1_000)
    sink.put("tile/1/000.p/3", bytes(96))
    published(sink, SIZE)
    assert Tree(sink, SIZE).root() == checkpoint_of(SIZE).root
    with pytest.raises(SinkCorrupt, match=r"tile/1/000\.p/3: not what"):
        tiles.check_tiles(sink, SIZE)
    sink.delete("tile/1/000.p/3")  # of a smaller tree, which no longer needs it
    tiles.check_tiles(sink, SIZE)


def test_a_garbled_tile_resumes_nothing() -> None:
    sink = sink_of(SIZE)
    checkpoint = published(sink, 1_000)
    sink.put("tile/1/000.p/3", bytes(96))
    with pytest.raises(CheckpointRefused, match="root"):
        chain_at(sink, checkpoint)


def test_a_tile_that_is_not_of_the_records_is_named() -> None:
    sink = sink_of(SIZE)
    published(sink, SIZE)
    sink.put("tile/entries/002", b"other")
    with pytest.raises(SinkCorrupt, match=r"record 512: tile/entries/002: not what"):
        tiles.check_tiles(sink, SIZE)
    sink.delete("tile/entries/002")
    with pytest.raises(SinkCorrupt, match=r"record 512: tile/entries/002: missing"):
        tiles.check_tiles(sink, SIZE)
    sink.delete("tile/0/001")
    with pytest.raises(SinkCorrupt, match=r"record 256: tile/0/001: missing"):
        tiles.check_tiles(sink, SIZE)


def test_partial_tiles_of_earlier_checkpoints_are_compared_too() -> None:
    sink = sink_of(SIZE)
    published(sink, 300)
    published(sink, SIZE)
    tiles.check_tiles(sink, SIZE)
    for name in ("tile/0/001.p/44", "tile/entries/001.p/44"):
        kept = sink.get(name)
        assert kept is not None
        sink.put(name, bytes(len(kept.data)))
        with pytest.raises(SinkCorrupt, match=f"record 256: {name}: not what"):
            tiles.check_tiles(sink, SIZE)
        sink.put(name, kept.data)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("tile/0/900", "no records for it"),
        ("tile/5/000.p/1", "no records for it"),
        ("tile/0/1", "no tile is called so"),
        ("tile/0/x000/001", "no tile is called so"),
        ("tile/0/001.p/256", "no tile is called so"),
        ("tile/0/001.p/0", "no tile is called so"),
        ("tile/00/001", "no tile is called so"),
        ("tile/other", "no tile is called so"),
    ],
)
def test_what_is_no_tile_of_the_log_is_named(name: str, told: str) -> None:
    sink = sink_of(SIZE)
    published(sink, SIZE)
    sink.put(name, bytes(32))
    with pytest.raises(SinkCorrupt, match=f"{name}: .*{told}"):
        tiles.check_tiles(sink, SIZE)


def test_tiles_that_no_checkpoint_covers_yet_are_compared_with_the_records() -> None:
    sink = sink_of(SIZE)
    published(sink, 300)
    TileWriter(sink, 300, SIZE).write()  # cut off before its checkpoint was stored
    tiles.check_tiles(sink, 300)


def test_a_checkpoint_without_tiles_is_told() -> None:
    sink = sink_of(SIZE)
    published(sink, 300)
    for name in sink.list("tile/"):
        sink.delete(name)
    with pytest.raises(SinkCorrupt, match="missing"):
        tiles.check_tiles(sink, 300)


def test_a_checkpoint_that_may_not_be_stored_leaves_the_tiles_alone() -> None:
    sink = sink_of(SIZE)
    published(sink, 300)
    before = sink.list()
    other = Checkpoint(ORIGIN, 299, sha256().digest())
    with pytest.raises(CheckpointRefused, match="larger"):
        publish(sink, other, (other.text() + SIGNATURE).encode())
    assert sink.list() == before


def test_a_tree_that_is_larger_than_the_log_is_not_made() -> None:
    with pytest.raises(LogCorrupt, match="missing"):
        TileWriter(sink_of(10), 0, 11).write()
    with pytest.raises(CheckpointRefused, match="records are missing"):
        chain_at(sink_of(10), Checkpoint(ORIGIN, 11, bytes(32)))


def test_a_log_with_another_last_record_is_not_resumed() -> None:
    sink, other = sink_of(20), MemorySink()
    checkpoint = published(sink, 20)
    other.append(0, [*history(SIZE)[:19], history(20, "another")[19]])
    for name in sink.list():
        stored = sink.get(name)
        assert stored is not None
        other.put(name, stored.data)
    with pytest.raises(CheckpointRefused, match="record 19 is not the one"):
        chain_at(other, checkpoint)
