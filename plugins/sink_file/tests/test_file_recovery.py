"""A last batch that fails: moved away when it was never acknowledged, reported when it was."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from rynxs.api import SinkCorrupt, SinkUnavailable
from rynxs_sink_file import recovery
from rynxs_sink_file.layout import Layout
from rynxs_sink_file.segment import MAGIC

if TYPE_CHECKING:
    from collections.abc import Callable

    from rynxs.api import Record

LAST = 2  # records in the last batch of the logs here


def _last_segment(path: Path) -> Path:
    return max((path / "segments").glob("*.seg"))


def _split(path: Path) -> tuple[bytes, bytes]:
    """Return the last segment's bytes before its last batch, and that batch."""
    whole = _last_segment(path).read_bytes()
    place = whole.rindex(MAGIC)
    return whole[:place], whole[place:]


@pytest.fixture
def unflushed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Flush nothing, for a loop whose promise does not depend on it, and which is long."""
    monkeypatch.setattr(os, "fsync", lambda _: None)
    monkeypatch.setattr(os, "fdatasync", lambda _: None)


@pytest.fixture
def check_quarantined(
    tmp_path: Path,
    open_writer: Callable[..., Any],
    open_reader: Callable[..., Any],
    chained: Callable[..., list[Record]],
    audit: Callable[..., list[Record]],
) -> Callable[..., None]:
    """Open a copy of a log whose last segment ends in `tail`, and demand all of recovery."""
    new: list[Record] = []

    def check(image: Path, records: list[Record], whole: bytes, tail: bytes) -> None:
        path = tmp_path / "case"
        shutil.copytree(image, path)
        _last_segment(path).write_bytes(whole + tail)
        writer = open_writer(path)
        assert writer.size() == len(records)
        (incident,) = writer.incidents()
        assert (incident.seq, incident.size) == (len(records), len(tail))
        assert (path / "quarantine" / f"{incident.id}.tail").read_bytes() == tail
        assert _last_segment(path).read_bytes() == whole
        new[:] = new or chained(records, 3)
        writer.append(len(records), new)
        writer.close()
        reader = open_reader(path)
        assert audit(reader) == records + new
        assert reader.incidents() == [incident]
        shutil.rmtree(path)

    return check


@pytest.mark.usefixtures("unflushed")
def test_a_last_batch_torn_at_any_byte_is_quarantined(
    make_log: Callable[..., tuple[Path, list[Record]]],
    check_quarantined: Callable[..., None],
) -> None:
    image, records = make_log([1, 2, LAST], crashed=True, size=1)
    whole, batch = _split(image)
    for end in range(1, len(batch)):
        check_quarantined(image, records[:-LAST], whole, batch[:end])


@pytest.mark.usefixtures("unflushed")
def test_a_last_batch_with_any_byte_garbled_is_quarantined(
    make_log: Callable[..., tuple[Path, list[Record]]],
    check_quarantined: Callable[..., None],
) -> None:
    image, records = make_log([1, 2, LAST], crashed=True, size=1)
    whole, batch = _split(image)
    for place in range(0, len(batch), 2):
        garbled = bytearray(batch)
        garbled[place] ^= 1 << place % 8
        check_quarantined(image, records[:-LAST], whole, bytes(garbled))


@pytest.mark.parametrize("tail", [b"\0", bytes(4096), b"\xff" * 31, MAGIC, MAGIC + bytes(64)])
def test_bytes_after_the_last_batch_are_quarantined_and_every_record_stays(
    tail: bytes,
    make_log: Callable[..., tuple[Path, list[Record]]],
    check_quarantined: Callable[..., None],
) -> None:
    image, records = make_log([1, LAST], crashed=True)
    check_quarantined(image, records, b"".join(_split(image)), tail)


def test_the_only_batch_of_a_new_segment_torn_is_quarantined(
    make_log: Callable[..., tuple[Path, list[Record]]],
    check_quarantined: Callable[..., None],
) -> None:
    image, records = make_log([30, LAST], crashed=True, size=100)
    whole, batch = _split(image)
    assert (whole, int(_last_segment(image).stem)) == (b"", 30)
    check_quarantined(image, records[:-LAST], whole, batch[:-1])


def test_the_only_batch_of_a_log_torn_is_quarantined(
    make_log: Callable[..., tuple[Path, list[Record]]],
    check_quarantined: Callable[..., None],
) -> None:
    image, _ = make_log([LAST], crashed=True)
    whole, batch = _split(image)
    check_quarantined(image, [], whole, batch[:40])


def test_a_whole_last_batch_that_was_never_acknowledged_counts_and_is_flushed_before_it_does(
    make_log: Callable[..., tuple[Path, list[Record]]],
    open_writer: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    image, records = make_log([1, LAST], crashed=True)
    flushed = []
    fsync = os.fsync

    def watched(descriptor: int) -> None:
        flushed.append(Path(f"/proc/self/fd/{descriptor}").readlink())
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", watched)
    writer = open_writer(image)
    assert writer.size() == len(records)
    # What a killed writer left in the page cache, its file's name included, is not durable yet.
    assert {image / "segments", _last_segment(image)} <= set(flushed)


def test_a_log_that_can_not_flush_what_it_found_does_not_open(
    make_log: Callable[..., tuple[Path, list[Record]]],
    open_writer: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    image, _ = make_log([1, LAST], crashed=True)

    def failing(descriptor: int) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "fsync", failing)
    with pytest.raises(SinkUnavailable, match="Input/output error"):
        open_writer(image)
    monkeypatch.undo()
    assert open_writer(image).size() == 1 + LAST


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "cut": lambda batch: batch[:-1],
    "cut within the envelope": lambda batch: batch[:10],
    "gone": lambda _: b"",
    "garbled body": lambda batch: batch[:-1] + bytes((batch[-1] ^ 1,)),
    "garbled envelope": lambda batch: b"\xfe" + batch[1:],
    "zeros": lambda batch: bytes(len(batch)),
}


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("witness", ["mark", "checkpoint", "numbered checkpoint"])
def test_a_last_batch_that_a_witness_covers_is_reported_and_nothing_is_touched(
    witness: str,
    damage: str,
    make_log: Callable[..., tuple[Path, list[Record]]],
    open_writer: Callable[..., Any],
    open_reader: Callable[..., Any],
    store_checkpoint: Callable[..., None],
    files: Callable[[Path], dict[str, bytes]],
) -> None:
    path, records = make_log([1, 2, LAST])
    if witness != "mark":
        writer = open_writer(path)
        store_checkpoint(writer)
        writer.close()
        (path / "durable").unlink()
    if witness == "numbered checkpoint":
        (path / "objects" / "checkpoint").unlink()
    whole, batch = _split(path)
    _last_segment(path).write_bytes(whole + DAMAGES[damage](batch))
    before = files(path)
    covers = "an orderly close" if witness == "mark" else "a checkpoint"
    with pytest.raises(SinkCorrupt, match=f"{covers} covers 5 records") as caught:
        open_writer(path)
    assert caught.value.seq in range(3, 5)
    with pytest.raises(SinkCorrupt, match=f"{covers} covers 5 records"):
        list(open_reader(path).read())
    assert files(path) == before
    assert list(open_reader(path).read(0, 3)) == records[:3]


@pytest.mark.parametrize("damage", ["garbled body", "garbled envelope", "zeros"])
def test_a_batch_that_a_later_batch_follows_is_reported_and_nothing_is_touched(
    damage: str,
    make_log: Callable[..., tuple[Path, list[Record]]],
    open_writer: Callable[..., Any],
    open_reader: Callable[..., Any],
    files: Callable[[Path], dict[str, bytes]],
) -> None:
    path, _ = make_log([1, 2, LAST], crashed=True)
    whole, batch = _split(path)
    first = whole.rindex(MAGIC)
    _last_segment(path).write_bytes(whole[:first] + DAMAGES[damage](whole[first:]) + batch)
    (path / "LOCK").unlink()  # it still names the writer that crashed
    before = files(path)
    for opened in (open_writer, lambda path: list(open_reader(path).read())):
        with pytest.raises(SinkCorrupt, match="a later batch shows that it was durable"):
            opened(path)
    assert files(path) == {**before, "LOCK": b""}


def test_a_log_whose_only_segment_is_gone_is_reported(
    make_log: Callable[..., tuple[Path, list[Record]]],
    open_writer: Callable[..., Any],
    open_reader: Callable[..., Any],
) -> None:
    path, _ = make_log([3])
    _last_segment(path).unlink()
    for opened in (open_writer, lambda path: list(open_reader(path).read())):
        with pytest.raises(SinkCorrupt, match="an orderly close covers 3 records") as caught:
            opened(path)
        assert caught.value.seq == 0


def test_a_mark_that_covers_less_than_the_tail_does_not_forbid_recovery(
    make_log: Callable[..., tuple[Path, list[Record]]],
    check_quarantined: Callable[..., None],
) -> None:
    image, records = make_log([1, 2, LAST], crashed=True)
    recovery.mark_durable(Layout(image), 3)
    whole, batch = _split(image)
    check_quarantined(image, records[:3], whole, batch[:-1])
