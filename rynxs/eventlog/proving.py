"""Making proofs of a log: from its tiles, or from its records where the tiles do not hold."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from rynxs.errors import LogCorrupt, ProofRefused, UsageError
from rynxs.eventlog import checkpoint as cp
from rynxs.eventlog import proof
from rynxs.eventlog import record as rec
from rynxs.eventlog.proof_file import ConsistencyProof, InclusionProof, Leaf
from rynxs.eventlog.tiles import RecordTree, Tree

if TYPE_CHECKING:
    from collections.abc import Callable

    from rynxs.eventlog.checkpoint import Checkpoint
    from rynxs.eventlog.record import Record
    from rynxs.eventlog.sink import Sink

_SEARCHED_AT_ONCE = 1_000
Made = TypeVar("Made")


def prove_inclusion(sink: Sink, note: bytes, seq: int) -> InclusionProof:
    """Return the proof that record `seq` is in the tree of a signed checkpoint, without payload.

    Raises:
        UsageError: the checkpoint does not cover the record.
        CheckpointRefused: the note is no checkpoint.
        ProofRefused: the log's records are not those that the checkpoint covers.
        LogCorrupt: one of them is missing.
    """
    checkpoint, _ = cp.parse(note)
    if seq >= checkpoint.size:
        raise UsageError(
            f"record {seq} is not covered: the checkpoint is of {checkpoint.size} records; sign a "
            "newer one with: rynxs checkpoint create"
        )
    leaf = Leaf(record_at(sink, seq).header)

    def make(tree: Tree) -> InclusionProof:
        hashes = proof.inclusion_proof(tree.node, seq, checkpoint.size)
        made = InclusionProof(leaf, seq, tuple(hashes), note)
        made.verify()
        return made

    return _proven(sink, checkpoint, make)


def prove_consistency(sink: Sink, old: Checkpoint, note: bytes) -> ConsistencyProof:
    """Return the proof that the log of a signed checkpoint is a growth of an older one.

    Raises:
        UsageError: the older checkpoint is the larger one.
        CheckpointRefused: the note is no checkpoint.
        ProofRefused: the log's records are not those that both checkpoints cover.
        LogCorrupt: one of them is missing.
    """
    new, _ = cp.parse(note)
    if old.size > new.size:
        raise UsageError(f"the old checkpoint has {old.size} records, the new one {new.size}")

    def make(tree: Tree) -> ConsistencyProof:
        hashes = proof.consistency_proof(tree.node, old.size, new.size)
        made = ConsistencyProof(old.size, tuple(hashes), note)
        made.verify(old)
        return made

    return _proven(sink, new, make)


def with_content(made: InclusionProof, record: Record) -> InclusionProof:
    """Return a proof that also carries its record's salt and payload.

    Raises:
        UsageError: the payload is erased.
    """
    if record.payload is None:
        raise UsageError(f"the payload of record {made.seq} is erased; prove it without")
    leaf = Leaf(record.header, (record.salt, record.payload))
    return made._replace(leaf=leaf)


def record_at(sink: Sink, seq: int) -> Record:
    """Return one record.

    Raises:
        LogCorrupt: it is not there.
    """
    record = next(iter(sink.read(seq, seq + 1)), None)
    if record is None:
        raise LogCorrupt(seq, "missing: a checkpoint covers it")
    return record


def newest_of(sink: Sink, subject: str, size: int) -> int | None:
    """Return the seq of the newest of the first `size` records that is about a subject.

    Raises:
        LogCorrupt: a header on the way is malformed.
    """
    for stop in range(size, 0, -_SEARCHED_AT_ONCE):
        start = max(0, stop - _SEARCHED_AT_ONCE)
        records = list(sink.read(start, stop))
        for seq in range(start + len(records) - 1, start - 1, -1):
            # Looking for the bytes first spares the decoding of every other header.
            if subject.encode() in records[seq - start].header:
                try:
                    header = rec.decode_header(records[seq - start].header)
                except rec.MalformedHeader as error:
                    raise LogCorrupt(seq, str(error)) from None
                if header.subject == subject:
                    return seq
    return None


def _proven(sink: Sink, checkpoint: Checkpoint, make: Callable[[Tree], Made]) -> Made:
    try:
        return make(Tree(sink, checkpoint.size))
    except ProofRefused:
        return make(RecordTree(sink, checkpoint.size))
