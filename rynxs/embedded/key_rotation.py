"""Replacing a log's signing key: an event that both keys sign, and a checkpoint that both sign."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, NamedTuple

from rynxs.embedded.reading import read_history
from rynxs.embedded.turn import retention_of
from rynxs.embedded.unfinished import finish_redactions, refuse_unsigned
from rynxs.engine.pipeline import Pipeline
from rynxs.errors import CheckpointRefused, UsageError
from rynxs.eventlog import checkpoint as cp
from rynxs.eventlog import note
from rynxs.eventlog.log import Log
from rynxs.eventlog.publication import publish
from rynxs.eventlog.rotation import KEY_ROTATED, payload_of
from rynxs.eventlog.signing import sign
from rynxs.eventlog.trust import show

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rynxs.config import Config
    from rynxs.engine.composition import Composition
    from rynxs.eventlog.note import SigningKey
    from rynxs.eventlog.rotation import Rotation
    from rynxs.eventlog.sink import Sink
    from rynxs.sources import Sources


class RotationReport(NamedTuple):
    """What was done.

    Attributes:
        origin: of the log.
        seq: of the ``KeyRotated`` record.
        size: number of records that the log has now.
        checkpoint: the signed checkpoint of the log with it.
    """

    origin: str
    seq: int
    size: int
    checkpoint: bytes


class KeyRotation:
    """One rotation on one log; `execute` does it, or finishes it after a crash."""

    def __init__(self, config: Config, composition: Composition, sources: Sources) -> None:
        self._config = config
        self._composition = composition
        self._sources = sources

    def execute(
        self, old: SigningKey, new: SigningKey, others: Sequence[SigningKey]
    ) -> RotationReport:
        """Let `new` take over from `old`; the checkpoint is signed by `others` too.

        Raises:
            UsageError: `old` has not signed the newest checkpoint or is retired, or `new` is in
                use already.
            SinkError: the log can't be used, or belongs to another writer.
            LogCorrupt: the log does not verify.
        """
        with closing(self._config.open_writer(self._sources)) as sink:
            log = Log.load(sink)
            pipeline = Pipeline(self._composition, self._sources, self._config.origin)
            retired, holds = read_history(log, sink, pipeline)
            refuse_unsigned(log, sink, [old, *others])
            retention = retention_of(self._config, self._sources, pipeline.state, holds)
            finish_redactions(log, sink, retention)
            _check_signed(sink, old)
            seq = _recorded(retired.rotations, old, new)
            if seq is None:
                retired.refuse([old, *others])
                pipeline.record_incidents(sink.incidents())
                pipeline.resume()  # the epoch that starts here may have another composition
                seq = pipeline.record_own(
                    KEY_ROTATED, lambda at: payload_of(pipeline.origin, at, old, new)
                )
                log.append(pipeline.take_entries())
            keys = [old, new, *others] if log.size == seq + 1 else [new, *others]
            made = log.checkpoint(pipeline.origin)
            signed = sign(sink, made, keys)
            publish(sink, made, signed)
            log.save()
        return RotationReport(made.origin, seq, made.size, signed)


def _check_signed(sink: Sink, old: SigningKey) -> None:
    newest = cp.latest(sink)
    if newest is None:
        raise UsageError(
            "no checkpoint is stored in this log, so there is no key to take over from"
        )
    try:
        note.verify(note.parse(newest[1]), [old])
    except CheckpointRefused as error:
        raise UsageError(f"--signer: not the log's key: the newest checkpoint is {error}") from None


def _recorded(rotations: Sequence[Rotation], old: SigningKey, new: SigningKey) -> int | None:
    """Return the seq of this very rotation, if it is recorded already; None if it is to be.

    Raises:
        UsageError: the new key has had its time, or is the old one.
    """
    for rotation in rotations:
        if (rotation.old, rotation.new) == (old.vkey, new.vkey):
            return rotation.seq
        if new.vkey in (rotation.old, rotation.new):
            raise UsageError(
                f"record {rotation.seq} names the new key, {show(new)}, already; make another one: "
                "rynxs keys generate"
            )
    if new.vkey == old.vkey:
        raise UsageError(f"{show(old)} is the log's key already")
    return None
