from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import reduce
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rynxs.errors import ProofRefused
from rynxs.eventlog import proof
from rynxs.eventlog.merkle import EMPTY_ROOT, node_hash

SIZES_MAX = 300


def leaf(number: int) -> bytes:
    return sha256(b"\x00" + number.to_bytes(4, "big")).digest()


def tree_hash(start: int, stop: int) -> bytes:
    """The recursive definition of RFC 9162 section 2.1.1."""
    if stop - start == 1:
        return leaf(start)
    middle = start + (1 << (stop - start - 1).bit_length() - 1)
    return sha256(b"\x01" + tree_hash(start, middle) + tree_hash(middle, stop)).digest()


def node(level: int, index: int) -> bytes:
    return tree_hash(index << level, index + 1 << level)


def root(size: int) -> bytes:
    return tree_hash(0, size) if size else EMPTY_ROOT


def path(index: int, start: int, stop: int) -> list[bytes]:
    """PATH of RFC 9162 section 2.1.3.1, by its recursive definition."""
    if stop - start == 1:
        return []
    middle = start + (1 << (stop - start - 1).bit_length() - 1)
    if index < middle:
        return [*path(index, start, middle), tree_hash(middle, stop)]
    return [*path(index, middle, stop), tree_hash(start, middle)]


def subproof(old: int, start: int, stop: int, whole: bool) -> list[bytes]:
    """SUBPROOF of RFC 9162 section 2.1.4.1, by its recursive definition."""
    if old == stop:
        return [] if whole else [tree_hash(start, stop)]
    middle = start + (1 << (stop - start - 1).bit_length() - 1)
    if old <= middle:
        return [*subproof(old, start, middle, whole), tree_hash(middle, stop)]
    return [*subproof(old, middle, stop, False), tree_hash(start, middle)]


@dataclass
class Statement:
    """What a proof is verified with, so that any single bit of it can be flipped."""

    numbers: tuple[int, int]
    known: list[bytes]
    hashes: list[bytes] = field(default_factory=list)

    def flipped(self, place: int) -> Statement:
        blob = bytearray(b"".join([*self.known, *self.hashes]))
        blob[place // 8 % len(blob)] ^= 1 << place % 8
        parts = [bytes(blob[start : start + 32]) for start in range(0, len(blob), 32)]
        return Statement(self.numbers, parts[: len(self.known)], parts[len(self.known) :])


def included(statement: Statement) -> None:
    leaf_hash, root_hash = statement.known
    proof.verify_inclusion(*statement.numbers, leaf_hash, statement.hashes, root_hash)


def consistent(statement: Statement) -> None:
    old_root, new_root = statement.known
    proof.verify_consistency(*statement.numbers, old_root, new_root, statement.hashes)


@st.composite
def places(draw: st.DrawFn) -> tuple[int, int]:
    size = draw(st.integers(1, SIZES_MAX))
    return draw(st.integers(0, size - 1)), size


@given(places(), st.integers(0, 2**20))
def test_an_inclusion_proof_is_that_of_the_rfc_and_no_bit_of_it_can_change(
    place: tuple[int, int], bit: int
) -> None:
    index, size = place
    hashes = proof.inclusion_proof(node, index, size)
    assert hashes == path(index, 0, size)
    statement = Statement((index, size), [leaf(index), root(size)], hashes)
    included(statement)
    with pytest.raises(ProofRefused):
        included(statement.flipped(bit))


@given(places(), st.integers(0, 2**20))
def test_a_consistency_proof_is_that_of_the_rfc_and_no_bit_of_it_can_change(
    place: tuple[int, int], bit: int
) -> None:
    old, new = place[0] + 1, place[1]
    hashes = proof.consistency_proof(node, old, new)
    assert hashes == subproof(old, 0, new, True)
    statement = Statement((old, new), [root(old), root(new)], hashes)
    consistent(statement)
    with pytest.raises(ProofRefused):
        consistent(statement.flipped(bit))


@given(places(), places())
def test_a_proof_holds_for_no_other_place(place: tuple[int, int], other: tuple[int, int]) -> None:
    (index, size), (wrong, _) = place, other
    hashes = proof.inclusion_proof(node, index, size)
    if wrong == index:
        return
    with pytest.raises(ProofRefused):
        included(Statement((wrong, size), [leaf(index), root(size)], hashes))


@given(places(), st.sampled_from(["cut", "doubled", "longer"]))
def test_a_proof_of_another_length_is_refused(place: tuple[int, int], change: str) -> None:
    index, size = place
    hashes = proof.inclusion_proof(node, index, size)
    changed = {
        "cut": hashes[:-1],
        "doubled": hashes + hashes,
        "longer": [*hashes, bytes(32)],
    }[change]
    if changed == hashes:
        return
    with pytest.raises(ProofRefused):
        included(Statement((index, size), [leaf(index), root(size)], changed))


@pytest.mark.parametrize("size", range(1, 34))
def test_each_proof_in_a_small_tree_holds_and_not_without_or_with_one_hash_more(size: int) -> None:
    for index in range(size):
        hashes = proof.inclusion_proof(node, index, size)
        statement = Statement((index, size), [leaf(index), root(size)], hashes)
        included(statement)
        for other in (hashes[1:], hashes[:-1], [*hashes, bytes(32)]):
            if other != hashes:
                with pytest.raises(ProofRefused, match=r"another root|more hashes"):
                    included(replace(statement, hashes=other))
    for old in range(1, size):
        hashes = proof.consistency_proof(node, old, size)
        statement = Statement((old, size), [root(old), root(size)], hashes)
        consistent(statement)
        for other in (hashes[1:], hashes[:-1], [*hashes, bytes(32)]):
            with pytest.raises(ProofRefused, match=r"rewritten|more hashes|fewer hashes"):
                consistent(replace(statement, hashes=other))
        with pytest.raises(ProofRefused, match="the log was rewritten"):
            consistent(replace(statement, known=[root(old), leaf(0)]))


@pytest.mark.parametrize("size", [1, 2, 255, 256, 257])
def test_everything_is_consistent_with_the_empty_tree(size: int) -> None:
    assert proof.consistency_proof(node, 0, size) == []
    proof.verify_consistency(0, size, EMPTY_ROOT, root(size), [])
    with pytest.raises(ProofRefused, match="the roots of the first 0 records differ"):
        proof.verify_consistency(0, size, root(size), root(size), [])
    with pytest.raises(ProofRefused):
        proof.verify_consistency(0, size, EMPTY_ROOT, root(size), [bytes(32)])


def test_nothing_is_in_the_empty_tree() -> None:
    with pytest.raises(ProofRefused, match="not in a tree of 0"):
        proof.verify_inclusion(0, 0, leaf(0), [], EMPTY_ROOT)


@pytest.mark.parametrize("length", [0, 31, 33, 64])
def test_a_hash_that_is_not_32_bytes_is_refused(length: int) -> None:
    with pytest.raises(ProofRefused, match="32 bytes"):
        proof.verify_inclusion(0, 2, leaf(0), [bytes(length)], root(2))
    with pytest.raises(ProofRefused, match="32 bytes"):
        proof.verify_consistency(1, 2, root(1), root(2), [bytes(length)])


def test_a_shrunken_tree_is_consistent_with_nothing() -> None:
    with pytest.raises(ProofRefused, match="not the first of"):
        proof.verify_consistency(5, 4, root(5), root(4), [])


def test_the_longest_proof_has_63_hashes_and_one_of_more_is_refused_unread() -> None:
    largest = 2**proof.HASHES_MAX - 1
    hashes = [bytes((number,)) * 32 for number in range(proof.HASHES_MAX)]
    whole = reduce(node_hash, hashes, leaf(0))
    proof.verify_inclusion(0, largest, leaf(0), hashes, whole)
    proof.verify_consistency(1, largest, leaf(0), whole, hashes)
    with pytest.raises(ProofRefused, match="at most 63 hashes"):
        proof.verify_inclusion(0, largest, leaf(0), [*hashes, whole], whole)
    with pytest.raises(ProofRefused, match="at most 63 hashes"):
        proof.verify_consistency(1, largest, leaf(0), whole, [*hashes, whole])
