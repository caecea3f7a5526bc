"""The row of the command's start-up."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from benchmarks.measure import seconds
from benchmarks.result import Row, below, bound, spread

_BOUND_S = 0.3


def start(rounds: int) -> Row:
    """Run ``rynxs --help`` as a process of its own."""
    command = [str(Path(sys.executable).with_name("rynxs")), "--help"]

    def run() -> None:
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)

    run()
    figures = spread([seconds(run) for _ in range(rounds)])
    return Row("rynxs --help, start to exit", "s", figures, bound(_BOUND_S), below(_BOUND_S, "s"))
