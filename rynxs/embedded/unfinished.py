"""Redactions that were cut off: which of them a writer carries out, and which it does not believe.

A ``Redacted`` record that no checkpoint of the writer's own keys covers may have been written by
somebody who has the storage and no key. To erase what it names, or to sign over it, would make it
look asked for (docs/adr/0010-erasure.md).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from rynxs.engine.traces import Trace
from rynxs.errors import CheckpointRefused, UsageError
from rynxs.eventlog.record import decode_header
from rynxs.eventlog.signing import signed_size

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rynxs.embedded.retention import Retention
    from rynxs.eventlog.log import Log
    from rynxs.eventlog.note import NoteVerifier
    from rynxs.eventlog.sink import Sink

_log = structlog.get_logger("rynxs.log")


def refuse_unsigned(
    log: Log, sink: Sink, keys: Sequence[NoteVerifier], asked: int | None = None
) -> None:
    """Refuse to write to a log with a redaction that none of the writer's keys has signed for.

    Without keys nothing is authenticated, and nothing is refused.

    Args:
        log: its history read.
        sink: the log's.
        keys: the writer's.
        asked: a record whose redaction is asked for just now, and so need not be signed for yet.

    Raises:
        CheckpointRefused: there is such a redaction.
    """
    if not keys or not log.redactions.named:
        return
    for redaction in log.redactions.beyond(signed_size(sink, keys)):
        if asked not in redaction.seqs:
            first = redaction.seqs[0]
            raise CheckpointRefused(
                f"record {redaction.seq} says that {listed(redaction.seqs)} is redacted, and no "
                "checkpoint signed by this log's keys covers that; if you asked for it, rynxs log "
                f"redact {first} --reason TEXT with the key finishes it; if nobody did, it is "
                "somebody's without a key"
            )


def finish_redactions(log: Log, sink: Sink, retention: Retention) -> None:
    """Erase what redactions that were cut off have left, but for what must stay; say so.

    Raises:
        SinkUnavailable: perhaps not all is erased.
    """
    kept = []
    for seq in log.redactions.unfinished:
        try:
            retention.refuse([trace_of(sink, seq)])
        except UsageError as error:
            _log.warning("redaction not finished", seq=seq, reason=str(error))
            kept.append(seq)
    if done := log.finish_redactions(kept):
        _log.warning("redaction finished that was cut off", seqs=done)


def trace_of(sink: Sink, seq: int) -> Trace:
    """Return what the header of a verified record says."""
    (record,) = sink.read(seq, seq + 1)
    header = decode_header(record.header)
    return Trace(seq, header.time_us, header.kind, header.subject)


def listed(seqs: Sequence[int]) -> str:
    """Return seqs as in ``record 1`` or ``records 1, 2``."""
    return f"record {seqs[0]}" if len(seqs) == 1 else f"records {', '.join(map(str, seqs))}"
