"""Rows of what the machine can do, and of how much of a hot path that is.

The primitives of a path are the calls into C that it can't do without (encode, decode, hash,
checksum, flush), each made over a whole batch by `map`, without any Python between them. What ours
takes beyond their sum is Python's share of it.
"""

from __future__ import annotations

import os
from collections import defaultdict
from contextlib import closing
from functools import partial
from hashlib import sha256
from itertools import islice
from operator import add, methodcaller
from typing import TYPE_CHECKING, Any, NamedTuple
from zlib import crc32

import cbor2

from benchmarks.appending import SOURCES
from benchmarks.bare import BareFile
from benchmarks.measure import seconds
from benchmarks.result import INFORMATIVE, Row, spread
from benchmarks.workload import (
    BATCH,
    KIND,
    PAYLOAD_BYTES,
    TIME_US,
    entries,
    file_log,
    items,
    take,
)
from rynxs.embedded.replay import LogReplay
from rynxs.eventlog import cbor
from rynxs.eventlog.chain import Chain
from rynxs.eventlog.log import Log, batched

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from benchmarks.bucket import LocalBucket
    from rynxs.eventlog.record import Record
    from rynxs.eventlog.sink import Sink

_MIB = 1024 * 1024
_FLUSHED = 4096
_PART = 250
"""So many records are verified at a time."""

_NODE = b"\x01" + bytes(64)
_digest = methodcaller("digest")


class _Path(NamedTuple):
    """A hot path on one batch: the path itself, and its primitives by name."""

    ours: Callable[[], object]
    primitives: Mapping[str, Callable[[], object]]


def machine(directory: Path, rounds: int) -> Iterator[Row]:
    """Measure the disk's flush, and hash and checksum at their best."""
    data = os.urandom(_MIB)
    with closing(BareFile(directory / "flushed")) as file:
        flush_ms = [seconds(lambda: file.write(data[:_FLUSHED])) * 1e3 for _ in range(rounds)]
    yield Row("machine: append 4 KiB, fdatasync", "ms", spread(flush_ms), None, INFORMATIVE)
    sums: dict[str, Callable[[bytes], object]] = {"SHA-256": sha256, "CRC-32": crc32}
    for name, action in sums.items():
        speed = [1 / seconds(partial(action, data)) for _ in range(rounds)]
        yield Row(f"machine: {name} of 1 MiB", "MiB/s", spread(speed), None, INFORMATIVE)


def round_trip(bucket: LocalBucket, rounds: int) -> Row:
    """PUT a small object, on a condition, as an append to S3 does."""
    data = bytes(_FLUSHED)
    took = [
        seconds(partial(bucket.put_new, f"round-trip/{number}", data)) * 1e3
        for number in range(rounds)
    ]
    name = "machine: one conditional PUT of 4 KiB to S3 on loopback"
    return Row(name, "ms", spread(took), None, INFORMATIVE)


def append(directory: Path, rounds: int) -> list[Row]:
    """Append batches to a log, and make the calls into C that this takes, in turn."""
    source = items()
    file = BareFile(directory / "primitives")
    with closing(file), closing(file_log(directory / "whole").open_writer(SOURCES)) as sink:
        log = Log.open(sink)

        def prepared() -> _Path:
            batch = take(source)
            encoded = [entry.payload for entry in entries(batch)]
            payloads = list(map(cbor2.loads, encoded))  # their keys in order now
            first, hashed = log.size, bytes(32)
            headers = [
                (1, first + place, 1, TIME_US, hashed, KIND, subject, hashed, PAYLOAD_BYTES, None)
                for place, (subject, _) in enumerate(batch)
            ]
            data = list(map(cbor2.dumps, headers))
            body = b"".join(map(add, data, encoded))
            return _Path(
                lambda: log.append(entries(batch)),
                {
                    "encode": lambda: _run(cbor2.dumps, payloads, headers),
                    "SHA-256": lambda: _hash(encoded, data, [_NODE] * BATCH),
                    "CRC-32": lambda: crc32(body),
                    "write and flush": lambda: file.write(body),
                },
            )

        return _rows(f"append, batches of {BATCH:,}", rounds, prepared)


def verify(directory: Path) -> list[Row]:
    """Verify a log through the reader, and make the calls into C that this takes, in turn."""
    with closing(file_log(directory).open_reader()) as sink:
        chain = Chain()
        verified = (chain.verify(part) for part in batched(sink.read(), _PART))
        return _rows(f"verify, batches of {BATCH:,}", *_passing(sink, verified))


def replay(directory: Path) -> list[Row]:
    """Fold a log into state, and make the calls into C that this takes, in turn.

    They are those of verification: a payload is decoded once somebody asks for what it says.
    """
    config = file_log(directory)
    with closing(config.open_reader()) as sink:
        folded = LogReplay(sink, config, None).fold()
        return _rows(f"replay, batches of {BATCH:,}", *_passing(sink, folded))


def _passing(sink: Sink, parts: Iterator[object]) -> tuple[int, Callable[[], _Path]]:
    """Return how many whole batches a log has, and what prepares the pass over the next one."""
    source = sink.read()

    def ours() -> None:
        for _ in islice(parts, BATCH // _PART):
            pass

    return sink.size() // BATCH, lambda: _Path(ours, _reading(list(islice(source, BATCH))))


def _reading(records: Sequence[Record]) -> Mapping[str, Callable[[], object]]:
    headers = [record.header for record in records]
    payloads = [record.payload or b"" for record in records]
    body = b"".join(map(add, headers, payloads))
    return {
        "decode": lambda: cbor2.loads(cbor.array_head(len(headers)) + b"".join(headers)),
        "SHA-256": lambda: _hash(headers, payloads, [_NODE] * len(headers)),
        "CRC-32": lambda: crc32(body),
    }


def _rows(name: str, rounds: int, prepared: Callable[[], _Path]) -> list[Row]:
    """Measure a path, and then its primitives, on each of so many batches."""
    ours, limit, parts = [], [], defaultdict(list)
    for _ in range(rounds):
        path = prepared()
        ours.append(_us_a_record(path.ours))
        took = {part: _us_a_record(action) for part, action in path.primitives.items()}
        limit.append(sum(took.values()))
        for part, figure in took.items():
            parts[part].append(figure)
    title = f"{name}; limit: its calls into C alone"
    whole = Row(title, "us/record", spread(ours), spread(limit), INFORMATIVE)
    return [
        whole,
        *(
            Row(f"{name}: {part}", "us/record", spread(figures), None, INFORMATIVE)
            for part, figures in parts.items()
        ),
    ]


def _us_a_record(action: Callable[[], object]) -> float:
    return seconds(action) / BATCH * 1e6


def _run(function: Callable[[Any], object], *columns: Iterable[object]) -> None:
    for column in columns:
        for _ in map(function, column):
            pass


def _hash(*columns: Sequence[bytes]) -> None:
    _run(_digest, *(map(sha256, column) for column in columns))
