"""Rows of appending: in batches, one by one, and at the end of a long log."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from benchmarks.bare import BareAppender, BareFile
from benchmarks.measure import alternate, in_blocks, rate, seconds
from benchmarks.peers import appenders, compared
from benchmarks.result import Row, at_least, at_most
from benchmarks.workload import BATCH, entries, file_log, items, take
from rynxs.eventlog.log import Log
from rynxs.sources import fixed_sources

if TYPE_CHECKING:
    from pathlib import Path

SOURCES = fixed_sources(0)


def batches(directory: Path, rounds: int) -> Row:
    """Append batches to a log and to a bare file, in turn, and between them to each peer."""
    source = items()
    file = BareFile(directory / "batches.bare")
    bare = BareAppender(file)
    with (
        closing(file),
        closing(file_log(directory / "batches").open_writer(SOURCES)) as sink,
        appenders(directory / "batches.peers") as others,
    ):
        log = Log.open(sink)

        def ours() -> float:
            batch = take(source)
            return rate(BATCH, lambda: log.append(entries(batch)))

        def limit() -> float:
            batch = take(source)
            return rate(BATCH, lambda: bare.append(batch))

        peers = [lambda each=each: each.rate(take(source)) for each in others]
        our_rates, limit_rates, *figures = in_blocks(rounds, (ours, limit), peers)
    name = f"durable append, batches of {BATCH:,}, 300-byte payloads, payload encoding included"
    return Row(name, "records/s", our_rates, limit_rates, at_least(0.6), compared(others, figures))


def single(directory: Path, rounds: int) -> Row:
    """Append one record to a log and as many bytes to a bare file, in turn, and one to each peer.

    `Log.append` takes encoded payloads, so their encoding is not part of it, nor is that of a
    peer's.
    """
    source = items()
    where = directory / "single"
    file = BareFile(directory / "single.bare")
    with (
        closing(file),
        closing(file_log(where).open_writer(SOURCES)) as sink,
        appenders(directory / "single.peers") as others,
    ):
        log = Log.open(sink)
        log.append(entries(take(source)))
        (segment,) = (where / "segments").glob("*.seg")
        grown = [segment.stat().st_size] * 2

        def ours() -> float:
            entry = entries(take(source, 1))
            took = seconds(lambda: log.append(entry))
            grown[:] = [grown[1], segment.stat().st_size]
            return took * 1e3

        def limit() -> float:
            data = b"x" * (grown[1] - grown[0])
            return seconds(lambda: file.write(data)) * 1e3

        peers = [lambda each=each: each.append_ms(take(source, 1)) for each in others]
        our_ms, limit_ms, *figures = in_blocks(rounds, (ours, limit), peers)
    name = "durable append of one encoded record; limit: write + fdatasync of as many bytes"
    return Row(name, "ms", our_ms, limit_ms, at_most(1.5), compared(others, figures))


def long_log(long: Path, short: Path, size: int, part: int) -> Row:
    """Make a log of `size` records, and in turn with its last `part` a log of only so many.

    Both logs are closed in order, their frontiers saved.
    """
    source = items()
    with (
        closing(file_log(long).open_writer(SOURCES)) as sink,
        closing(file_log(short).open_writer(SOURCES)) as other,
    ):
        log, fresh = Log.open(sink), Log.open(other)

        def append_to(target: Log) -> float:
            batch = take(source)
            return rate(BATCH, lambda: target.append(entries(batch)))

        while log.size < size - part:
            append_to(log)
        pair = alternate(part // BATCH, lambda: append_to(log), lambda: append_to(fresh))
        log.save()
        fresh.save()
    name = (
        f"durable append, last {part:,} of {size:,} records; limit: the first {part:,} of a new log"
    )
    return Row(name, "records/s", pair.ours, pair.limit, at_least(0.9))
