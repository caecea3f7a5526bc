"""The library pymerkle as a peer, with its tree in a file of SQLite."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pymerkle import SqliteTree

from benchmarks.workload import entries

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from benchmarks.workload import Item


class Leaves:
    """A tree as RFC 9162 has it, so that the same leaves have the same root as in rynxs."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._tree = SqliteTree(str(path))

    def prepared(self, batch: list[Item]) -> Callable[[], object]:
        """Encode payloads, and return what hashes and inserts them in one transaction."""
        payloads = [entry.payload for entry in entries(batch)]
        return lambda: self._tree.append_entries(payloads)

    def add(self, leaves: Iterable[bytes]) -> None:
        """Append leaves as they are, in one transaction."""
        self._tree.append_entries(leaves)

    def root(self) -> bytes:
        """Return the tree's root."""
        root: bytes = self._tree.get_root()
        return root

    def prove(self, index: int, size: int) -> object:
        """Prove the leaf of an index, which counts from 0, in the tree of the first `size`."""
        return self._tree.prove_inclusion(index + 1, size)

    def opened_anew(self) -> Leaves:
        """Return the tree as a process has it that has not read anything of it yet."""
        return Leaves(self._path)

    def close(self) -> None:
        """Close the database."""
        self._tree.close()
