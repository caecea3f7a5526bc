"""Publishing a signed checkpoint: tiles first, then the numbered note, then the newest.

A reader who finds the checkpoint so finds all tiles that it takes to prove what it covers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rynxs.eventlog import checkpoint as cp
from rynxs.eventlog.signing import sign
from rynxs.eventlog.tiles import TileWriter, Tree

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rynxs.eventlog.checkpoint import Checkpoint
    from rynxs.eventlog.log import Log
    from rynxs.eventlog.note import SigningKey
    from rynxs.eventlog.sink import Sink


def publish(sink: Sink, checkpoint: Checkpoint, signed: bytes) -> None:
    """Store the tiles of a checkpoint's tree, and the checkpoint.

    Only tiles beyond the last published checkpoint's are made, unless some of that one's are
    missing: then all are made anew.

    Raises:
        CheckpointRefused: another checkpoint of this size, or a larger one, is stored already.
        LogCorrupt: a record is missing.
        SinkError: the sink can't be used.
    """
    newest = cp.check_storable(sink, checkpoint)
    before = Tree(sink, newest.size if newest else 0)
    is_intact = before.is_stored() and (newest is None or before.root() == newest.root)
    TileWriter(sink, before.size if is_intact else 0, checkpoint.size).write()
    cp.store(sink, checkpoint, signed)


def publish_signed(log: Log, sink: Sink, origin: str, keys: Sequence[SigningKey]) -> bytes:
    """Sign a log as it stands, publish the checkpoint, and return it.

    Raises:
        CheckpointRefused: another checkpoint of this size, or a larger one, is stored already.
        SinkError: the sink can't be used.
    """
    made = log.checkpoint(origin)
    signed = sign(sink, made, keys)
    publish(sink, made, signed)
    return signed


def republish(sink: Sink, checkpoint: Checkpoint, signed: bytes) -> None:
    """Do as `publish` does, and make every tile of the tree anew.

    Raises:
        CheckpointRefused: another checkpoint of this size, or a larger one, is stored already.
        LogCorrupt: a record is missing.
        SinkError: the sink can't be used.
    """
    cp.check_storable(sink, checkpoint)
    TileWriter(sink, 0, checkpoint.size).write()
    cp.store(sink, checkpoint, signed)
