"""Cosigning a checkpoint: what a second party verifies before it signs, and adding its line."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from rynxs.errors import CheckpointRefused, UsageError
from rynxs.eventlog import checkpoint as cp
from rynxs.eventlog import note as notes
from rynxs.eventlog.cosignature import Cosigner
from rynxs.eventlog.growth import Growth
from rynxs.eventlog.trust import show
from rynxs.eventlog.witness import Expected

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rynxs.eventlog.note import SigningKey
    from rynxs.eventlog.sink import Sink
    from rynxs.eventlog.trust import Trust

Named = tuple[str, bytes]
"""A checkpoint's bytes, and what errors call it."""


class Request(NamedTuple):
    """What is asked of a cosigner.

    Attributes:
        trust: in the log's keys.
        cosigners: the keys to sign with.
    """

    trust: Trust
    cosigners: Sequence[SigningKey]

    def growth(self, sink: Sink, new: Named, old: Named | None) -> Growth:
        """Return the comparison with the log's records of a checkpoint, and of an older one.

        The older one must be signed by a cosigner or by the log. Run `Growth.batches` to its end.

        Raises:
            CheckpointRefused: the two don't follow each other, or are refused already.
            LogCorrupt: the first record does not name the log.
        """
        expected = [Expected.of(*new, 1)]
        if old is not None:
            older = Expected.of(*old, 1)
            self._check_order(expected[0], older)
            # One's own signature is enough; the log's may be of a key that was retired since.
            required = 0 if self._is_own(older) else 1
            expected.append(older._replace(required=required))
        return Growth(sink, self.trust, expected)

    def judge_without_log(self, new: Named, old: Named | None) -> None:
        """Check a checkpoint, and an older one, as far as that goes without the log's records.

        Raises:
            CheckpointRefused: it is not signed by the log, or not the older one's log or records.
            UsageError: it has grown since the older one, which only the records could show.
        """
        wanted = Expected.of(*new, 1)
        self._check_signed(wanted)
        if old is None:
            return
        older = Expected.of(*old, 1)
        if not self._is_own(older):
            self._check_signed(older)
        self._check_order(wanted, older)
        if older.checkpoint.size < wanted.checkpoint.size:
            raise UsageError(
                f"{wanted.name} covers {wanted.checkpoint.size} records, {older.name} "
                f"{older.checkpoint.size}: give --log, since only the log shows that it just grew"
            )

    def _check_signed(self, each: Expected) -> None:
        try:
            notes.verify(each.note, self.trust.keys)
        except CheckpointRefused as error:
            raise CheckpointRefused(f"{each.name}: {error}") from None

    def _is_own(self, older: Expected) -> bool:
        return bool(notes.signed_by(older.note, self.cosigners))

    def _check_order(self, new: Expected, old: Expected) -> None:
        if new.checkpoint.origin != old.checkpoint.origin:
            raise CheckpointRefused(
                f"of log {new.checkpoint.origin!r}, {old.name} is of {old.checkpoint.origin!r}"
            )
        if new.checkpoint.size < old.checkpoint.size:
            raise CheckpointRefused(
                f"covers {new.checkpoint.size} records, {old.name} covers {old.checkpoint.size}: "
                "it was rolled back"
            )
        if new.checkpoint.size == old.checkpoint.size:
            new.checkpoint.require_root(old.checkpoint.root)


def check_cosigners(keys: Sequence[SigningKey]) -> None:
    """Refuse keys whose signatures say nothing of a time.

    Raises:
        UsageError: one is not a cosigner's.
    """
    for key in keys:
        if not isinstance(key, Cosigner):
            raise UsageError(
                f"{show(key)} signs as a log, and does not cosign; make a cosigner's key: "
                "rynxs keys generate --cosigner"
            )


def cosign(signed: bytes, keys: Sequence[SigningKey]) -> bytes:
    """Return a checkpoint with the lines of those cosigners who have not signed it yet.

    Raises:
        CheckpointRefused: it is none, or a line that claims to be a cosigner's is not valid.
    """
    _, note = cp.parse(signed)  # nothing else that has its form, as a key rotation has
    notes.signed_by(note, keys)
    return notes.countersign(signed, keys)


def add(sink: Sink, signed: bytes, keys: Sequence[SigningKey]) -> bytes:
    """Add the cosigners' lines to the newest stored checkpoint, and return it.

    What is stored keeps its text and every line. Numbered checkpoints never change.

    Raises:
        CheckpointRefused: the newest stored checkpoint is another one.
        SinkConflict: it was replaced meanwhile.
    """
    stored = sink.get(cp.LATEST)
    note = notes.parse(signed)
    if stored is None or notes.parse(stored.data).text != note.text:
        raise CheckpointRefused("the newest checkpoint of the log is another one by now")
    own = [(key.name, key.key_id) for key in keys]
    mine = [line for line in note.signatures if (line.name, line.key_id) in own]
    merged = notes.merge(stored.data, mine)
    if merged != stored.data:
        sink.put(cp.LATEST, merged, stored.version)
    return merged
