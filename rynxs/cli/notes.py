"""Files and objects that hold a checkpoint or a proof, as commands take and make them."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from rynxs.eventlog.sink import Sink


def read_file(file: Path, size_max: int) -> bytes:
    """Return a file's bytes, `size_max` and one more at most; ``-`` is standard input.

    Raises:
        UsageError: it can't be read.
    """
    from rynxs.errors import UsageError

    if str(file) == "-":
        return sys.stdin.buffer.read(size_max + 1)
    try:
        with file.open("rb") as opened:
            return opened.read(size_max + 1)
    except OSError as error:
        raise UsageError(f"{file}: {error.strerror}") from None


def read_note(file: Path) -> bytes:
    """Return the bytes of a file that is to hold a checkpoint.

    Raises:
        UsageError: it can't be read.
    """
    from rynxs.eventlog.note import NOTE_SIZE_MAX

    return read_file(file, NOTE_SIZE_MAX)


def stored_note(sink: Sink) -> bytes:
    """Return the newest checkpoint that a log holds.

    Raises:
        UsageError: it holds none.
    """
    from rynxs.errors import UsageError
    from rynxs.eventlog.checkpoint import LATEST

    stored = sink.get(LATEST)
    if stored is None:
        raise UsageError("no checkpoint is stored in this log; sign one: rynxs checkpoint create")
    return stored.data


def write_proof(data: bytes, out: Path | None) -> None:
    """Write a proof to a new file, if there is one to be written.

    Raises:
        OutputError: the file exists, or can't be written.
    """
    from rynxs.errors import OutputError

    if out is None:
        return
    try:
        with out.open("xb") as opened:
            opened.write(data)
    except FileExistsError:
        raise OutputError(f"--out: {out} exists already, and is not overwritten") from None
    except OSError as error:
        raise OutputError(f"--out: {out}: {error.strerror}") from None
