"""What the LMDB sink's tests share: the ways to open a log, beneath it, and in other processes."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import ExitStack, closing, contextmanager, suppress
from typing import TYPE_CHECKING, Any

import lmdb
import pytest

from rynxs.api import Record, RynxsError
from rynxs.eventlog.audit import Audit
from rynxs.testing.histories import history
from rynxs_sink_lmdb import medium
from rynxs_sink_lmdb.reader import LmdbReader
from rynxs_sink_lmdb.settings import LmdbSettings
from rynxs_sink_lmdb.writer import LmdbWriter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from rynxs.api import Sink

PRELUDE = """
import os, signal, sys, time
from rynxs.errors import RynxsError, SinkConflict, SinkCorrupt, SinkUnavailable
from rynxs.testing.histories import history
from rynxs_sink_lmdb.reader import LmdbReader
from rynxs_sink_lmdb.settings import LmdbSettings
from rynxs_sink_lmdb.writer import LmdbWriter

def say(what):  # in one system call, which no kill cuts in two
    os.write(1, f"{what}\\n".encode())

def writer(path):
    return LmdbWriter(LmdbSettings.model_validate({"path": path}))

def reader(path):
    return LmdbReader(LmdbSettings.model_validate({"path": path}))
"""


@pytest.fixture
def log_path(tmp_path: Path) -> Path:
    """Where the log of a test is."""
    return tmp_path / "log.mdb"


@pytest.fixture
def open_writer() -> Iterator[Callable[..., LmdbWriter]]:
    """Open a log for writing; what the test leaves open is closed after it."""
    with ExitStack() as stack:

        def opener(path: Path, map_bytes_max: int = 2**30) -> LmdbWriter:
            raw = {"path": str(path), "mapBytesMax": map_bytes_max}
            writer = LmdbWriter(LmdbSettings.model_validate(raw))
            stack.callback(_close, writer)
            return writer

        yield opener


@pytest.fixture
def open_reader() -> Iterator[Callable[[Path], LmdbReader]]:
    """Open a log for reading; what the test leaves open is closed after it."""
    with ExitStack() as stack:

        def opener(path: Path) -> LmdbReader:
            reader = LmdbReader(LmdbSettings.model_validate({"path": str(path)}))
            stack.callback(_close, reader)
            return reader

        yield opener


def _close(sink: Sink) -> None:
    with suppress(RynxsError):
        sink.close()


@pytest.fixture
def make_log(log_path: Path, open_writer: Callable[..., Any]) -> Callable[[int], list[Record]]:
    """Make a log of some records, in batches of ten, and close it."""

    def maker(count: int) -> list[Record]:
        records = list(history(count))
        writer = open_writer(log_path)
        for start in range(0, count, 10):
            writer.append(start, records[start : start + 10])
        writer.close()
        return records

    return maker


@pytest.fixture
def audit() -> Callable[[Sink], list[Record]]:
    """Verify a whole log, and return the records."""
    return lambda sink: [record for batch in Audit(sink, []).batches() for record in batch]


@pytest.fixture
def beneath(log_path: Path) -> Callable[..., Any]:
    """Change what LMDB holds behind the sink's back: a transaction and the two databases."""

    @contextmanager
    def changing() -> Iterator[tuple[Any, Any, Any]]:
        with (
            closing(lmdb.open(str(log_path), subdir=False, max_dbs=2, map_size=2**26)) as file,
            file.begin(write=True) as txn,
        ):
            yield txn, file.open_db(b"records", txn=txn), file.open_db(b"objects", txn=txn)

    return changing


@pytest.fixture
def files() -> Callable[[Path], dict[str, bytes]]:
    """Return the content of every file below a directory."""
    return lambda root: {
        str(path.relative_to(root)): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }


@pytest.fixture
def child() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Start a Python script in another process; one that outlives the test is killed."""
    with ExitStack() as stack:

        def start(script: str, *args: object) -> subprocess.Popen[str]:
            process = subprocess.Popen(
                [sys.executable, "-c", PRELUDE + script, *map(str, args)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            stack.callback(_finish, process)
            return process

        yield start


def _finish(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.communicate()


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Let a call of the medium raise, within a context, after `works` uses."""

    @contextmanager
    def fail(name: str, error: Exception, *, works: int = 0, after: bool = False) -> Iterator[None]:
        real = getattr(medium, name)
        uses = 0

        def call(*args: Any) -> Any:
            nonlocal uses
            uses += 1
            result = real(*args) if uses <= works or after else None
            if uses <= works:
                return result
            raise error

        with monkeypatch.context() as patch:
            patch.setattr(medium, name, call)
            yield
        assert uses > works

    return fail


@pytest.fixture
def errno_error() -> Callable[[type[lmdb.Error], int], lmdb.Error]:
    """Make an error as LMDB's binding raises it for an error of the system."""

    def make(kind: type[lmdb.Error], number: int) -> lmdb.Error:
        error = kind(f"mdb_txn_commit: {os.strerror(number)}")
        error.code = number  # type: ignore[misc]
        return error

    return make
