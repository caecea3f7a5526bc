"""Row of what a second process brings on this machine: the bare loop of verification, twice."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from itertools import islice
from multiprocessing import get_context
from typing import TYPE_CHECKING

from benchmarks import bare
from benchmarks.measure import alternate, rate
from benchmarks.result import INFORMATIVE, Row
from benchmarks.workload import file_log

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.bare import Stored

_RECORDS = 50_000
_records: list[Stored] = []
"""What a worker verifies; it is read before anything is measured."""


def two_processes(log: Path, rounds: int) -> Row:
    """Do the same work in two processes at once, and in one of them, in turn."""
    pool = ProcessPoolExecutor(
        2, mp_context=get_context("spawn"), initializer=_read, initargs=(log,)
    )
    with pool:

        def at_once(jobs: int) -> None:
            begun = [pool.submit(_pass) for _ in range(jobs)]
            for each in begun:
                each.result()

        def passes(jobs: int) -> float:
            return rate(jobs, lambda: at_once(jobs))

        passes(2)
        pair = alternate(rounds, lambda: passes(2), lambda: passes(1))
    name = "machine: verification's bare loop in two processes; limit: in one"
    return Row(name, "passes/s", pair.ours, pair.limit, INFORMATIVE)


def _read(log: Path) -> None:
    with closing(file_log(log).open_reader()) as sink:
        some = islice(sink.read(), _RECORDS)
        _records[:] = [(header, salt, payload or b"") for header, salt, payload in some]


def _pass() -> None:
    bare.verify(_records)
