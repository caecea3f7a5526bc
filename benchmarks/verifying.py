"""Rows of verification: its speed, and its memory."""

from __future__ import annotations

import subprocess
import sys
from itertools import islice
from pathlib import Path

from benchmarks import bare
from benchmarks.measure import alternate, rate
from benchmarks.result import Row, at_least, at_most, bound, stretch
from benchmarks.workload import file_log
from rynxs.eventlog.chain import Chain
from rynxs.eventlog.log import batched

_MIB = 1024 * 1024


def speed(directory: Path, size: int, chunk: int) -> list[Row]:
    """Verify a log through the reader, chunk by chunk, and do the bare work on the same records.

    The bare loop reads them from a plain file: unlike ours it checks no checksum, link or name, and
    decodes no table of sizes. Both files are in the page cache.
    """
    sink = file_log(directory).open_reader()
    chain = Chain()
    batches = batched(sink.read())
    source = sink.read()

    def verify() -> bytes:
        wanted = chain.size + chunk
        while chain.size < wanted:
            chain.verify(next(batches))
        return chain.frontier.root()

    def limit() -> float:
        plain = bare.PlainFile(directory.with_name("plain"), list(islice(source, chunk)))
        return rate(chunk, lambda: bare.verify(plain.read()))

    pair = alternate(size // chunk, lambda: rate(chunk, verify), limit)
    name = f"full verify of {size:,} records through the reader; limit: bare loop over a plain file"
    goal = 250_000.0
    return [
        Row(name, "records/s", pair.ours, pair.limit, at_least(0.7)),
        Row(
            "full verify, to the stretch goal on one core",
            "records/s",
            pair.ours,
            bound(goal),
            stretch(goal, "/s"),
        ),
    ]


def memory(long: Path, short: Path, long_size: int, short_size: int, rounds: int) -> Row:
    """Verify a long and a short log, each time in a new process, and compare the peaks."""
    pair = alternate(rounds, lambda: _growth(long), lambda: _growth(short))
    name = f"memory that verify takes, {long_size:,} records; limit: {short_size:,} records"
    return Row(name, "MiB", pair.ours, pair.limit, at_most(1.2))


def _growth(directory: Path) -> float:
    """Return by how many MiB a process grows, at its peak, while it verifies a log."""
    command = [sys.executable, "-m", "benchmarks.peak", str(directory)]
    root = Path(__file__).parents[1]
    output = subprocess.run(command, cwd=root, check=True, capture_output=True).stdout
    return int(output) / _MIB
