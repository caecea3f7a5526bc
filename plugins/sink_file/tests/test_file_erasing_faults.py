"""Erasures that fail or are killed at any system call: the log is as before, or erased."""

from __future__ import annotations

import os
import shutil
import signal
from typing import TYPE_CHECKING, Any

import pytest

from rynxs.api import Record, SinkUnavailable
from rynxs.testing.histories import verified

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Log = tuple[Path, list[Record]]

CALLS = (
    *("open", "close", "pwrite", "pread", "fsync", "fchmod", "fstat", "ftruncate", "replace"),
    *("unlink", "stat"),
)
OCCURRENCES_MAX = 200
COUNTS = (3, 2)

# Kills itself at a use of a call, before or after it does its work; forked from one process.
DIE_ERASING = """
import os, signal, sys
from rynxs_sink_file.settings import FileSettings
from rynxs_sink_file.writer import FileWriter

def dying(name, after, uses):
    real = getattr(os, name)
    def die(*arguments, **options):
        nonlocal uses
        uses -= 1
        if not uses and after:
            real(*arguments, **options)
        if not uses:
            os.kill(os.getpid(), signal.SIGKILL)
        return real(*arguments, **options)
    return die

for line in sys.stdin:
    path, name, after, uses, *seqs = line.split()
    pid = os.fork()
    if not pid:
        writer = FileWriter(FileSettings.model_construct(path=path, segment_bytes=400), "doomed")
        setattr(os, name, dying(name, after == "after", int(uses)))
        writer.erase([int(seq) for seq in seqs])
        os._exit(0)
    os.write(1, b"%d\\n" % os.waitpid(pid, 0)[1])
"""


@pytest.fixture
def image(make_log: Callable[..., Log]) -> Log:
    """A log of two segments."""
    path, records = make_log(COUNTS, segment_bytes=400)
    assert len(list((path / "segments").glob("*.seg"))) == 2
    return path, records


def _either(found: list[Record], records: list[Record], seqs: tuple[int, ...]) -> None:
    assert len(found) == len(records)
    for seq, (record, wanted) in enumerate(zip(found, records, strict=True)):
        gone = Record(wanted.header, b"", None)
        assert record == wanted or (seq in seqs and record == gone), seq


def _erased(records: list[Record], seqs: tuple[int, ...]) -> list[Record]:
    return [
        Record(record.header, b"", None) if seq in seqs else record
        for seq, record in enumerate(records)
    ]


@pytest.mark.parametrize("always", [False, True], ids=["once", "from then on"])
@pytest.mark.parametrize("call", CALLS)
def test_an_erasure_during_which_a_call_fails_can_be_done_again(
    call: str,
    always: bool,
    image: Log,
    tmp_path: Path,
    faults: Callable[[], Any],
    open_writer: Callable[..., Any],
    open_reader: Callable[..., Any],
    chained: Callable[..., list[Record]],
) -> None:
    source, records = image
    seqs = (1, len(records) - 1)
    more = chained(records, 2)
    for occurrence in range(1, OCCURRENCES_MAX):
        path = tmp_path / f"{occurrence}"
        shutil.copytree(source, path)
        writer = open_writer(path, 400)
        done = False
        with faults() as injected:
            injected.fail(call, occurrence, "EIO", always=always)
            try:
                writer.erase(seqs)
                done = True
            except SinkUnavailable:
                pass
            used = injected.count
        for sink in (writer, open_reader(path)):
            found = list(sink.read())
            _either(found, records, seqs)
            assert not done or found == _erased(records, seqs)
        writer.append(len(records), more[:1])  # before it is done again
        crashed = tmp_path / f"{occurrence}-crashed"
        shutil.copytree(path, crashed)
        _either(list(open_writer(crashed, 400).read()), records + more[:1], seqs)
        writer.erase(seqs)
        writer.append(len(records) + 1, more[1:])
        assert list(writer.read()) == _erased(records + more, seqs)
        names = {each.name for each in (path / "segments").iterdir()}
        assert not [name for name in names if name.startswith(".")]
        writer.close()
        if used < occurrence:
            return
    pytest.fail(f"{call} was used over {OCCURRENCES_MAX} times")


def test_an_erasure_killed_at_any_step_leaves_each_segment_as_it_was_or_erased(
    image: Log,
    tmp_path: Path,
    child: Callable[..., Any],
    open_writer: Callable[..., Any],
    open_reader: Callable[..., Any],
) -> None:
    source, records = image
    seqs = (1, len(records) - 1)
    nursery = child(DIE_ERASING)
    killed = 0
    for call in ("pwrite", "fsync", "unlink", "replace"):
        for when in ("before", "after"):
            for use in range(1, OCCURRENCES_MAX):
                path = tmp_path / f"{call}-{when}-{use}"
                shutil.copytree(source, path)
                nursery.stdin.write(f"{path} {call} {when} {use} {seqs[0]} {seqs[1]}\n")
                nursery.stdin.flush()
                if int(nursery.stdout.readline()) != signal.SIGKILL:
                    break
                killed += 1
                _either(list(open_reader(path).read()), records, seqs)
                writer = open_writer(path, 400)
                assert len(verified(list(writer.read()))) == len(records)
                writer.erase(seqs)
                assert verified(list(writer.read())) == _erased(records, seqs)
                assert not list((path / "segments").glob(".*"))
                writer.close()
                shutil.rmtree(path)
    assert killed > 20


def test_the_name_of_the_new_segment_is_durable_before_anything_is_appended_to_it(
    tmp_path: Path,
    faults: Callable[[], Any],
    open_writer: Callable[..., Any],
    chained: Callable[..., list[Record]],
) -> None:
    writer = open_writer(tmp_path)
    records = chained([], 4)
    writer.append(0, records[:3])
    real, synced = os.fsync, 0

    def count_directories(descriptor: int) -> None:
        nonlocal synced
        real(descriptor)
        synced += os.path.samestat(os.fstat(descriptor), (tmp_path / "segments").stat())

    with faults() as injected:
        # The first is the new segment's, the second that of the directory without the index.
        injected.fail("fsync", 3, "EIO", always=True)
        with pytest.raises(SinkUnavailable):
            writer.erase((1,))
        with pytest.raises(SinkUnavailable):
            writer.append(3, records[3:])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", count_directories)
        writer.append(3, records[3:])
    assert synced == 1
    assert list(writer.read()) == _erased(records, (1,))
