"""``python -m benchmarks [--quick] [--dir DIR]``: prints a table and writes results.json."""

from __future__ import annotations

import tempfile
from argparse import ArgumentParser
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, NamedTuple

from rich.console import Console

from benchmarks import (
    accelerating,
    appending,
    machine,
    opening,
    parallel,
    physical,
    proving,
    replaying,
    result,
    starting,
    storing_lmdb,
    storing_s3,
    verifying,
)
from benchmarks.accelerating import Prototype, Unbuilt
from benchmarks.bucket import local_bucket
from benchmarks.peers import PROGRAMS, is_installed
from tests.servers.versitygw import VersitygwServer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.result import Row

_WIDTH_MIN = 180
_RESULTS = Path(__file__).with_name("results.json")


class Sizes(NamedTuple):
    """How much is measured.

    Attributes:
        batches: batches appended to a new log.
        singles: records appended one by one.
        long, short: records of the long and of the short log.
        chunk: records verified at a time.
        memory: processes a log that verify it for their memory.
        opens, crashes: openings after a close and after a crash.
        proofs: records that are proven.
        agents, replays: agents in the log that is replayed, and how often it is.
        starts: runs of the command.
        puts: batches, and then ten times as many single records, appended to S3.
        hinted: batches appended to S3 while requests are counted.
        openings: batches of the logs on S3 that are opened.
        verified: records verified on S3.
    """

    batches: int
    singles: int
    long: int
    short: int
    chunk: int
    memory: int
    opens: int
    crashes: int
    proofs: int
    agents: int
    replays: int
    starts: int
    puts: int
    hinted: int
    openings: tuple[int, ...]
    verified: int


FULL = Sizes(
    batches=200,
    singles=3_000,
    long=1_000_000,
    short=100_000,
    chunk=20_000,
    memory=3,
    opens=21,
    crashes=7,
    proofs=101,
    agents=10_000,
    replays=7,
    starts=15,
    puts=100,
    hinted=1_600,
    openings=(10, 10_000),
    verified=200_000,
)
QUICK = Sizes(
    batches=40,
    singles=500,
    long=50_000,
    short=10_000,
    chunk=5_000,
    memory=3,
    opens=11,
    crashes=3,
    proofs=51,
    agents=500,
    replays=5,
    starts=7,
    puts=20,
    hinted=600,
    openings=(10, 1_500),
    verified=20_000,
)


def measure(directory: Path, sizes: Sizes, prototype: Prototype | None) -> Iterator[Row]:
    """Yield one row after the other; logs are made below `directory`."""
    long, short = directory / "long", directory / "short"
    yield from physical.machine(directory, sizes.batches)
    yield appending.batches(directory, sizes.batches)
    yield from physical.append(directory, sizes.batches)
    yield appending.long_log(long, short, sizes.long, sizes.short)
    yield appending.single(directory, sizes.singles)
    yield from verifying.speed(long, sizes.long, sizes.chunk)
    yield from physical.verify(short)
    if prototype is not None:
        yield from accelerating.verification(prototype, short)
    yield verifying.memory(long, short, sizes.long, sizes.short, sizes.memory)
    yield opening.after_close(long, sizes.long, sizes.opens)
    yield opening.after_crash(long, sizes.crashes)
    keys = proving.key(directory)
    yield proving.first_publication(long, keys)
    yield proving.signing(long, keys, sizes.opens)
    yield from proving.inclusion(long, sizes.proofs)
    yield parallel.two_processes(long, sizes.replays)
    yield from proving.shared_verify(long, sizes.memory)
    yield proving.verify_from(long, short, keys, sizes.crashes)
    yield replaying.replay(directory / "agents", sizes.agents, sizes.replays)
    yield from replaying.mix(directory / "mix", sizes.agents, sizes.replays)
    yield from physical.replay(directory / "mix" / "many")
    yield replaying.from_snapshot(
        directory / "kept", sizes.agents, sizes.long, sizes.long // 100, sizes.replays
    )
    yield starting.start(sizes.starts)
    yield storing_lmdb.batches(directory, sizes.batches)
    if not VersitygwServer.program.is_file():
        return
    with local_bucket() as bucket:
        yield physical.round_trip(bucket, sizes.puts)
        yield storing_s3.batches(bucket, sizes.puts)
        yield storing_s3.single(bucket, 10 * sizes.puts)
        yield from storing_s3.requests(bucket, sizes.hinted)
        yield from storing_s3.openings(bucket, sizes.openings)
        yield from storing_s3.verify(bucket, directory, sizes.verified, sizes.chunk)


def main() -> None:
    """Measure, print and write."""
    parser = ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "--quick", action="store_true", help="small sizes, in less than two minutes"
    )
    parser.add_argument("--dir", type=Path, help="where to make logs (default: temporary files)")
    options = parser.parse_args()
    console = Console()
    console.width = max(console.width, _WIDTH_MIN)
    begin = perf_counter()
    rows = []
    with tempfile.TemporaryDirectory(prefix="rynxs-benchmarks-", dir=options.dir) as directory:
        where = Path(directory)
        facts = machine.facts(where)
        for name, fact in facts.items():
            console.print(f"{name}: {fact}")
        prototype, unbuilt = None, ""
        try:
            prototype = Prototype(where)
        except Unbuilt as error:
            unbuilt = str(error)
        for row in measure(where, QUICK if options.quick else FULL, prototype):
            console.print(f"{perf_counter() - begin:4.0f} s  {row.name}")
            rows.append(row)
            # Again after each row, so that a run that is cut off leaves what it has measured.
            _RESULTS.write_text(result.dumps(rows, facts))
    console.print(result.table(rows))
    if not VersitygwServer.program.is_file():
        console.print(
            f"S3 was not measured: {VersitygwServer.program} is missing; "
            "make .tools/versitygw builds it, with Go"
        )
    for program in PROGRAMS:
        if not is_installed(program):
            console.print(f"{program} was not measured: it is not installed; make bench does that")
    if unbuilt:
        console.print(f"the prototype in C was not measured: {unbuilt}")
    console.print(f"{perf_counter() - begin:.0f} s; written to {_RESULTS}")


if __name__ == "__main__":
    main()
