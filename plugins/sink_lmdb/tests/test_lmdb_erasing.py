"""Erasing: the file is written anew, and whoever has the old one open goes on in the new one."""

from __future__ import annotations

import os
import random
import stat
from typing import TYPE_CHECKING, Any

import lmdb
import pytest
from lmdb.verify import verify

from rynxs.api import Record, SinkConflict, SinkCorrupt, SinkUnavailable
from rynxs.testing.histories import history
from rynxs_sink_lmdb import rewriting

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence
    from pathlib import Path

PIECE = 16


def _erased(records: Sequence[Record], seqs: Collection[int]) -> list[Record]:
    return [
        Record(record.header, b"", None) if seq in seqs else record
        for seq, record in enumerate(records)
    ]


def _traces(*secrets: bytes) -> Iterator[bytes]:
    for secret in secrets:
        yield from (secret[place : place + PIECE] for place in range(0, len(secret), PIECE))


def _assert_gone(root: Path, traces: Sequence[bytes]) -> None:
    for path in root.rglob("*"):
        content = path.read_bytes()
        left = sum(trace in content for trace in traces)
        assert not left, f"{left} of {len(traces)} pieces are in {path.name}"


def _present(root: Path, traces: Sequence[bytes]) -> int:
    content = b"".join(path.read_bytes() for path in root.rglob("*"))
    return sum(trace in content for trace in traces)


def test_no_piece_of_an_erased_payload_stays_in_any_page(
    log_path: Path, open_writer: Callable[..., Any]
) -> None:
    """LMDB leaves it in free pages, in the unused rest of others, and in memory it uses again."""
    dice = random.Random(5)
    secrets = {seq: dice.randbytes(size) for seq, size in enumerate((90, 1_900, 3_990, 50_000))}
    salts = {seq: dice.randbytes(16) for seq in secrets}
    writer = open_writer(log_path)
    position = 0
    for seq, secret in secrets.items():
        others = [Record(b"header", b"", b"x" * size) for size in (30, 2_100, 3_000, 9_000)]
        writer.append(position, [Record(b"header", salts[seq], secret), *others])
        writer.put("name", secret + b"%d" % seq)
        position += 5
    writer.put("name", b"other")
    traces = list(_traces(*(secret[: len(secret) // PIECE * PIECE] for secret in secrets.values())))
    traces += salts.values()
    assert _present(log_path.parent, traces) > len(traces) / 2
    writer.erase(range(0, position, 5))
    writer.append(position, [Record(b"header", b"", b"y" * 2_500)])
    _assert_gone(log_path.parent, traces)
    assert verify(str(log_path)) == []  # type: ignore[no-untyped-call]
    assert [seq for seq, record in enumerate(writer.read()) if record.payload is None] == [
        *range(0, position, 5)
    ]


def test_what_a_deleted_object_held_goes_with_the_next_erasure(
    log_path: Path, open_writer: Callable[..., Any], files: Callable[[Path], dict[str, bytes]]
) -> None:
    traces = list(_traces(random.Random(6).randbytes(PIECE * 1_000)))
    writer = open_writer(log_path)
    writer.append(0, history(3))
    writer.put("snapshot", b"".join(traces))
    writer.put("stays", b"data")
    writer.delete("snapshot")
    assert writer.list() == ["stays"]
    writer.erase(())
    _assert_gone(log_path.parent, traces)
    assert writer.get("stays").data == b"data"
    assert tuple(writer.read()) == history(3)
    before = files(log_path.parent)
    writer.delete("snapshot")
    writer.erase(())
    assert files(log_path.parent) == before


@pytest.mark.parametrize("chunk", [1, 7, 10_000])
def test_a_log_of_any_number_of_transactions_goes_on_with_the_next_one(
    chunk: int,
    log_path: Path,
    open_writer: Callable[..., Any],
    child: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Another process has it open all the time, so that the lock file keeps their number."""
    monkeypatch.setattr(rewriting, "_CHUNK_RECORDS", chunk)
    script = """
sink = writer(sys.argv[1])
say("ready")
for line in sys.stdin:
    size = sink.size()
    sink.append(size, history(60)[size:size + 2])
    say(sum(record.payload is None for record in sink.read()))
"""
    writer = open_writer(log_path)
    writer.append(0, history(3))
    other = child(script, log_path)
    assert other.stdout.readline() == "ready\n"
    erased: list[int] = []
    for turn in range(10):
        erased.append(writer.size() - 1 - turn % 2)
        writer.erase(erased)
        if turn % 3:
            size = writer.size()
            writer.append(size, history(60)[size : size + 3])
        other.stdin.write("\n")
        other.stdin.flush()
        assert int(other.stdout.readline()) == len(set(erased))
        assert verify(str(log_path)) == []  # type: ignore[no-untyped-call]
    assert list(writer.read()) == _erased(history(writer.size()), erased)


def test_a_file_that_lmdb_copied_is_written_anew(
    log_path: Path, make_log: Callable[[int], list[Record]], open_writer: Callable[..., Any]
) -> None:
    """It begins with transaction 1, and holds the records already."""
    records = make_log(50)
    copy = log_path.with_name("copy")
    with (
        lmdb.open(str(log_path), subdir=False, readonly=True) as environment,
        copy.open("wb") as file,
    ):
        environment.copyfd(file.fileno(), compact=True)
    writer = open_writer(copy)
    writer.erase((3,))
    writer.append(50, history(51)[50:])
    assert list(writer.read()) == _erased([*records, *history(51)[50:]], (3,))
    assert verify(str(copy)) == []  # type: ignore[no-untyped-call]


def test_all_sinks_of_a_process_go_on_in_the_new_file(
    log_path: Path,
    make_log: Callable[[int], list[Record]],
    open_writer: Callable[..., Any],
    open_reader: Callable[..., Any],
) -> None:
    records = make_log(3_000)
    writer, other, reader = open_writer(log_path), open_writer(log_path), open_reader(log_path)
    reading = reader.read()
    found = [next(reading)]
    writer.erase((5, 2_900))
    found += reading
    assert found == _erased(records, (2_900,))  # 5 was fetched before
    other.append(3_000, history(3_001)[3_000:])
    late = open_reader(log_path)
    for sink in (writer, other, reader, late):
        assert list(sink.read()) == _erased(history(3_001), (5, 2_900))


def test_a_snapshot_of_another_process_is_not_disturbed_and_the_next_one_is_new(
    log_path: Path, open_writer: Callable[..., Any], child: Callable[..., Any]
) -> None:
    script = """
sink = reader(sys.argv[1])

def hold(snapshot):
    say("holding")
    sys.stdin.readline()
    values = list(snapshot.txn.cursor(snapshot.records))
    return sum(b"x" * 300 in value for _, value in values)

say(sink._environment.read(hold))
say([seq for seq, record in enumerate(sink.read()) if record.payload is None])
"""
    writer = open_writer(log_path)
    writer.append(0, history(40))
    holder = child(script, log_path)
    assert holder.stdout.readline() == "holding\n"
    writer.erase(range(1, 40, 3))
    for start in range(40, 400, 20):
        writer.append(start, history(400)[start : start + 20])
    out, errors = holder.communicate("\n")
    assert errors == ""
    whole, erased = out.splitlines()
    assert int(whole) == sum(b"x" * 300 in record.payload for record in history(40))  # type: ignore[operator]
    assert erased == str([*range(1, 40, 3)])


def test_the_new_file_can_be_used_by_those_who_could_use_the_old_one(
    log_path: Path, make_log: Callable[[int], list[Record]], open_writer: Callable[..., Any]
) -> None:
    make_log(3)
    log_path.chmod(0o640)
    if not os.geteuid():
        os.chown(log_path, 12_345, 23_456)
    before = log_path.stat()
    open_writer(log_path).erase((1,))
    after = log_path.stat()
    assert after.st_ino != before.st_ino
    assert stat.S_IMODE(after.st_mode) == 0o640
    assert (after.st_uid, after.st_gid) == (before.st_uid, before.st_gid)
    assert {path.name for path in log_path.parent.iterdir()} == {"log.mdb", "log.mdb-lock"}


def test_what_a_killed_erasure_left_is_removed_at_the_next_opening_for_writing(
    log_path: Path,
    make_log: Callable[[int], list[Record]],
    open_writer: Callable[..., Any],
    open_reader: Callable[..., Any],
) -> None:
    make_log(3)
    left = log_path.with_name("log.mdb-rewrite")
    left.write_bytes(b"half a file")
    open_reader(log_path).close()
    assert left.exists()
    writer = open_writer(log_path)
    assert not left.exists()
    left.write_bytes(b"half a file")
    writer.erase((1,))
    assert not left.exists()


def test_a_file_with_another_name_is_not_written_anew_for_that_would_keep_the_payload(
    log_path: Path, make_log: Callable[[int], list[Record]], open_writer: Callable[..., Any]
) -> None:
    records = make_log(3)
    writer = open_writer(log_path)
    log_path.with_name("other").hardlink_to(log_path)
    with pytest.raises(SinkUnavailable, match="has 2 names"):
        writer.erase((1,))
    assert list(writer.read()) == records
    log_path.with_name("other").unlink()
    writer.erase((1,))
    assert list(writer.read()) == _erased(records, (1,))


def test_an_older_state_put_in_the_place_of_the_file_is_not_taken_for_its_successor(
    log_path: Path,
    make_log: Callable[[int], list[Record]],
    open_writer: Callable[..., Any],
    open_reader: Callable[..., Any],
) -> None:
    make_log(20)
    states = []
    for seq in range(3):
        states.append(log_path.read_bytes())
        writer = open_writer(log_path)
        writer.erase((seq,))
        writer.close()
    writer, reader = open_writer(log_path), open_reader(log_path)
    states.append(log_path.read_bytes())
    for state in states:
        old = log_path.with_name("old")
        old.write_bytes(state)
        old.replace(log_path)
        with pytest.raises(SinkUnavailable, match="replaced by another file"):
            reader.size()
        with pytest.raises(SinkConflict, match="replaced by another file"):
            writer.append(20, history(21)[20:])
        with pytest.raises(SinkConflict, match="replaced by another file"):
            writer.erase((1,))
        assert log_path.read_bytes() == state


def test_a_damaged_record_is_not_erased_and_the_file_is_left_alone(
    log_path: Path,
    make_log: Callable[[int], list[Record]],
    open_writer: Callable[..., Any],
    beneath: Callable[..., Any],
) -> None:
    make_log(20)
    with beneath() as (txn, database, _):
        txn.put(bytes(7) + b"\x05", b"garbled value", db=database)
    writer = open_writer(log_path)
    before = log_path.read_bytes()
    for seqs in ((5,), (1, 5)):
        with pytest.raises(SinkCorrupt) as caught:
            writer.erase(seqs)
        assert caught.value.seq == 5
    assert log_path.read_bytes() == before
    writer.erase((1,))  # and the damage stays to be seen
    with pytest.raises(SinkCorrupt, match="record 5"):
        list(writer.read())
