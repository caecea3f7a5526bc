"""The moment at which one file takes the place of another, with other processes at work."""

from __future__ import annotations

import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from lmdb.verify import verify

from rynxs.api import Record, SinkUnavailable
from rynxs.testing.histories import history
from rynxs_sink_lmdb import medium

if TYPE_CHECKING:
    from collections.abc import Callable

RACED = 120
STEPS = (
    *("remove_file", "make_new_file", "open_for_rewriting", "put_many", "commit", "finish_file"),
    *("replace_file", "sync_directory"),
)

# Erases, and is killed before or after a step of it. Each is forked from the same process.
DIE_ERASING = """
from rynxs_sink_lmdb import medium

def dying(name, after):
    real = getattr(medium, name)
    def die(*arguments):
        if after:
            real(*arguments)
        os.kill(os.getpid(), signal.SIGKILL)
    return die

for line in sys.stdin:
    name, after, seq = line.split()
    pid = os.fork()
    if not pid:
        sink = writer(sys.argv[1])
        setattr(medium, name, dying(name, after == "after"))
        sink.erase((int(seq),))
        os._exit(0)
    say(os.waitpid(pid, 0)[1])
"""

APPEND_ONE_BY_ONE = """
sink = writer(sys.argv[1])
say("ready")
sys.stdin.readline()
for seq in range(int(sys.argv[2]), int(sys.argv[3])):
    sink.append(seq, history(seq + 1)[seq:])
    assert sink.size() == seq + 1
say("done")
"""

READ_ON = """
sink = reader(sys.argv[1])
say("ready")
size = 0
while size < int(sys.argv[2]):
    found = list(sink.read())
    assert len(found) >= size, (len(found), size)
    size = len(found)
    for record, wanted in zip(found, history(size)):
        assert record == wanted or record == (wanted.header, b"", None)
say("done")
"""


def _erased(record: Record) -> Record:
    return Record(record.header, b"", None)


def _waiting_for(path: Path) -> int:
    """Return how many wait for a lock on a file, as the kernel lists them (proc(5), locks)."""
    inode = f":{path.stat().st_ino}"
    lines = Path("/proc/locks").read_text().splitlines()
    return sum("->" in line and f"{inode} " in line for line in lines)


def test_no_append_of_another_process_is_lost_while_the_file_is_replaced_again_and_again(
    log_path: Path, open_writer: Callable[..., Any], child: Callable[..., Any]
) -> None:
    writer = open_writer(log_path)
    writer.append(0, history(20))
    appender = child(APPEND_ONE_BY_ONE, log_path, 20, RACED)
    reader = child(READ_ON, log_path, RACED)
    for process in (appender, reader):
        assert process.stdout.readline() == "ready\n"
    appender.stdin.write("\n")
    appender.stdin.flush()
    erased = 0
    while (size := writer.size()) < RACED:
        if erased < (size - 20) // 4:  # or else one after the other, which lets nobody else in
            writer.erase((erased,))
            erased += 1
    for process in (appender, reader):
        out, errors = process.communicate()
        assert errors == ""
        assert out == "done\n"
    assert erased > 3
    for seq, (record, wanted) in enumerate(zip(writer.read(), history(RACED), strict=True)):
        assert record in (wanted, _erased(wanted)), seq
    assert verify(str(log_path)) == []  # type: ignore[no-untyped-call]


@pytest.mark.skipif(not Path("/proc/locks").exists(), reason="needs /proc/locks")
def test_an_appender_that_waits_for_the_old_file_appends_to_the_new_one(
    log_path: Path,
    open_writer: Callable[..., Any],
    child: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    writer = open_writer(log_path)
    writer.append(0, history(20))
    appender = child(APPEND_ONE_BY_ONE, log_path, 20, 22)
    assert appender.stdout.readline() == "ready\n"
    real = medium.replace_file

    def replace_once_it_waits(path: str, by: str) -> None:
        appender.stdin.write("\n")
        appender.stdin.flush()
        while not _waiting_for(log_path):
            assert appender.poll() is None
            time.sleep(0.001)
        real(path, by)

    monkeypatch.setattr(medium, "replace_file", replace_once_it_waits)
    writer.erase((7,))
    out, errors = appender.communicate()
    assert errors == ""
    assert out == "done\n"
    wanted = list(history(22))
    wanted[7] = _erased(wanted[7])
    assert list(writer.read()) == wanted


def test_an_erasure_killed_at_any_step_leaves_the_old_file_or_the_new_one(
    log_path: Path, open_writer: Callable[..., Any], child: Callable[..., Any]
) -> None:
    """Beside a process that has the log open all the time, and goes on after each."""
    nursery = child(DIE_ERASING, log_path)
    witness = open_writer(log_path)
    witness.append(0, history(20))
    wanted, done = list(history(20)), 0
    for step in STEPS:
        for when in ("before", "after"):
            nursery.stdin.write(f"{step} {when} {done}\n")
            nursery.stdin.flush()
            assert int(nursery.stdout.readline()) == signal.SIGKILL, step
            replaced = step == "sync_directory" or (step, when) == ("replace_file", "after")
            gone = _erased(wanted[done])
            size = len(wanted)
            witness.append(size, history(size + 1)[size:])
            wanted.append(history(size + 1)[size])
            assert witness.get("none") is None
            if replaced:
                wanted[done] = gone
            assert list(witness.read()) == wanted, (step, when)
            assert verify(str(log_path)) == []  # type: ignore[no-untyped-call]
            witness.erase((done,))
            wanted[done] = gone
            assert list(witness.read()) == wanted, (step, when)
            done += 1
    names = {path.name for path in log_path.parent.iterdir()}
    assert names == {"log.mdb", "log.mdb-lock"}


def test_a_lock_file_that_was_removed_meanwhile_stops_the_erasure(
    log_path: Path,
    open_writer: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    writer = open_writer(log_path)
    writer.append(0, history(20))
    real = medium.finish_file

    def finish_and_unlock(*arguments: Any) -> None:
        real(*arguments)
        log_path.with_name("log.mdb-lock").unlink()

    with monkeypatch.context() as patch:
        patch.setattr(medium, "finish_file", finish_and_unlock)
        with pytest.raises(SinkUnavailable, match="lock file was replaced, erase once more"):
            writer.erase((3,))
    assert tuple(writer.read()) == history(20)
    writer.erase((3,))
    assert list(writer.read())[3] == _erased(history(4)[3])


def test_the_new_name_is_durable_before_anyone_appends_to_the_new_file(
    log_path: Path,
    open_writer: Callable[..., Any],
    open_reader: Callable[..., Any],
    failing: Callable[..., Any],
) -> None:
    writer, reader = open_writer(log_path), open_reader(log_path)
    writer.append(0, history(20))
    broken = OSError(5, "Input/output error")
    with failing("sync_directory", broken):
        with pytest.raises(SinkUnavailable, match="Input/output error"):
            writer.erase((3,))
        with pytest.raises(SinkUnavailable, match="Input/output error"):
            writer.append(20, history(21)[20:])
        with pytest.raises(SinkUnavailable, match="Input/output error"):
            open_writer(log_path)
    reader.close()
    writer.append(20, history(21)[20:])
    with failing("sync_directory", broken), pytest.raises(SinkUnavailable):
        writer.erase((3,))  # is done, and says so only once it is durable
    writer.erase((3,))
    assert list(writer.read())[3] == _erased(history(4)[3])
