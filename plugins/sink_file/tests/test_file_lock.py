"""One writer a log, and readers beside it."""

from __future__ import annotations

import fcntl
import os
import threading
from typing import TYPE_CHECKING, Any

import pytest

from rynxs.api import SinkCorrupt, SinkUnavailable, SinkUnfinished
from rynxs_sink_file import layout

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from rynxs.api import Record

    Log = tuple[Path, list[Record]]

HOLD = """
import sys
from rynxs_sink_file.settings import FileSettings
from rynxs_sink_file.writer import FileWriter
settings = FileSettings.model_validate({"path": sys.argv[1]})
writer = FileWriter(settings, "someone@elsewhere")
print("open", flush=True)
sys.stdin.readline()
writer.close()
"""


@pytest.fixture
def hold(child: Callable[..., Any]) -> Callable[[Path], Any]:
    """Have another process open a log for writing, until it reads a line or is killed."""

    def start(path: Path) -> Any:
        process = child(HOLD, path)
        assert process.stdout.readline() == "open\n"
        return process

    return start


def test_a_second_writer_in_another_process_is_told_who_holds_the_log(
    make_log: Callable[..., Log], hold: Callable[..., Any], open_writer: Callable[..., Any]
) -> None:
    path, records = make_log([2])
    holder = hold(path)
    with pytest.raises(SinkUnavailable) as caught:
        open_writer(path)
    assert f"someone@elsewhere, process {holder.pid}" in str(caught.value)
    assert str(path) in str(caught.value)
    _, errors = holder.communicate("\n")
    assert (holder.returncode, errors) == (0, "")
    assert (path / "LOCK").read_bytes() == b""
    assert list(open_writer(path).read()) == records


def test_a_second_writer_in_the_same_process_is_refused(
    make_log: Callable[..., Log], open_writer: Callable[..., Any]
) -> None:
    path, _ = make_log([2])
    open_writer(path)
    with pytest.raises(SinkUnavailable, match=f"tester@here, process {os.getpid()}"):
        open_writer(path)


def test_the_lock_is_free_once_its_holder_was_killed(
    make_log: Callable[..., Log], hold: Callable[..., Any], open_writer: Callable[..., Any]
) -> None:
    path, records = make_log([2])
    holder = hold(path)
    holder.kill()
    holder.wait()
    assert b"someone@elsewhere" in (path / "LOCK").read_bytes()
    assert list(open_writer(path).read()) == records


def test_a_probing_reader_does_not_pass_for_the_killed_writer_that_the_file_names(
    make_log: Callable[..., Log], open_writer: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    path, _ = make_log([2])
    (path / "LOCK").write_bytes(b'{"identity": "killed", "pid": 1}')
    probe = os.open(path / "LOCK", os.O_RDONLY)
    fcntl.flock(probe, fcntl.LOCK_SH)
    with pytest.raises(SinkUnavailable, match="another process holds the lock"):
        open_writer(path)  # a probe that never ends
    closing = threading.Timer(0.01, os.close, [probe])
    closing.start()
    assert open_writer(path).size() == 2
    closing.join()


@pytest.mark.parametrize("name", [b"", b"{", b"[]", b"\xff", b"[" * 4096, b'{"pid": 1}'])
def test_a_holder_whose_name_is_garbled_still_holds_the_log(
    name: bytes, make_log: Callable[..., Log], open_writer: Callable[..., Any]
) -> None:
    path, _ = make_log([2])
    open_writer(path)
    (path / "LOCK").write_bytes(name)
    with pytest.raises(SinkUnavailable, match="another process holds the lock"):
        open_writer(path)


def test_a_close_that_can_not_empty_the_lock_still_releases_it(
    make_log: Callable[..., Log], open_writer: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    path, _ = make_log([2])
    writer = open_writer(path)

    def failing(descriptor: int, size: int) -> None:
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(os, "ftruncate", failing)
        writer.close()
    assert open_writer(path).size() == 2


def test_a_close_that_can_not_mark_the_log_says_so_and_still_releases_the_lock(
    make_log: Callable[..., Log],
    open_writer: Callable[..., Any],
    extend: Callable[..., list[Record]],
) -> None:
    path, _ = make_log([2])
    writer = open_writer(path)
    records = extend(writer, [1])
    (path / ".durable.tmp").mkdir()
    with pytest.raises(SinkUnavailable, match="durable"):
        writer.close()
    writer.close()
    (path / ".durable.tmp").rmdir()
    assert list(open_writer(path).read()) == records


def test_a_reader_follows_a_live_writer(
    make_log: Callable[..., Log],
    open_writer: Callable[..., Any],
    open_reader: Callable[..., Any],
    extend: Callable[..., list[Record]],
) -> None:
    path, _ = make_log([2])
    writer = open_writer(path)
    reader = open_reader(path)
    for counts in ([1], [3, 40], [40, 40, 40]):
        records = extend(writer, counts)
        assert reader.size() == len(records)
        assert list(reader.read()) == records


def _damage_end(path: Path, change: Callable[[bytes], bytes]) -> None:
    segment = max((path / "segments").glob("*.seg"))
    segment.write_bytes(change(segment.read_bytes()))


@pytest.mark.parametrize("part", [1, 20, 32, 50, -1])
def test_a_tail_in_flight_is_ignored_while_a_writer_lives_and_reported_once_none_does(
    part: int,
    make_log: Callable[..., Log],
    open_writer: Callable[..., Any],
    open_reader: Callable[..., Any],
) -> None:
    path, records = make_log([2, 3], crashed=True)
    segment = max((path / "segments").glob("*.seg"))
    last = segment.read_bytes()[: segment.read_bytes().rindex(b"\xffRYNXS")]
    batch = segment.read_bytes()[len(last) :]
    segment.write_bytes(last)
    writer = open_writer(path)
    segment.write_bytes(last + batch[:part])
    reader = open_reader(path)
    assert reader.size() == 2
    assert list(reader.read()) == records[:2]
    writer.close()
    assert list(reader.read(0, 2)) == records[:2]
    for start in (0, 2):
        with pytest.raises(SinkUnfinished, match="unacknowledged end") as caught:
            list(reader.read(start))
        assert (caught.value.seq, caught.value.exit_code) == (2, 1)


def test_damage_before_a_later_batch_is_reported_beside_a_live_writer_too(
    make_log: Callable[..., Log],
    open_writer: Callable[..., Any],
    open_reader: Callable[..., Any],
    extend: Callable[..., list[Record]],
) -> None:
    path, _ = make_log([2])
    writer = open_writer(path)
    records = extend(writer, [1, 1])
    place = records[2].payload or b""
    _damage_end(path, lambda data: data.replace(place, place[:-1] + b"!"))
    with pytest.raises(SinkCorrupt, match="a later batch shows") as caught:
        list(open_reader(path).read())
    assert caught.value.seq == 2


def test_a_log_shorter_than_its_checkpoint_is_reported_beside_a_live_writer_too(
    make_log: Callable[..., Log],
    open_writer: Callable[..., Any],
    open_reader: Callable[..., Any],
    store_checkpoint: Callable[..., None],
) -> None:
    path, _ = make_log([2, 1])
    writer = open_writer(path)
    store_checkpoint(writer)
    _damage_end(path, lambda data: data[: data.rindex(b"\xffRYNXS")])
    with pytest.raises(SinkCorrupt, match="covers 3 records"):
        list(open_reader(path).read())


@pytest.mark.parametrize("retry", [None, 1, 2, 40])
def test_a_reader_survives_a_batch_that_the_writer_takes_back_while_it_reads(
    retry: int | None,
    make_log: Callable[..., Log],
    open_writer: Callable[..., Any],
    open_reader: Callable[..., Any],
    chained: Callable[..., list[Record]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(layout, "_READ_BUFFER", 64)  # as when more than a buffer is to be read
    path, records = make_log([2])
    writer = open_writer(path)
    reader = open_reader(path)
    readings = []

    def failing(descriptor: int) -> None:
        assert reader.size() == 5  # the whole batch is there to see
        readings.append(reader.read())
        assert next(readings[0]) == records[0]
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fdatasync", failing)
        with pytest.raises(SinkUnavailable):
            writer.append(2, chained(records, 3))
    theirs = []
    if retry is not None:
        theirs = chained(records, retry, 33)
        writer.append(2, theirs)
    found = list(readings[0])
    assert found == (records + theirs)[1 : 1 + len(found)]
    assert len(found) >= min(len(records + theirs) - 1, 4)
    assert reader.size() == len(records + theirs)
    assert list(reader.read()) == records + theirs
