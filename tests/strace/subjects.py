"""The sinks under strace, and the logs that they meet there."""

from __future__ import annotations

import os
import shutil
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from lmdb.verify import verify

from rynxs.sources import fixed_sources
from rynxs.testing.histories import history
from rynxs.testing.hooks import declared
from tests.strace.workload import GOING_ON, MAKING, READING, SIZE_BEFORE, Session, State, states

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from rynxs.api import Sink
    from tests.strace.workload import Step

TORN_BYTES = 10
INDEX_SIZE = 2 * 16


class Situation(NamedTuple):
    """A log as a process meets it, and what the process does.

    Attributes:
        name: of the situation.
        image: directory that holds the log.
        steps: what the process does.
        states: what the log holds before the first step, and is to hold after each.
        writes: whether it opens the log for writing.
        incidents: how many ends of the log will have been set aside once it was opened for writing.
    """

    name: str
    image: Path
    steps: Sequence[Step]
    states: Sequence[State]
    writes: bool = True
    incidents: int = 0


class Subject(NamedTuple):
    """A sink that keeps a log below a directory.

    Attributes:
        name: of the sink.
        settings: raw settings of a log in a directory.
        leave: makes, in a directory, a log as a process that was killed may leave it, with
            `SIZE_BEFORE` records and an object; returns how many incidents will be told of it.
        leftovers: what is wrong in a directory after an erasure and an orderly close.
        caches: endings of files that may be missing, and whose errors are nobody's.
    """

    name: str
    settings: Callable[[Path], Mapping[str, Any]]
    leave: Callable[[Subject, Path], int]
    leftovers: Callable[[Path], Sequence[str]]
    caches: tuple[str, ...] = ()

    def writer(self, directory: Path, **more: Any) -> Sink:
        """Open the log in a directory for writing; `more` are settings."""
        plugin = self._plugin()
        settings = plugin.settings.model_validate({**self.settings(directory), **more})
        sink: Sink = plugin.open_writer(settings, fixed_sources(0))
        return sink

    def reader(self, directory: Path) -> Sink:
        """Open the log in a directory for reading."""
        plugin = self._plugin()
        sink: Sink = plugin.open_reader(plugin.settings.model_validate(self.settings(directory)))
        return sink

    def situations(self, workshop: Path) -> Sequence[Situation]:
        """Make the logs in a directory that is there."""
        new, left, made = (workshop / name for name in ("new", "left", "made"))
        for each in (new, left, made):
            each.mkdir()
        incidents = self.leave(self, left)
        # In this process, which has then imported all that those need which are forked from it.
        for opener, steps in ((self.writer, MAKING), (self.reader, READING)):
            session = Session(partial(opener, made), "maker")
            for step in steps:
                step(session)
        there = self._state(made)
        return (
            Situation("new", new, MAKING, states(MAKING, State())),
            Situation(
                "left", left, GOING_ON, states(GOING_ON, self._state(left)), incidents=incidents
            ),
            Situation("read", made, READING, [there] * (len(READING) + 1), writes=False),
        )

    def _state(self, image: Path) -> State:
        """Return what is in a log, by a copy of it."""
        copy = image.with_name("copy")
        shutil.copytree(image, copy)
        sink = self.writer(copy)
        state = State.of(sink)
        sink.close()
        shutil.rmtree(copy)
        return state

    def _plugin(self) -> Any:
        return declared(f"rynxs_sink_{self.name}.plugin", "sink")


def _fill(sink: Sink) -> None:
    records = history(SIZE_BEFORE, "before")
    for start, stop in ((0, SIZE_BEFORE // 2), (SIZE_BEFORE // 2, SIZE_BEFORE)):
        sink.append(start, records[start:stop])
    sink.put("name", b"one")


def _file_settings(directory: Path) -> Mapping[str, Any]:
    return {"path": str(directory / "log"), "segmentBytes": 4096}


def _leave_files(subject: Subject, directory: Path) -> int:
    """Leave a full segment, a torn batch at its end, its index, and what erasing had begun.

    The index has an entry for the torn batch, as when that was lost after it was flushed.
    """
    crashing = directory.with_name("crashing")
    crashing.mkdir()
    sink = subject.writer(crashing, segmentBytes=2**20)
    _fill(sink)
    more = history(SIZE_BEFORE + 2, "before")[SIZE_BEFORE:]
    sink.append(SIZE_BEFORE, more)
    shutil.copytree(crashing / "log", directory / "log")
    sink.close()
    (segment,) = (directory / "log" / "segments").glob("*.seg")
    assert segment.with_suffix(".idx").stat().st_size == INDEX_SIZE
    os.truncate(segment, segment.stat().st_size - TORN_BYTES)
    segment.with_name(f".{segment.name}.tmp").write_bytes(b"half a segment")
    return 1


def _temporary_files(directory: Path) -> Sequence[str]:
    return [f"{path} is left" for path in directory.rglob(".*.tmp")]


def _lmdb_settings(directory: Path) -> Mapping[str, Any]:
    return {"path": str(directory / "log.mdb")}


def _leave_lmdb(subject: Subject, directory: Path) -> int:
    """Leave a file without its lock file, and what erasing had begun."""
    sink = subject.writer(directory)
    _fill(sink)
    sink.close()
    (directory / "log.mdb-lock").unlink()
    (directory / "log.mdb-rewrite").write_bytes(b"half a file")
    return 0


def _lmdb_leftovers(directory: Path) -> Sequence[str]:
    wrong: list[str] = verify(str(directory / "log.mdb"))  # type: ignore[no-untyped-call]
    return [*wrong, *(f"{path} is left" for path in directory.glob("*-rewrite"))]


SUBJECTS = (
    Subject("file", _file_settings, _leave_files, _temporary_files, (".idx",)),
    Subject("lmdb", _lmdb_settings, _leave_lmdb, _lmdb_leftovers),
)
