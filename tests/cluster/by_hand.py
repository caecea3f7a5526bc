"""`python -m tests.cluster`, run as a developer does."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def by_hand(repository: Path, *options: str) -> Iterator[subprocess.Popen[str]]:
    """Run it in a process group of its own, as in a terminal; in the end it is killed.

    Args:
        repository: Where the project is.
        options: Of the command line.
    """
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.cluster", *options],
        cwd=repository,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
