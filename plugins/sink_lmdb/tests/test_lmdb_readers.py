"""Readers in other processes, the dead ones above all: each has a slot in the lock file."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING, Any

import lmdb
import pytest

from rynxs.api import Record, SinkUnavailable
from rynxs.testing.histories import history

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

DEAD = 12

# Each child dies while it reads, and leaves its slot taken and its pages held.
DIE_READING = """
sink = reader(sys.argv[1])
sink.close()

def die(snapshot):
    assert snapshot.txn.stat(snapshot.records)["entries"]
    os.kill(os.getpid(), signal.SIGKILL)

for line in sys.stdin:
    children = []
    for _ in range(int(line)):
        pid = os.fork()
        if not pid:
            reader(sys.argv[1])._environment.read(die)
        children.append(os.waitpid(pid, 0)[1])
    say(children.count(signal.SIGKILL))
"""


def _snapshots_held(writer: Any) -> int:
    slots = writer._environment.file.opened.environment.readers().splitlines()[1:]
    return sum(not slot.endswith(" -") for slot in slots)


def _let_die(process: Any, count: int) -> None:
    process.stdin.write(f"{count}\n")
    process.stdin.flush()
    assert int(process.stdout.readline()) == count


def test_a_slot_of_a_reader_that_died_is_freed_at_the_next_opening_by_anyone(
    log_path: Path, open_writer: Callable[..., Any], child: Callable[..., Any]
) -> None:
    writer = open_writer(log_path)
    writer.append(0, history(5))
    nursery = child(DIE_READING, log_path)
    _let_die(nursery, DEAD)
    assert _snapshots_held(writer) == 1  # the last one's: each frees those that died before it
    assert child("reader(sys.argv[1])", log_path).wait() == 0
    assert _snapshots_held(writer) == 0


def test_pages_that_a_dead_reader_holds_are_freed_before_the_map_grows(
    log_path: Path, open_writer: Callable[..., Any], child: Callable[..., Any]
) -> None:
    most = 2**20
    writer = open_writer(log_path, most)
    writer.append(0, history(5))
    nursery = child(DIE_READING, log_path)
    for _ in range(3):
        _let_die(nursery, 1)
        for _ in range(100):  # 1.2 MB, which fit only because the old ones are freed
            writer.put("name", b"x" * 12_000)
    assert log_path.stat().st_size <= most
    assert list(writer.read()) == list(history(5))


def test_a_writer_for_which_no_slot_is_free_finds_those_of_the_dead(
    log_path: Path,
    open_writer: Callable[..., Any],
    failing: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    writer = open_writer(log_path)
    writer.append(0, history(5))
    full = lmdb.ReadersFullError("mdb_txn_begin: MDB_READERS_FULL")
    with (
        failing("begin_reading", full),
        pytest.raises(SinkUnavailable, match="too many readers have the log open"),
    ):
        writer.size()
    freed = iter([1, 0])
    monkeypatch.setattr("rynxs_sink_lmdb.medium.reader_check", lambda _: next(freed))
    with failing("begin_reading", full), pytest.raises(SinkUnavailable, match="too many"):
        writer.size()
    assert next(freed, None) is None
    assert writer.size() == 5


def test_the_lock_file_has_room_for_a_thousand_readers(
    log_path: Path, open_writer: Callable[..., Any]
) -> None:
    writer = open_writer(log_path)
    assert writer._environment.file.opened.environment.max_readers() > 1_000


def test_a_writer_that_died_in_its_transaction_holds_nobody_up(
    log_path: Path,
    make_log: Callable[[int], list[Record]],
    open_writer: Callable[..., Any],
    child: Callable[..., Any],
) -> None:
    records = make_log(20)
    writer = open_writer(log_path)
    script = """
    sink = writer(sys.argv[1])

    def die(snapshot):
        snapshot.txn.put(b"\\0" * 7 + b"\\x14", b"half a batch", db=snapshot.records)
        os.kill(os.getpid(), signal.SIGKILL)

    sink._environment.write(die)
    """
    for _ in range(3):
        dead = child("if True:" + script, log_path)
        assert dead.wait() == -signal.SIGKILL
    writer.append(20, history(21)[20:])
    assert list(writer.read()) == [*records, *history(21)[20:]]
