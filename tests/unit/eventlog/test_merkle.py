from __future__ import annotations

from hashlib import sha256
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rynxs.eventlog.merkle import EMPTY_ROOT, Frontier

SIZES = st.lists(st.integers(0, 70), max_size=8)


def leaf(number: int) -> bytes:
    return sha256(b"\x00" + number.to_bytes(4, "big")).digest()


def tree_hash(leaves: list[bytes]) -> bytes:
    """The recursive definition of RFC 9162 section 2.1.1."""
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    half = 1 << (len(leaves) - 1).bit_length() - 1
    return sha256(b"\x01" + tree_hash(leaves[:half]) + tree_hash(leaves[half:])).digest()


@given(SIZES)
def test_the_root_is_that_of_the_definition_however_the_leaves_arrive(sizes: list[int]) -> None:
    frontier = Frontier()
    leaves: list[bytes] = []
    for size in sizes:
        batch = [leaf(len(leaves) + n) for n in range(size)]
        frontier.extend(batch)
        leaves += batch
        assert frontier.size == len(leaves)
        assert frontier.root() == tree_hash(leaves)


@given(st.integers(0, 300), st.integers(0, 50))
def test_a_frontier_goes_on_from_its_nodes(before: int, after: int) -> None:
    grown = Frontier()
    grown.extend([leaf(n) for n in range(before)])
    resumed = Frontier(grown.size, grown.nodes())
    more = [leaf(n) for n in range(before, before + after)]
    for frontier in (grown, resumed):
        frontier.extend(more)
    assert resumed.root() == grown.root() == tree_hash([leaf(n) for n in range(before + after)])


def test_the_empty_tree_has_the_hash_of_nothing() -> None:
    assert Frontier().root() == EMPTY_ROOT == sha256(b"").digest()


@pytest.mark.parametrize(
    ("size", "nodes"), [(1, []), (3, [leaf(0)]), (0, [leaf(0)]), (1, [b"short"]), (-1, [])]
)
def test_nodes_that_do_not_fit_the_size_are_refused(size: int, nodes: list[bytes]) -> None:
    with pytest.raises(ValueError, match=r"leaves has|bytes"):
        Frontier(size, nodes)


@given(st.integers(0, 5), st.integers(0, 9), st.data())
def test_trees_that_are_joined_are_the_tree_of_all_leaves(
    height: int, count: int, data: st.DataObject
) -> None:
    size = count << height
    more = data.draw(st.integers(0, (1 << height)))
    left, right = Frontier(), Frontier()
    left.extend([leaf(n) for n in range(size)])
    right.extend([leaf(n) for n in range(size, size + more)])
    left.join(right)
    assert left.size == size + more
    assert left.root() == tree_hash([leaf(n) for n in range(size + more)])


def test_a_tree_is_not_joined_where_its_subtrees_would_not_fit() -> None:
    left, right = Frontier(1, [leaf(0)]), Frontier(2, [leaf(1)])
    with pytest.raises(ValueError, match="2 leaves can't be joined to 1"):
        left.join(right)


def test_every_small_tree_is_joined_to_those_that_fit_and_to_no_other() -> None:
    for size, more in product(range(18), range(18)):
        left, right = Frontier(), Frontier()
        left.extend([leaf(n) for n in range(size)])
        right.extend([leaf(n) for n in range(size, size + more)])
        largest = 1 << more.bit_length() - 1 if more else 1
        if size % largest:
            with pytest.raises(ValueError, match=f"{more} leaves can't be joined to {size}"):
                left.join(right)
            continue
        left.join(right)
        whole = Frontier()
        whole.extend([leaf(n) for n in range(size + more)])
        assert (left.size, left.nodes()) == (whole.size, whole.nodes())
