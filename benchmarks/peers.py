"""Peers: other programs that append the same records, as durably, measured in turn with ours.

SQLite comes with Python. The others are installed by ``make bench`` alone; rows say so where one
of them is missing.
"""

from __future__ import annotations

from contextlib import ExitStack, closing, contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING, NamedTuple, Protocol

from benchmarks.measure import rate, seconds
from benchmarks.peer_sqlite import SqliteRows
from benchmarks.result import Peer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from benchmarks.result import Spread
    from benchmarks.workload import Item

EVENTSOURCING, PYMERKLE = "eventsourcing", "pymerkle"
PROGRAMS = (EVENTSOURCING, PYMERKLE)


class Appender(Protocol):
    """A store that is only appended to."""

    def prepared(self, batch: list[Item]) -> Callable[[], object]:
        """Encode a batch, and return what makes it durable, in one transaction."""

    def close(self) -> None:
        """Close the store."""


class NamedAppender(NamedTuple):
    """A store, and whose it is."""

    name: str
    appender: Appender

    def rate(self, batch: list[Item]) -> float:
        """Encode and append a batch; return records a second."""

        def append() -> None:
            self.appender.prepared(batch)()

        return rate(len(batch), append)

    def append_ms(self, batch: list[Item]) -> float:
        """Append a batch; return the milliseconds without its encoding."""
        return seconds(self.appender.prepared(batch)) * 1e3


def is_installed(program: str) -> bool:
    """Tell whether a peer can be imported."""
    return find_spec(program) is not None


@contextmanager
def appenders(directory: Path) -> Iterator[list[NamedAppender]]:
    """Make a new store of each peer in a directory that is not there yet."""
    directory.mkdir()
    found: dict[str, Appender] = {"SQLite (WAL, FULL)": SqliteRows(directory / "rows.db")}
    if is_installed(EVENTSOURCING):
        from benchmarks.peer_eventsourcing import EventStore

        found[EVENTSOURCING] = EventStore(directory / "events.db")
    if is_installed(PYMERKLE):
        from benchmarks.peer_pymerkle import Leaves

        found[PYMERKLE] = Leaves(directory / "leaves.db")
    with ExitStack() as opened:
        for appender in found.values():
            opened.enter_context(closing(appender))
        yield [NamedAppender(*item) for item in found.items()]


def compared(measured: Sequence[NamedAppender], figures: Sequence[Spread]) -> tuple[Peer, ...]:
    """Return the peers of a row: those measured, and those that are not installed."""
    shown = [Peer(each.name, figure) for each, figure in zip(measured, figures, strict=True)]
    absent = [Peer(program, None) for program in PROGRAMS if not is_installed(program)]
    return (*shown, *absent)
