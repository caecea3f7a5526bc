"""Rows of opening a long log to append: after an orderly close, and after a crash."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.appending import SOURCES
from benchmarks.measure import seconds
from benchmarks.result import INFORMATIVE, Row, Spread, below, bound, spread
from benchmarks.workload import BATCH, entries, file_log, items, take
from rynxs.eventlog.log import Log

if TYPE_CHECKING:
    from pathlib import Path

    from rynxs.eventlog.sink import Sink

_BOUND_MS = 50.0
_BATCHES_BEHIND = 65


def after_close(directory: Path, size: int, rounds: int) -> Row:
    """Open a log whose frontier is saved and whose sink was closed."""
    name = f"open a log of {size:,} records to append, after an orderly close"
    figures = _opening(directory, rounds)
    return Row(name, "ms", figures, bound(_BOUND_MS), below(_BOUND_MS, "ms"))


def after_crash(directory: Path, rounds: int) -> Row:
    """Open a log that grew by almost as much as goes without a saved frontier, and crashed."""
    mark = directory / "durable"
    marked = mark.read_bytes()
    sink = file_log(directory).open_writer(SOURCES)
    log, source = Log.open(sink), items()
    for _ in range(_BATCHES_BEHIND):
        log.append(entries(take(source)))
    figures = []
    for _ in range(rounds):
        sink.close()
        mark.write_bytes(marked)
        took, sink = _open(directory)
        figures.append(took)
    sink.close()
    name = (
        f"open a log of {log.size:,} records to append, after a crash, "
        f"its saved frontier {_BATCHES_BEHIND * BATCH:,} records behind"
    )
    return Row(name, "ms", spread(figures), None, INFORMATIVE)


def _opening(directory: Path, rounds: int) -> Spread:
    figures = []
    for _ in range(rounds):
        took, sink = _open(directory)
        sink.close()
        figures.append(took)
    return spread(figures)


def _open(directory: Path) -> tuple[float, Sink]:
    """Return the milliseconds that opening takes, and the open sink."""
    config = file_log(directory)
    opened: list[Sink] = []

    def open_log() -> None:
        opened.append(config.open_writer(SOURCES))
        Log.open(opened[0])

    took = seconds(open_log)
    return took * 1e3, opened[0]
