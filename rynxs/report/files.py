"""Writing a report where it was asked for: whole or not at all."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from rynxs.errors import OutputError


def write_whole(path: Path, text: str) -> None:
    """Write a file, or replace it; a reader sees the old one or the new one, whole.

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
