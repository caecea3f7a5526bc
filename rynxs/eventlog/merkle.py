"""The Merkle tree of RFC 9162 section 2.1, kept as its frontier: O(log n) memory, no rereading."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

HASH_SIZE = 32
EMPTY_ROOT = sha256(b"").digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return SHA-256(0x01 || left || right), 32 bytes (RFC 9162 section 2.1.1)."""
    return sha256(b"\x01" + left + right).digest()


class Frontier:
    """The right edge of a growing tree: one perfect subtree's root for each set bit of the size.

    Attributes:
        size: number of leaves.
    """

    def __init__(self, size: int = 0, nodes: Sequence[bytes] = ()) -> None:
        """Start from `nodes`, the subtree roots from the largest subtree to the smallest.

        Raises:
            ValueError: the number or the length of the nodes does not fit the size.
        """
        if size < 0 or len(nodes) != size.bit_count():
            raise ValueError(f"a tree of {size} leaves has {max(size, 0).bit_count()} nodes")
        if any(len(node) != HASH_SIZE for node in nodes):
            raise ValueError(f"a node is {HASH_SIZE} bytes")
        self.size = size
        heights = [height for height in range(size.bit_length()) if size >> height & 1]
        self._nodes = dict(zip(reversed(heights), nodes, strict=True))

    def nodes(self) -> list[bytes]:
        """Return the subtree roots from the largest subtree to the smallest."""
        return [self._nodes[height] for height in sorted(self._nodes, reverse=True)]

    def extend(self, leaves: Sequence[bytes]) -> None:
        """Append leaf hashes; amortised one node hash a leaf."""
        level = list(leaves)
        height = 0
        while level:
            pending = self._nodes.pop(height, None)
            if pending is not None:
                level.insert(0, pending)
            if len(level) & 1:
                self._nodes[height] = level.pop()
            pairs = iter(level)
            level = [
                sha256(b"\x01" + left + right).digest()
                for left, right in zip(pairs, pairs, strict=True)
            ]
            height += 1
        self.size += len(leaves)

    def join(self, right: Frontier) -> None:
        """Append all leaves of another tree.

        Raises:
            ValueError: this tree's size is no multiple of the other's largest perfect subtree.
        """
        if right.size and self.size & ((1 << right.size.bit_length() - 1) - 1):
            raise ValueError(f"{right.size} leaves can't be joined to {self.size}")
        for height in sorted(right._nodes, reverse=True):
            node, level = right._nodes[height], height
            while (pending := self._nodes.pop(level, None)) is not None:
                node, level = node_hash(pending, node), level + 1
            self._nodes[level] = node
        self.size += right.size

    def root(self) -> bytes:
        """Return the Merkle tree hash of all leaves so far, 32 bytes."""
        nodes = self.nodes()
        if not nodes:
            return EMPTY_ROOT
        root = nodes.pop()
        while nodes:
            root = node_hash(nodes.pop(), root)
        return root
