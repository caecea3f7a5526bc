"""Run as a program: ``rynxs log verify`` on a log in so many processes, timed, its memory watched.

Prints seconds, and the MiB of all its processes at their peak: of each its own pages, and its share
of those that several have (PSS), summed up every 50 ms.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from time import perf_counter, sleep

_EVERY_S = 0.05
_PROGRAM = "import sys; from rynxs.cli.main import main; sys.argv[0] = 'rynxs'; main()"


def main() -> None:
    """Verify, watch and print."""
    directory, jobs = sys.argv[1:]
    arguments = ["log", "verify", "--log", f"file:{directory}", "--jobs", jobs]
    begin = perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-c", _PROGRAM, *arguments], stdout=subprocess.DEVNULL
    )
    peak = 0
    while process.poll() is None:
        peak = max(peak, sum(map(_pages_kib, _family(process.pid))))
        sleep(_EVERY_S)
    took = perf_counter() - begin
    if process.returncode:
        sys.exit(process.returncode)
    print(took, peak / 1024)


def _family(pid: int) -> list[int]:
    """Return a process and all that come from it."""
    children = []
    for listed in Path(f"/proc/{pid}/task").glob("*/children"):  # of each thread its own
        try:
            children += listed.read_text().split()
        except OSError:  # it has just ended
            continue
    return [pid, *(each for child in children for each in _family(int(child)))]


def _pages_kib(pid: int) -> int:
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:  # it has just ended
        return 0
    found = re.search(r"^Pss:\s+(\d+) kB$", text, re.MULTILINE)
    return int(found[1]) if found else 0


if __name__ == "__main__":
    main()
