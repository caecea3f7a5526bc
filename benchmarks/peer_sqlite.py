"""SQLite as a peer: the records that the bare loop makes, each a row, a batch a transaction."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

from benchmarks.bare import BareAppender

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from benchmarks.workload import Item


class SqliteRows:
    """A table of records; a commit returns when the write-ahead log has been flushed."""

    def __init__(self, path: Path) -> None:
        self._connection = sqlite3.connect(path)
        self._connection.execute("PRAGMA journal_mode=WAL")
        self._connection.execute("PRAGMA synchronous=FULL")
        self._connection.execute("CREATE TABLE records (seq INTEGER PRIMARY KEY, record BLOB)")
        self._encoder = BareAppender(self)
        self._parts: list[bytes] = []

    def write_parts(self, parts: list[bytes]) -> None:
        """Take the records of a batch from the encoder."""
        self._parts = parts

    def prepared(self, batch: list[Item]) -> Callable[[], object]:
        """Encode, hash and chain a batch, and return what inserts and commits it."""
        self._encoder.append(batch)
        rows = [(part,) for part in self._parts]

        def insert() -> None:
            with self._connection as connection:
                connection.executemany("INSERT INTO records (record) VALUES (?)", rows)

        return insert

    def close(self) -> None:
        """Close the database."""
        self._connection.close()
