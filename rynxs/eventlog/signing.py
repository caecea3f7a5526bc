"""Signing a log's checkpoint with all its keys, and none of them a retired one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rynxs.errors import UsageError
from rynxs.eventlog import checkpoint as cp
from rynxs.eventlog import note
from rynxs.eventlog.genesis import origin_of
from rynxs.eventlog.record import decode_header
from rynxs.eventlog.rotation import KEY_ROTATED, read
from rynxs.eventlog.trust import show

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rynxs.eventlog.checkpoint import Checkpoint
    from rynxs.eventlog.note import NoteVerifier, SigningKey
    from rynxs.eventlog.record import Header, Record
    from rynxs.eventlog.rotation import Rotation
    from rynxs.eventlog.sink import Sink


class Retired:
    """The keys that a log's history has retired, so that a writer does not sign with one of them.

    This keeps an honest writer from a mistake; verifiers judge signatures by `KnownKeys`.

    Attributes:
        rotations: those of the log, in order.
    """

    def __init__(self, sink: Sink) -> None:
        self.rotations: list[Rotation] = []
        self._sink = sink

    @classmethod
    def at(cls, sink: Sink, size: int) -> Retired:
        """Return what keys know that have signed the log's first `size` records.

        Keys that are retired sign nothing beyond their rotation, so that it is the last of these
        records, if it is among them.

        Raises:
            LogCorrupt: the last of these records is a rotation of another shape.
        """
        retired = cls(sink)
        for record in sink.read(size - 1, size) if size else ():
            retired.follow(decode_header(record.header), record)
        return retired

    def follow(self, header: Header, record: Record) -> None:
        """Take in a verified record; it matters if it is a rotation.

        Raises:
            LogCorrupt: it is a rotation of another shape.
        """
        if header.kind == KEY_ROTATED:
            origin = origin_of(self._sink) or ""
            self.rotations.append(read(header, record, origin).rotation)

    def refuse(self, keys: Sequence[SigningKey]) -> None:
        """Refuse keys that are retired.

        Raises:
            UsageError: one is; the text names its successor.
        """
        for key in keys:
            for rotation in self.rotations:
                if rotation.old == key.vkey:
                    raise UsageError(
                        f"record {rotation.seq} has retired the key {show(key)}; sign with its "
                        f"successor, {'+'.join(rotation.new.split('+')[:2])}"
                    )


def signed_size(sink: Sink, keys: Sequence[NoteVerifier]) -> int:
    """Return how many records the largest stored checkpoint covers that one of the keys signed.

    Raises:
        CheckpointRefused: what is stored is no checkpoint, or has a bad signature of such a key.
    """
    names = [cp.LATEST, *sorted(sink.list(cp.NUMBERED), reverse=True)]
    for checkpoint, signed, _ in cp.stored(sink, names):
        if note.signed_by(signed, keys):
            return checkpoint.size
    return 0


def sign(sink: Sink, checkpoint: Checkpoint, keys: Sequence[SigningKey]) -> bytes:
    """Return the checkpoint signed by all keys; signatures that are stored with it are kept.

    Raises:
        CheckpointRefused: what is stored as the newest checkpoint is none.
    """
    newest = cp.latest(sink)
    if newest is not None and newest[0] == checkpoint:
        return note.countersign(newest[1], keys)
    return cp.sign(checkpoint, keys)
