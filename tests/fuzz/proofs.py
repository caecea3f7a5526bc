"""Targets: proofs and the files that hold them (docs/FORMAT.md, sections 17.2 and 17.3)."""

from __future__ import annotations

import struct
from functools import cache
from typing import TYPE_CHECKING, Final

from rynxs.errors import CheckpointRefused, ProofRefused
from rynxs.eventlog import checkpoint as cp
from rynxs.eventlog import proof, proof_file
from rynxs.eventlog.checkpoint import Checkpoint
from rynxs.eventlog.merkle import Frontier
from rynxs.eventlog.proof_file import ConsistencyProof, InclusionProof, Leaf
from rynxs.eventlog.record import leaf_hash
from rynxs.testing.histories import history
from tests.fuzz.notes import ORIGIN, keys
from tests.fuzz.target import Target

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_LEAVES: Final = 40
_SIZE, _OLD, _SEQ = 11, 6, 4
_NUMBERS: Final = struct.Struct(">QQQ")


def file(data: bytes) -> None:
    """A file is refused, or the one form of a proof, which shows what it says or is refused."""
    try:
        found = proof_file.parse(data)
    except ProofRefused:
        return
    assert found.text() == data
    try:
        if isinstance(found, InclusionProof):
            checkpoint, header = found.verify()
            assert header.seq == found.seq < checkpoint.size
        else:
            assert found.verify(_checkpoint(_OLD)).size >= _OLD
    except (ProofRefused, CheckpointRefused):
        return


def inclusion(data: bytes) -> None:
    """Of all hashes and places, only the right ones show that a leaf is in a tree.

    An input is a size, a place and a claimed place in a byte each, and changes of the proof.
    """
    head, changes = data[:3].ljust(3, b"\0"), data[3:]
    size = head[0] % _LEAVES + 1
    place, claimed = head[1] % size, head[2] % size
    hashes = proof.inclusion_proof(_node, place, size)
    leaf, root = _leaves()[place], _root(size)
    shown = _changed(hashes, changes)
    is_right = shown == hashes and claimed == place
    assert _holds(lambda: proof.verify_inclusion(claimed, size, leaf, shown, root)) == is_right
    numbers = _NUMBERS.unpack(changes[: _NUMBERS.size].ljust(_NUMBERS.size, b"\0"))
    _holds(lambda: proof.verify_inclusion(numbers[0], numbers[1], leaf, shown, root))


def consistency(data: bytes) -> None:
    """Of all hashes, only the right ones show that a tree starts with another.

    An input is the two sizes in a byte each, and changes of the proof.
    """
    head, changes = data[:2].ljust(2, b"\0"), data[2:]
    new = head[0] % _LEAVES + 1
    old = head[1] % (new + 1)
    hashes = proof.consistency_proof(_node, old, new)
    shown = _changed(hashes, changes)
    roots = _root(old), _root(new)
    is_shown = _holds(lambda: proof.verify_consistency(old, new, *roots, shown))
    assert is_shown == (shown == hashes)
    numbers = _NUMBERS.unpack(changes[: _NUMBERS.size].ljust(_NUMBERS.size, b"\0"))
    _holds(lambda: proof.verify_consistency(numbers[0], numbers[1], *roots, shown))


def _holds(verify: Callable[[], None]) -> bool:
    try:
        verify()
    except ProofRefused:
        return False
    return True


def _changed(hashes: Sequence[bytes], changes: bytes) -> list[bytes]:
    """Return hashes after changes, each of three bytes: what to do, where, and with what."""
    changed = [*hashes]
    for start in range(0, len(changes) - 2, 3):
        kind, where, what = changes[start : start + 3]
        place = where % (len(changed) + 1)
        if kind % 4 == 0:
            changed[place : place + 1] = []
        elif kind % 4 == 1:
            changed[place:place] = [_leaves()[what % _LEAVES]]
        elif kind % 4 == 2:
            changed[place : place + 2] = reversed(changed[place : place + 2])
        else:
            changed[place : place + 1] = [bytes((what,)) + each[1:] for each in changed[place:][:1]]
    return changed


@cache
def _leaves() -> tuple[bytes, ...]:
    return tuple(leaf_hash(record.header) for record in history(_LEAVES))


@cache
def _root(size: int) -> bytes:
    frontier = Frontier()
    frontier.extend(_leaves()[:size])
    return frontier.root()


@cache
def _node(level: int, index: int) -> bytes:
    frontier = Frontier()
    frontier.extend(_leaves()[index << level : index + 1 << level])
    return frontier.root()


def _checkpoint(size: int) -> Checkpoint:
    return Checkpoint(ORIGIN, size, _root(size))


def _files() -> list[bytes]:
    records = history(_SIZE)
    signed = cp.sign(_checkpoint(_SIZE), [keys().signer])
    hashes = tuple(proof.inclusion_proof(_node, _SEQ, _SIZE))
    header, salt, payload = records[_SEQ]
    growth = tuple(proof.consistency_proof(_node, _OLD, _SIZE))
    made: list[InclusionProof | ConsistencyProof] = [
        InclusionProof(Leaf(header), _SEQ, hashes, signed),
        InclusionProof(Leaf(header, (salt, payload or b"")), _SEQ, hashes, signed),
        ConsistencyProof(_OLD, growth, signed),
    ]
    return [each.text() for each in made]


def _places() -> list[bytes]:
    return [bytes((_SIZE - 1, _SEQ, _SEQ)), bytes((_SIZE - 1, _SEQ, _SEQ, 3, 0, 1)), bytes(30)]


TARGETS: Final = (
    Target("proof-file", file, _files, lambda: [b"\n\n", b"old ", b"extra ", b"index "]),
    Target("inclusion", inclusion, _places),
    Target("consistency", consistency, _places),
)
