"""Logs as static files, judged by Tessera's fsck and by a follower, and Tessera's own, by us."""

from __future__ import annotations

import os
import shutil
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

from rynxs.eventlog import checkpoint as cp
from rynxs.eventlog import note, proof
from rynxs.eventlog.canonical import encode
from rynxs.eventlog.log import Entry, Log
from rynxs.eventlog.objects import version_of
from rynxs.eventlog.publication import publish
from rynxs.eventlog.record import leaf_hash
from rynxs.eventlog.sink import StoredObject
from rynxs.eventlog.tiles import ENTRIES, Tree, rows, tile_name
from rynxs.testing import MemorySink
from rynxs_sink_file.settings import FileSettings
from rynxs_sink_file.writer import FileWriter
from tests.interop import program
from tests.interop.keys import LOG, Key, go_signed
from tests.interop.program import ask

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from rynxs.eventlog.checkpoint import Checkpoint
    from rynxs.eventlog.note import NoteSigner
    from tests.conftest import Cli

pytestmark = program.needed

ORIGIN = "log.example/interop"
SIZES = (1, 2, 255, 256, 257, 1_000, 65_535, 65_536, 65_537)
SMALL = (1, 2, 255, 256, 257, 1_000)
OTHER_SEED = "of another log"


class Stage(NamedTuple):
    """A log at one size: what Tessera said of its directory then, and its signed checkpoint."""

    checkpoint: Checkpoint
    note: bytes
    fsck: dict[str, Any]


class Grown(NamedTuple):
    """A log that was published at every size of `SIZES`."""

    directory: Path
    stages: dict[int, Stage]


def _entries(start: int, stop: int) -> list[Entry]:
    payload = encode({"origin": ORIGIN})
    subject = "testing.rynxs/Thing/default/t"
    return [
        Entry("ThingObserved", f"{subject}{seq % 7}", payload, 1, seq) for seq in range(start, stop)
    ]


def _published(log: Log, sink: FileWriter | MemorySink, signer: NoteSigner) -> bytes:
    checkpoint = log.checkpoint(ORIGIN)
    signed = cp.sign(checkpoint, [signer])
    publish(sink, checkpoint, signed)
    return signed


def _fsck(directory: Path, origin: str = ORIGIN, key: str = LOG.vkey) -> dict[str, Any]:
    request = {"directory": str(directory), "origin": origin, "key": key}
    answer: dict[str, Any] = ask("fsck", [request])[0]
    return answer


def _followed(directory: Path, held: bytes) -> dict[str, Any]:
    request = {"directory": str(directory), "origin": ORIGIN, "key": LOG.vkey, "held": held}
    answer: dict[str, Any] = ask("follow", [request])[0]
    return answer


@pytest.fixture(scope="module")
def grown(tmp_path_factory: pytest.TempPathFactory) -> Grown:
    directory = tmp_path_factory.mktemp("grown")
    signer, objects = LOG.signer(directory), directory / "log" / "objects"
    stages = {}
    settings = FileSettings(path=str(directory / "log"))
    with closing(FileWriter(settings, "interop")) as sink:
        log = Log.open(sink)
        for size in SIZES:
            for start in range(log.size, size, 10_000):
                log.append(_entries(start, min(size, start + 10_000)))
            signed = _published(log, sink, signer)
            stages[size] = Stage(log.checkpoint(ORIGIN), signed, _fsck(objects))
    return Grown(objects, stages)


@pytest.fixture
def directory(grown: Grown, tmp_path: Path) -> Path:
    """A copy of the grown log's objects, to be damaged."""
    return Path(shutil.copytree(grown.directory, tmp_path / "objects"))


def _log_of(size: int, to: Path) -> bytes:
    """Write the objects of a log that is published but once, at that size; return the note."""
    sink = MemorySink()
    log = Log.open(sink)
    log.append(_entries(0, size))
    to.mkdir()
    signed = _published(log, sink, LOG.signer(to))
    for name, data in sink.objects.items():
        file = to / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
    return signed


@pytest.mark.parametrize("size", SIZES)
def test_fsck_accepts_a_log_at_every_size_that_it_grows_through(grown: Grown, size: int) -> None:
    assert grown.stages[size].fsck == {"accepted": True}


@pytest.mark.parametrize("size", SMALL)
def test_fsck_accepts_a_log_that_is_published_once(size: int, tmp_path: Path) -> None:
    _log_of(size, tmp_path / "log")
    assert _fsck(tmp_path / "log") == {"accepted": True}


def test_fsck_accepts_the_directory_that_the_commands_write(
    cli: Cli, agent: Callable[..., dict[str, Any]], write: Callable[..., Path], tmp_path: Path
) -> None:
    log, signer = ("--log", "file:log"), ("--signer", f"ed25519:{LOG.file(tmp_path)}")
    for name in ("one", "two"):
        assert cli("run", write(f"{name}.yaml", agent(name)), *log, "-o", "yaml").status == 0
        created = cli("checkpoint", "create", *log, *signer, "--json").json()
        assert _fsck(tmp_path / "log/objects", created["origin"]) == {"accepted": True}


def test_fsck_accepts_older_checkpoints_of_a_log_that_has_grown(
    grown: Grown, directory: Path
) -> None:
    for size in SIZES:
        (directory / "checkpoint").write_bytes(grown.stages[size].note)
        assert _fsck(directory) == {"accepted": True}, size


def _flip(file: Path, place: int) -> None:
    data = bytearray(file.read_bytes())
    data[place] ^= 1
    file.write_bytes(data)


FLIPPED = {
    "the first full tile": ("tile/0/000", 0),
    "the end of a full tile": ("tile/0/128", -1),
    "a partial tile of level 0": ("tile/0/256.p/1", 5),
    "a tile of level 1": ("tile/1/000", 4_000),
    "a tile of level 2": ("tile/2/000.p/1", 0),
    "a header in a full bundle": ("tile/entries/000", 9),
    "a header in the last bundle": ("tile/entries/256.p/1", 9),
    "a length in a bundle": ("tile/entries/100", 1),
    "the checkpoint's size": ("checkpoint", len(ORIGIN) + 1),
    "the checkpoint's root": ("checkpoint", len(ORIGIN) + 10),
    "the checkpoint's signature": ("checkpoint", -10),
}


@pytest.mark.parametrize("what", FLIPPED)
def test_fsck_refuses_a_log_with_one_bit_flipped(what: str, directory: Path) -> None:
    name, place = FLIPPED[what]
    _flip(directory / name, place)
    answer = _fsck(directory)
    assert not answer["accepted"]
    assert answer["why"]


@pytest.mark.parametrize(
    "name",
    [
        *("tile/0/256.p/1", "tile/2/000.p/1", "tile/entries/256.p/1"),
        *("tile/0/000", "tile/1/000", "tile/entries/255", "checkpoint"),
    ],
)
def test_fsck_refuses_a_log_with_a_file_missing(name: str, directory: Path) -> None:
    (directory / name).unlink()
    assert not _fsck(directory)["accepted"]


def test_fsck_needs_no_partial_tile_that_a_full_one_replaces(grown: Grown, directory: Path) -> None:
    """The specification lets a log remove them; Tessera and we then read the full one."""
    for name in ("tile/0/000.p/255", "tile/entries/000.p/255"):
        (directory / name).unlink()
    (directory / "checkpoint").write_bytes(grown.stages[255].note)
    assert _fsck(directory) == {"accepted": True}
    assert Tree(Directory(directory), 255).root() == grown.stages[255].checkpoint.root


def test_fsck_refuses_other_keys_and_origins(grown: Grown) -> None:
    stranger = Key.of(ORIGIN, OTHER_SEED)
    assert not _fsck(grown.directory, key=stranger.vkey)["accepted"]
    assert not _fsck(grown.directory, origin="other.example")["accepted"]


def test_a_follower_sees_growth_at_every_size(grown: Grown, directory: Path) -> None:
    for old in SIZES:
        for new in (size for size in SIZES if size >= old):
            (directory / "checkpoint").write_bytes(grown.stages[new].note)
            assert _followed(directory, grown.stages[old].note) == {"accepted": True}, (old, new)


def test_a_follower_sees_a_checkpoint_rolled_back(grown: Grown, directory: Path) -> None:
    (directory / "checkpoint").write_bytes(grown.stages[257].note)
    answer = _followed(directory, grown.stages[1_000].note)
    assert answer == {"accepted": False, "why": "rolled back from 1000 to 257"}


def test_tiles_rolled_back_under_a_newer_checkpoint_are_refused(
    grown: Grown, tmp_path: Path
) -> None:
    _log_of(257, tmp_path / "log")
    (tmp_path / "log/checkpoint").write_bytes(grown.stages[1_000].note)
    assert not _fsck(tmp_path / "log")["accepted"]
    assert not _followed(tmp_path / "log", grown.stages[255].note)["accepted"]


def test_a_follower_sees_a_rewritten_log(grown: Grown, tmp_path: Path) -> None:
    sink = MemorySink()
    log = Log.open(sink)
    log.append([entry._replace(epoch=2) for entry in _entries(0, 300)])
    _published(log, sink, LOG.signer(tmp_path))
    for name, data in sink.objects.items():
        file = tmp_path / "log" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
    assert _fsck(tmp_path / "log") == {"accepted": True}
    answer = _followed(tmp_path / "log", grown.stages[257].note)
    assert not answer["accepted"]
    assert "consistency" in answer["why"]


def test_tiles_have_the_names_that_tessera_gives_them() -> None:
    indices = [0, 1, 999, 1_000, 1_001, 123_456, 999_999, 1_000_000, 1_234_067, 2**55 - 1]
    asked = [
        (level, index, width) for level in (0, 7) for index in indices for width in (0, 1, 255)
    ]
    requests = [{"level": level, "index": index, "width": width} for level, index, width in asked]
    for (level, index, width), answer in zip(asked, ask("path", requests), strict=True):
        assert tile_name(level, index, width or 256) == answer["tile"]
        assert tile_name(ENTRIES, index, width or 256) == answer["entries"]


class Directory(MemorySink):
    """The objects of a directory, and no records: a tree is read from tiles or not at all."""

    def __init__(self, directory: Path) -> None:
        super().__init__()
        self.directory = directory

    def get(self, name: str) -> StoredObject | None:
        file = self.directory / name
        return StoredObject(data, version_of(data)) if (data := _bytes_of(file)) else None


def _bytes_of(file: Path) -> bytes | None:
    return file.read_bytes() if file.is_file() else None


def _files(directory: Path, size: int) -> Iterator[str]:
    """Yield the names of the tiles and bundles that a tree of that size has."""
    for level, last in rows(size):
        for kind in (str(level), "entries") if level == 0 else (str(level),):
            for index in range(last + 1):
                width = (size >> 8 * level) - index * 256
                name = f"tile/{kind}/{index:03d}"
                yield name if width >= 256 else f"{name}.p/{width}"


def test_the_tiles_that_tessera_makes_of_our_bundles_are_ours_to_the_byte(
    grown: Grown, tmp_path: Path
) -> None:
    targets = [
        {"directory": str(tmp_path / str(size)), "size": size, "root": stage.checkpoint.root}
        for size, stage in grown.stages.items()
    ]
    request = {"directory": str(grown.directory), "targets": targets}
    (answer,) = ask("migrate", [request])
    assert answer["verdicts"] == [{"accepted": True}] * len(SIZES)
    for size, stage in grown.stages.items():
        theirs, count = tmp_path / str(size), 0
        for name in _files(theirs, size):
            assert (theirs / name).read_bytes() == (grown.directory / name).read_bytes(), name
            count += 1
        assert count == sum(len(files) for _, _, files in os.walk(theirs / "tile")), size
        tree = Tree(Directory(theirs), size)
        assert tree.is_stored()
        assert tree.root() == stage.checkpoint.root
        _prove_from(tree, stage.checkpoint)


def _prove_from(tree: Tree, checkpoint: Checkpoint) -> None:
    """Make and verify proofs with nothing but Tessera's tiles and a checkpoint that Go signs."""
    signed, size = go_signed(checkpoint.text(), LOG), checkpoint.size
    parsed, signatures = cp.parse(signed)
    note.verify(signatures, [LOG.verifier])
    requests = []
    for index in {0, size // 2, size - 1}:
        path, leaf = proof.inclusion_proof(tree.node, index, size), tree.node(0, index)
        proof.verify_inclusion(index, size, leaf, path, parsed.root)
        request = {"index": index, "size": size, "leaf": leaf, "root": parsed.root}
        requests.append(request | {"hashes": path})
    for answer in ask("inclusion", requests):
        assert answer["merkle"]["accepted"]
        assert answer["tlog"]["accepted"]


def test_the_bundles_hold_the_headers_whose_hashes_the_tiles_are(grown: Grown) -> None:
    bundle = (grown.directory / "tile/entries/003").read_bytes()
    row, headers = (grown.directory / "tile/0/003").read_bytes(), []
    while bundle:
        length = int.from_bytes(bundle[:2], "big")
        headers.append(bundle[2 : 2 + length])
        bundle = bundle[2 + length :]
    assert len(headers) == 256
    assert row == b"".join(map(leaf_hash, headers))
