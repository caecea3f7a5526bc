"""What the file sink's tests share: logs of real chained records, and the ways to open them."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
from contextlib import ExitStack, suppress
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import pytest

from rynxs.api import Record, RynxsError
from rynxs.eventlog import checkpoint
from rynxs.eventlog.audit import Audit
from rynxs.eventlog.canonical import encode
from rynxs.eventlog.log import Entry, Log
from rynxs.testing import MemorySink
from rynxs_sink_file.reader import FileReader
from rynxs_sink_file.settings import FileSettings
from rynxs_sink_file.writer import FileWriter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from rynxs.api import Sink

SEGMENT_BYTES = 4096
ORIGIN = "test.example/log"


class Key:
    """A signature scheme for tests: a checksum that a flipped bit breaks."""

    name = "test"
    key_id = b"test"

    def sign(self, message: bytes) -> bytes:
        return sha256(b"a secret of this test" + message).digest()

    def verify(self, message: bytes, signature: bytes) -> bool:
        return signature == self.sign(message)


def _entries(start: int, count: int, size: int) -> list[Entry]:
    return [
        Entry(
            kind="AgentObserved",
            subject=f"universe.ai/Agent/default/a{seq}",
            payload=encode({"seq": seq, "text": "x" * size, **({} if seq else {"origin": ORIGIN})}),
            epoch=1,
            time_us=1_000_000 + seq,
            cause=seq - 1 if seq else None,
            salt=sha256(b"%d" % seq).digest()[:16] if seq % 3 == 2 else b"",
        )
        for seq in range(start, start + count)
    ]


@pytest.fixture
def open_writer() -> Iterator[Callable[..., FileWriter]]:
    """Open a log for writing; what the test leaves open is closed after it."""
    with ExitStack() as stack:

        def opener(path: Path, segment_bytes: int = SEGMENT_BYTES) -> FileWriter:
            # Unchecked, for some tests want smaller segments than the settings allow.
            settings = FileSettings.model_construct(path=str(path), segment_bytes=segment_bytes)
            writer = FileWriter(settings, "tester@here")
            stack.callback(_close, writer)
            return writer

        yield opener


def _close(sink: Sink) -> None:
    with suppress(RynxsError):
        sink.close()


@pytest.fixture
def open_reader() -> Callable[[Path], FileReader]:
    """Open a log for reading."""
    return lambda path: FileReader(FileSettings.model_validate({"path": str(path)}))


@pytest.fixture
def extend() -> Callable[..., list[Record]]:
    """Append one batch for each count, properly chained, and return all records of the log."""

    def extender(sink: Sink, counts: Sequence[int], size: int = 20) -> list[Record]:
        log = Log.open(sink)
        for count in counts:
            log.append(_entries(log.size, count, size))
        return list(sink.read())

    return extender


@pytest.fixture
def chained() -> Callable[..., list[Record]]:
    """Return properly chained records that belong at `start`, after the records given."""

    def chain(before: Sequence[Record], count: int, size: int = 20) -> list[Record]:
        memory = MemorySink()
        memory.records = [*before]
        log = Log.open(memory)
        log.append(_entries(log.size, count, size))
        return memory.records[len(before) :]

    return chain


@pytest.fixture
def make_log(
    tmp_path: Path, open_writer: Callable[..., FileWriter], extend: Callable[..., list[Record]]
) -> Callable[..., tuple[Path, list[Record]]]:
    """Make a log of the given batches; a crashed one has no mark of an orderly close."""

    def maker(
        counts: Sequence[int],
        *,
        crashed: bool = False,
        size: int = 20,
        segment_bytes: int = SEGMENT_BYTES,
    ) -> tuple[Path, list[Record]]:
        path = tmp_path / "log"
        writer = open_writer(path, segment_bytes)
        records = extend(writer, counts, size)
        if crashed:
            image = tmp_path / "crashed"
            shutil.copytree(path, image)
            path = image
        writer.close()
        return path, records

    return maker


@pytest.fixture
def key() -> Key:
    """The key of `store_checkpoint`."""
    return Key()


@pytest.fixture
def store_checkpoint(key: Key) -> Callable[[Sink], None]:
    """Store a signed checkpoint of all records of a log."""

    def store(sink: Sink) -> None:
        body = Log.open(sink).checkpoint(ORIGIN)
        checkpoint.store(sink, body, checkpoint.sign(body, [key]))

    return store


@pytest.fixture
def audit(key: Key) -> Callable[[Sink], list[Record]]:
    """Verify a whole log, every record and every checkpoint, and return the records."""

    def auditor(sink: Sink) -> list[Record]:
        keys = [key] if sink.list("checkpoint") else []  # a key wants something that it signed
        return [record for batch in Audit(sink, keys).batches() for record in batch]

    return auditor


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
            command = [sys.executable, "-c", script, *map(str, args)]
            process = subprocess.Popen(
                command,
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


class Faults:
    """Makes the n-th use of a call fail, or every use from the n-th on."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._patch = monkeypatch
        self.count = 0

    def fail(self, call: str, occurrence: int, error: str, *, always: bool = False) -> None:
        real = getattr(os, call)
        self.count = 0

        def failing(*args: Any, **options: Any) -> Any:
            self.count += 1
            if self.count == occurrence or (always and self.count > occurrence):
                if call == "close":
                    real(*args)  # Linux releases the descriptor even when it reports an error
                number = getattr(errno, error)
                raise OSError(number, os.strerror(number))
            return real(*args, **options)

        self._patch.setattr(os, call, failing)

    def write_short(self, most: int) -> None:
        real = os.pwrite
        self._patch.setattr(os, "pwrite", lambda fd, data, at: real(fd, data[:most], at))


@pytest.fixture
def faults() -> Iterator[Callable[[], Any]]:
    """Return a context within which calls can be made to fail."""
    outer = pytest.MonkeyPatch()

    class Context:
        def __enter__(self) -> Faults:
            return Faults(outer)

        def __exit__(self, *_: object) -> None:
            outer.undo()

    yield Context
    outer.undo()
