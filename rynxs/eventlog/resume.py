"""Starting from a checkpoint that somebody trusts, in place of the first record."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rynxs.errors import CheckpointRefused, LogCorrupt
from rynxs.eventlog import checkpoint as cp
from rynxs.eventlog import note
from rynxs.eventlog import record as rec
from rynxs.eventlog.chain import Chain, Tip
from rynxs.eventlog.tiles import Tree

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rynxs.eventlog.checkpoint import Checkpoint
    from rynxs.eventlog.note import NoteVerifier
    from rynxs.eventlog.sink import Sink


def chain_at(sink: Sink, checkpoint: Checkpoint) -> Chain:
    """Return the verified chain of a checkpoint's records without reading them.

    The tree's right edge comes from the tiles and must have the checkpoint's root; the last record
    must be the tree's last leaf. So what this returns is as sure as the checkpoint is. Missing
    tiles are made from the records, which takes a reading.

    Raises:
        CheckpointRefused: the log has not the records that the checkpoint covers.
        LogCorrupt: the last record is covered, and still no record.
        SinkError: the sink can't be read.
    """
    if checkpoint.size > sink.size():
        raise CheckpointRefused(
            f"covers {checkpoint.size} records, the log holds {sink.size()}: records are missing"
        )
    tree = Tree(sink, checkpoint.size)
    frontier = tree.frontier()
    checkpoint.require_root(frontier.root())
    if not checkpoint.size:
        return Chain()
    last = checkpoint.size - 1
    header = next(iter(sink.read(last, checkpoint.size))).header
    if rec.leaf_hash(header) != tree.node(0, last):
        raise CheckpointRefused(f"record {last} is not the one that the checkpoint covers")
    try:
        decoded = rec.decode_header(header)
    except rec.MalformedHeader as error:
        raise LogCorrupt(last, str(error)) from None
    return Chain(Tip(rec.leaf_hash(header), decoded.epoch, decoded.time_us), frontier)


def chain_signed_by(sink: Sink, keys: Sequence[NoteVerifier]) -> Chain:
    """Return the chain that the newest stored checkpoint covers, if all of `keys` have signed it.

    Otherwise an empty one, so that every record is read and compared with the checkpoint: a key
    has not vouched for what it has not signed.

    Raises:
        CheckpointRefused: the log has not the records that the checkpoint covers.
        LogCorrupt: the last of them is no record.
        SinkError: the sink can't be read.
    """
    newest = cp.latest(sink)
    if newest is None:
        return Chain()
    checkpoint, data = newest
    try:
        signed = note.signed_by(note.parse(data), keys)
    except CheckpointRefused:
        return Chain()
    if len(signed) < len(keys):
        return Chain()
    return chain_at(sink, checkpoint)
