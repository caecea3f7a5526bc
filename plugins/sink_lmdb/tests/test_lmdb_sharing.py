"""One file in one process: LMDB allows it to be opened once, and sinks share it."""

from __future__ import annotations

from threading import Thread
from typing import TYPE_CHECKING, Any

import lmdb
import pytest

from rynxs.api import Record, SinkConflict, SinkUnavailable
from rynxs.testing.histories import history
from rynxs_sink_lmdb import registry

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def test_the_file_is_closed_when_its_last_sink_is(
    log_path: Path, open_writer: Callable[..., Any], open_reader: Callable[..., Any]
) -> None:
    writer = open_writer(log_path)
    reader = open_reader(log_path)
    second = open_writer(log_path)
    assert writer._environment is reader._environment is second._environment
    for sink in (writer, writer, second):
        sink.close()
    assert reader.size() == 0
    with pytest.raises(lmdb.Error, match="already open"):
        lmdb.open(str(log_path), subdir=False)
    late = open_reader(log_path)
    assert late._environment is reader._environment
    late.close()
    reader.close()
    lmdb.open(str(log_path), subdir=False).close()


def test_a_closed_sink_refuses_while_another_goes_on(
    log_path: Path,
    make_log: Callable[[int], list[Record]],
    open_writer: Callable[..., Any],
    open_reader: Callable[..., Any],
) -> None:
    make_log(1_500)
    writer, reader = open_writer(log_path), open_reader(log_path)
    reading = reader.read()
    next(reading)
    reader.close()
    for use in (reader.size, reader.list, lambda: reader.get("name"), lambda: list(reading)):
        with pytest.raises(SinkUnavailable, match="closed"):
            use()
    assert writer.size() == 1_500


def test_a_writer_takes_over_the_file_from_a_reader_and_the_reader_goes_on(
    log_path: Path,
    make_log: Callable[[int], list[Record]],
    open_writer: Callable[..., Any],
    open_reader: Callable[..., Any],
) -> None:
    records = make_log(3_000)
    reader = open_reader(log_path)
    reading = reader.read()
    found = [next(reading)]
    writer = open_writer(log_path)
    writer.append(3_000, history(3_001)[3_000:])
    found += reading
    assert found == records
    assert reader.size() == 3_001
    writer.close()
    assert list(reader.read(3_000)) == list(history(3_001)[3_000:])
    with pytest.raises(SinkUnavailable, match="reading only"):
        reader.append(3_001, history(3_002)[3_001:])


def test_a_writer_that_can_not_be_opened_leaves_the_reader_as_it_was(
    log_path: Path,
    make_log: Callable[[int], list[Record]],
    open_writer: Callable[..., Any],
    open_reader: Callable[..., Any],
    failing: Callable[..., Any],
) -> None:
    records = make_log(30)
    reader = open_reader(log_path)
    with (
        failing("open_for_writing", lmdb.Error("no")),
        pytest.raises(SinkUnavailable, match="no"),
    ):
        open_writer(log_path)
    assert list(reader.read()) == records
    assert reader._environment.file.opened.environment.flags()["readonly"]


def test_a_symbolic_link_leads_to_the_same_locks(
    log_path: Path, open_writer: Callable[..., Any], tmp_path: Path
) -> None:
    (tmp_path / "links").mkdir()
    link = tmp_path / "links" / "log"
    link.symlink_to(log_path)
    through = open_writer(link)  # which makes the log
    direct = open_writer(log_path)
    direct.append(0, history(1))
    with pytest.raises(SinkConflict):
        through.append(0, history(1))
    through.close()
    direct.close()
    assert [path.name for path in (tmp_path / "links").iterdir()] == ["log"]


def test_a_file_with_two_names_is_not_written_for_its_lock_files_would_differ(
    log_path: Path,
    make_log: Callable[[int], list[Record]],
    open_writer: Callable[..., Any],
    open_reader: Callable[..., Any],
) -> None:
    records = make_log(3)
    other = log_path.with_name("other")
    other.hardlink_to(log_path)
    for path in (log_path, other):
        with pytest.raises(SinkUnavailable, match="has 2 names"):
            open_writer(path)
    reader = open_reader(other)
    assert list(reader.read()) == records
    reader.close()
    other.unlink()
    assert open_writer(log_path).size() == 3


def test_threads_append_and_read_while_the_map_grows(
    log_path: Path, open_writer: Callable[..., Any], open_reader: Callable[..., Any]
) -> None:
    records = history(3_000)
    failures: list[BaseException] = []

    def append(sink: Any) -> None:
        try:
            while (size := sink.size()) < len(records):
                try:
                    sink.append(size, records[size : size + 30])
                except SinkConflict:
                    continue
        except BaseException as error:
            failures.append(error)

    def read(sink: Any) -> None:
        try:
            found = 0
            while found < len(records):
                some = list(sink.read(found, found + 500))
                assert tuple(some) == records[found : found + len(some)]
                found += len(some)
        except BaseException as error:
            failures.append(error)

    writers = [open_writer(log_path) for _ in range(2)]
    readers = [open_reader(log_path) for _ in range(2)]
    threads = [Thread(target=append, args=(sink,)) for sink in writers]
    threads += [Thread(target=read, args=(sink,)) for sink in readers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert tuple(readers[0].read()) == records


def test_a_lock_file_that_was_removed_is_made_again_before_the_next_transaction(
    log_path: Path,
    make_log: Callable[[int], list[Record]],
    open_writer: Callable[..., Any],
    child: Callable[..., Any],
) -> None:
    make_log(20)
    writer = open_writer(log_path)
    lock = log_path.with_name("log.mdb-lock")
    lock.unlink()
    script = """
sink = writer(sys.argv[1])
sink.append(20, history(22)[20:])
say(sink.size())
sys.stdin.readline()
sink.append(23, history(24)[23:])
"""
    other = child(script, log_path)  # with a lock file of its own making
    assert other.stdout.readline() == "22\n"
    with pytest.raises(SinkConflict):
        writer.append(20, history(22)[20:])
    assert writer._environment.file.opened.lock.inode == lock.stat().st_ino
    writer.append(22, history(23)[22:])
    _, errors = other.communicate("\n")
    assert errors == ""
    assert tuple(writer.read()) == history(24)


@pytest.mark.parametrize("how", ["removed", "replaced"])
def test_a_file_that_is_gone_stops_the_writer_and_is_unavailable_to_the_reader(
    how: str,
    log_path: Path,
    make_log: Callable[[int], list[Record]],
    open_writer: Callable[..., Any],
    open_reader: Callable[..., Any],
) -> None:
    make_log(20)
    writer, reader = open_writer(log_path), open_reader(log_path)
    moved = log_path.with_name("moved")
    if how == "replaced":
        copy = log_path.with_name("copy")
        copy.write_bytes(log_path.read_bytes())
        log_path.rename(moved)
        copy.rename(log_path)
    else:
        log_path.rename(moved)
    before = moved.read_bytes()
    with pytest.raises(SinkConflict, match=how):
        writer.append(20, history(21)[20:])
    with pytest.raises(SinkConflict, match=how):
        writer.put("name", b"data")
    for use in (writer.size, reader.size, lambda: list(reader.read())):
        with pytest.raises(SinkUnavailable, match=how):
            use()
    assert moved.read_bytes() == before
    if how == "replaced":
        with pytest.raises(SinkUnavailable, match=how):
            open_writer(log_path)
    moved.replace(log_path)
    writer.append(20, history(21)[20:])


def test_a_failed_opening_leaves_nothing_in_the_registry(
    log_path: Path, open_writer: Callable[..., Any]
) -> None:
    log_path.write_bytes(b"precious")
    for _ in range(2):
        with pytest.raises(SinkUnavailable):
            open_writer(log_path)
    assert str(log_path) not in [each.path for each in registry._registry.environments]
