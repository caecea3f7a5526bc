"""Inclusion and consistency proofs of the Merkle tree (RFC 9162 sections 2.1.3 and 2.1.4).

A proof is made from the roots of perfect subtrees, wherever they are kept: whoever asks passes a
function that returns the root of the subtree at a level and an index. It is verified with nothing
but the hashes in it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rynxs.errors import ProofRefused
from rynxs.eventlog.merkle import EMPTY_ROOT, HASH_SIZE, node_hash

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    Node = Callable[[int, int], bytes]

HASHES_MAX = 63
"""No proof in a tree of less than 2**63 leaves has more hashes."""


def perfect_subtrees(start: int, stop: int) -> Iterator[tuple[int, int]]:
    """Yield level and index of the perfect subtrees that leaves `start` to `stop` are made of.

    From left to right. `start` has to be the start of a subtree at least as large as the range,
    as each subtree of an RFC 9162 tree is.
    """
    while start < stop:
        level = (stop - start).bit_length() - 1
        yield level, start >> level
        start += 1 << level


def range_root(node: Node, start: int, stop: int) -> bytes:
    """Return the Merkle tree hash of leaves `start` to `stop`, 32 bytes."""
    roots = [node(level, index) for level, index in perfect_subtrees(start, stop)]
    if not roots:
        return EMPTY_ROOT
    root = roots.pop()
    while roots:
        root = node_hash(roots.pop(), root)
    return root


def inclusion_proof(node: Node, index: int, size: int) -> list[bytes]:
    """Return the proof that leaf `index` is in the tree of the first `size` leaves.

    The leaf's sibling comes first, the root's child last (section 2.1.3.1).
    """
    assert 0 <= index < size
    siblings = []
    start, stop = 0, size
    while stop - start > 1:
        middle = start + _split(stop - start)
        if index < middle:
            siblings.append((middle, stop))
            stop = middle
        else:
            siblings.append((start, middle))
            start = middle
    return [range_root(node, *sibling) for sibling in reversed(siblings)]


def consistency_proof(node: Node, old: int, new: int) -> list[bytes]:
    """Return the proof that the tree of `new` leaves starts with that of `old` (2.1.4.1)."""
    assert 0 <= old <= new
    if old in (0, new):
        return []
    ranges = []
    start, stop = 0, new
    while stop != old:
        middle = start + _split(stop - start)
        if old <= middle:
            ranges.append((middle, stop))
            stop = middle
        else:
            ranges.append((start, middle))
            start = middle
    if start:  # otherwise the old tree is a subtree whose root the verifier knows
        ranges.append((start, stop))
    return [range_root(node, *part) for part in reversed(ranges)]


def verify_inclusion(
    index: int, size: int, leaf: bytes, hashes: Sequence[bytes], root: bytes
) -> None:
    """Check that a leaf hash is at `index` of the tree of that size and root (2.1.3.2).

    Raises:
        ProofRefused: the proof does not show it.
    """
    _check_hashes([leaf, root, *hashes])
    if not 0 <= index < size:
        raise ProofRefused(f"index {index} is not in a tree of {size} records")
    place, last, computed = index, size - 1, leaf
    for sibling in hashes:
        if last == 0:
            raise ProofRefused("the proof has more hashes than the tree has levels")
        if place & 1 or place == last:
            computed = node_hash(sibling, computed)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            computed = node_hash(computed, sibling)
        place, last = place >> 1, last >> 1
    if last or computed != root:
        raise ProofRefused(
            f"the proof leads from record {index} to another root than that of the {size} records"
        )


def verify_consistency(
    old: int, new: int, old_root: bytes, new_root: bytes, hashes: Sequence[bytes]
) -> None:
    """Check that the tree of `new` leaves starts with the `old` ones of the other root (2.1.4.2).

    Raises:
        ProofRefused: the proof does not show it.
    """
    _check_hashes([old_root, new_root, *hashes])
    if not 0 <= old <= new:
        raise ProofRefused(f"{old} records are not the first of {new}")
    if old in (0, new):
        expected = new_root if old else EMPTY_ROOT
        if hashes or old_root != expected:
            raise ProofRefused(f"the roots of the first {old} records differ")
        return
    path = [old_root, *hashes] if old & (old - 1) == 0 else [*hashes]
    if not path or _consistent_roots(old, new, path) != (old_root, new_root):
        raise ProofRefused(
            f"the log was rewritten: its {new} records do not start with the {old} known ones"
        )


def _consistent_roots(old: int, new: int, path: Sequence[bytes]) -> tuple[bytes, bytes]:
    """Return the roots of both trees that a path leads to."""
    place, last = old - 1, new - 1
    while place & 1:
        place, last = place >> 1, last >> 1
    old_root = new_root = path[0]
    for sibling in path[1:]:
        if last == 0:
            raise ProofRefused("the proof has more hashes than the tree has levels")
        if place & 1 or place == last:
            old_root = node_hash(sibling, old_root)
            new_root = node_hash(sibling, new_root)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            new_root = node_hash(new_root, sibling)
        place, last = place >> 1, last >> 1
    if last:
        raise ProofRefused("the proof has fewer hashes than the tree has levels")
    return old_root, new_root


def _split(size: int) -> int:
    """Return the largest power of two below `size`, which is over 1."""
    return 1 << (size - 1).bit_length() - 1


def _check_hashes(hashes: Sequence[bytes]) -> None:
    if any(len(digest) != HASH_SIZE for digest in hashes):
        raise ProofRefused(f"a hash of the proof is not {HASH_SIZE} bytes")
    if len(hashes) > HASHES_MAX + 2:
        raise ProofRefused(f"a proof has at most {HASHES_MAX} hashes")
