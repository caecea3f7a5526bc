"""Rows of the LMDB sink: appends in batches."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import lmdb

from benchmarks.appending import SOURCES
from benchmarks.bare import BareAppender
from benchmarks.measure import alternate, rate
from benchmarks.result import Row, at_least
from benchmarks.workload import BATCH, config, entries, items, take
from rynxs.eventlog.log import Log

if TYPE_CHECKING:
    from pathlib import Path

_MAP_BYTES = 8 * 1024**3
_WARM_UP = 5
_FORMAT = 0  # as the sink's files have it


class BareEnvironment:
    """A growing LMDB database; each write is one `putmulti` and one commit."""

    def __init__(self, path: Path) -> None:
        self._environment = lmdb.open(
            str(path), subdir=False, map_size=_MAP_BYTES, lib_version=_FORMAT
        )
        self._count = 0

    def write_parts(self, parts: list[bytes]) -> None:
        """Store values under the next keys, 8-byte numbers, and commit."""
        keys = range(self._count, self._count + len(parts))
        pairs = [(key.to_bytes(8), part) for key, part in zip(keys, parts, strict=True)]
        with self._environment.begin(write=True) as transaction:
            transaction.cursor().putmulti(pairs, append=True)
        self._count += len(parts)

    def close(self) -> None:
        """Close the database."""
        self._environment.close()


def batches(directory: Path, rounds: int) -> Row:
    """Append batches to a log, and as many to a bare database, in turn."""
    source = items()
    environment = BareEnvironment(directory / "bare.mdb")
    bare = BareAppender(environment)
    log_at = config(f"lmdb:{directory / 'log.mdb'}")
    with closing(environment), closing(log_at.open_writer(SOURCES)) as sink:
        log = Log.open(sink)

        def ours() -> float:
            batch = take(source)
            return rate(BATCH, lambda: log.append(entries(batch)))

        def limit() -> float:
            batch = take(source)
            return rate(BATCH, lambda: bare.append(batch))

        alternate(_WARM_UP, ours, limit)
        pair = alternate(rounds, ours, limit)
    name = f"LMDB: append, batches of {BATCH:,}; limit: encode, hash, putmulti, commit"
    return Row(name, "records/s", pair.ours, pair.limit, at_least(0.7))
