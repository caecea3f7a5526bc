"""Writing a report where it was asked for: whole or not at all."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from rynxs.errors import OutputError

_BEGINNING = 14
"""Characters of a report that tell its form: of HTML, JSON with its format, or Markdown."""


def check_replaceable(path: Path, text: str) -> None:
    """Refuse to put a report in the place of anything but an earlier report of the same form.

    Raises:
        OutputError: another file stands there, or what is no regular file.
    """
    begin = text[:_BEGINNING].encode()
    try:
        if not path.exists():
            return
        if not path.is_file():
            raise OutputError(f"{path}: is no regular file; expected is the name of a report")
        with path.open("rb") as file:
            found = file.read(len(begin))
    except OSError as error:
        raise OutputError(f"{path}: {error.strerror}") from None
    if found and found != begin:
        raise OutputError(f"{path}: is no such report, and is not overwritten; remove it first")


def write_whole(path: Path, text: str) -> None:
    """Write a file, or replace a report; a reader sees the old one or the new one, whole.

    Raises:
        OutputError: it can't be written, or is another file; what stood there still does.
    """
    check_replaceable(path, text)
    replace_whole(path, text)


def replace_whole(path: Path, text: str) -> None:
    """Write a file, whatever it was; a reader sees the old one or the new one, whole.

    A process that is killed meanwhile may leave a file ``.NAME.*.tmp`` beside it.

    Raises:
        OutputError: it can't be written; what stood there still does.
    """
    temporary: str | None = None
    try:
        with tempfile.NamedTemporaryFile(
            "wb", dir=path.parent, prefix=f".{path.name[:100]}.", suffix=".tmp", delete=False
        ) as file:
            temporary = file.name
            file.write(text.encode())
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).chmod(_mode(path))
        Path(temporary).replace(path)
    except OSError as error:
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)
        raise OutputError(f"{path}: {error.strerror}") from None


def _mode(path: Path) -> int:
    """Return the mode of the file that is replaced, or what the process gives a new one."""
    try:
        return path.stat().st_mode & 0o777
    except FileNotFoundError:
        mask = os.umask(0)
        os.umask(mask)
        return 0o666 & ~mask
