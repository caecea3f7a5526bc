"""``python -m tests.strace [POINT...]``: let system calls fail beneath the sinks, one at a time.

A point is SINK/SITUATION/CALL/NTH/FAULT, as file/new/fsync/3/EIO, or the beginning of one. Without
any, every fault is tried at every call. Exit status 0 when each was survived, 1 when one was not, 2
when nothing can be traced here.
"""

from __future__ import annotations

import sys
import tempfile
from argparse import ArgumentParser
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tests.strace import judging
from tests.strace.allocator import map_no_memory
from tests.strace.faults import is_asked, points, sample
from tests.strace.subjects import SUBJECTS
from tests.strace.table import Table
from tests.strace.tracer import TracingImpossible, check_installed
from tests.strace.trial import Bench, NotRepeatable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.strace.faults import Point
    from tests.strace.subjects import Subject

IMPOSSIBLE: Final = 2


def main(arguments: list[str] | None = None) -> int:
    """Try the points that are asked for, and print how many were survived."""
    parser = ArgumentParser(prog="python -m tests.strace", description=__doc__)
    parser.add_argument("points", nargs="*", metavar="POINT", help="all without any")
    parser.add_argument("--sample", type=int, help="so many for each sink, of each call some")
    parser.add_argument("--seed", type=int, default=0, help="of the sample")
    asked = parser.parse_args(arguments)
    table = Table()
    try:
        check_installed()
        for subject in SUBJECTS:
            if is_asked(subject.name, asked.points):
                with tempfile.TemporaryDirectory(prefix="rynxs-strace-") as workshop:
                    _try_all(subject, Path(workshop), asked.points, asked.sample, asked.seed, table)
    except TracingImpossible as error:
        sys.stderr.write(f"no system call can be made to fail here: {error}\n")
        return IMPOSSIBLE
    except NotRepeatable as error:
        sys.stderr.write(f"{error}\n")
        return 1
    if not table.points:
        parser.error(f"no point is called {' or '.join(asked.points)}")
    sys.stdout.write(table.text())
    return 0 if table.survived == table.points else 1


def _try_all(
    subject: Subject,
    workshop: Path,
    asked: Sequence[str],
    count: int | None,
    seed: int,
    table: Table,
) -> None:
    """Try the points of one sink that are asked for, or a sample of them."""
    benches = {
        situation.name: Bench(workshop, subject, situation)
        for situation in subject.situations(workshop)
        if is_asked(f"{subject.name}/{situation.name}", asked)
    }
    found: list[Point] = []
    others: set[str] = set()
    for situation, bench in benches.items():
        recording = bench.recorded()
        found += points(subject.name, situation, recording.places)
        others.update(recording.others)
    others -= {point.place.name for point in found}
    sys.stdout.write(f"{subject.name}: not about the log: {', '.join(sorted(others))}\n")
    found = [point for point in found if is_asked(str(point), asked)]
    if count is not None:
        found = list(sample(found, count, seed))
    sys.stdout.write(f"{subject.name}: {len(found)} points are tried\n")
    sys.stdout.flush()
    for point in found:
        wrong = judging.verdict(point, benches[point.situation])
        table.add(point, survived=not wrong)
        if wrong:
            told = "".join(f"  {line}\n" for each in wrong for line in each.splitlines())
            sys.stdout.write(f"NOT SURVIVED: python -m tests.strace {point}\n{told}")
            sys.stdout.flush()


if __name__ == "__main__":
    map_no_memory()
    sys.exit(main())
