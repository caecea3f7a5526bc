"""Redacting a record: it is recorded, then payloads and salts are erased, then it is looked at."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, NamedTuple

from rynxs.embedded.turn import check_reason, retention_of, turn
from rynxs.embedded.unfinished import listed, trace_of
from rynxs.engine import event as ev
from rynxs.engine import shapes
from rynxs.engine.event import Event
from rynxs.engine.subject import parse_subject
from rynxs.engine.traces import Trace, Traces
from rynxs.errors import LogCorrupt, SinkUnavailable, UsageError
from rynxs.eventlog import checkpoint as cp
from rynxs.eventlog.publication import publish_signed
from rynxs.eventlog.record import MalformedHeader, decode_header
from rynxs.eventlog.redaction import KEPT_KINDS, REDACTED, erase
from rynxs.sources import format_time

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rynxs.config import Config
    from rynxs.embedded.turn import Turn
    from rynxs.eventlog.record import Header
    from rynxs.eventlog.sink import Sink
    from rynxs.sources import Sources


class RedactReport(NamedTuple):
    """What a redaction did.

    Attributes:
        by: the ``Redacted`` record.
        subject: of the record that was asked for.
        seqs: the records whose payloads were erased now: that one and those made from it, or what
            a redaction before had left of them.
        was_recorded: whether the ``Redacted`` record stood there before.
        is_unsigned: whether the log has a signed checkpoint, and this was done without a key.
    """

    by: int
    subject: str
    seqs: list[int]
    was_recorded: bool
    is_unsigned: bool


def redact(config: Config, sources: Sources, seq: int, reason: str) -> RedactReport:
    """Erase the payload of a record, and of those made from it; or finish that.

    With keys, a checkpoint that covers the ``Redacted`` record is signed before anything is erased.

    Raises:
        UsageError: there is no such record, or its payload must stay; nothing was written.
        SinkUnavailable: the log can't be used; or the redaction is recorded and not finished.
        LogCorrupt: the log does not verify.
    """
    check_reason(reason)
    with closing(config.open_reader()) as reader:
        wanted = _header(reader, seq)
    group_kind = parse_subject(wanted.subject).group_kind
    traces = Traces(wanted, config.composition().starts_anew(group_kind))
    with turn(config, sources, traces.take, seq) as opened:
        recorded = opened.log.redactions.of(seq)
        if recorded is not None:
            by, doomed = recorded.seq, [trace_of(opened.sink, each) for each in recorded.seqs]
            left = {*opened.log.redactions.unfinished}
            doomed = [trace for trace in doomed if trace.seq in left]
        else:
            doomed = [Trace(seq, wanted.time_us, wanted.kind, wanted.subject)]
            doomed += _made_from(opened, traces)
            _refuse_standing(opened, wanted, traces)
        seqs = sorted(trace.seq for trace in doomed)
        if doomed:
            retention_of(config, sources, opened.pipeline.state, opened.holds).refuse(doomed)
            _refuse_locked(opened.sink, seqs)
        if recorded is None:
            body = {"actor": opened.actor.as_json(), "reason": reason, "seqs": seqs}
            by = opened.pipeline.record(REDACTED, wanted.subject, body, cause=seq)
        opened.commit()
        try:
            if opened.keys:  # who verifies believes an erasure only if it is signed for
                publish_signed(opened.log, opened.sink, opened.pipeline.origin, opened.keys)
            erase(opened.sink, seqs)
            is_unsigned = not opened.keys and cp.latest(opened.sink) is not None
        except SinkUnavailable as error:
            raise SinkUnavailable(
                f"record {by} says that {listed(seqs)} is redacted, and not all of it is erased "
                f"yet: {error}; the same command goes on with it"
            ) from error
    return RedactReport(by, wanted.subject, seqs, recorded is not None, is_unsigned)


def _header(reader: Sink, seq: int) -> Header:
    """Return the header of a record that may be redacted, as far as it alone tells.

    Raises:
        UsageError: there is none, or it is of a kind that can't be redacted.
    """
    record = next(iter(reader.read(seq, seq + 1)), None)
    if record is None:
        raise UsageError(f"record {seq}: the log holds {reader.size()} records")
    try:
        header = decode_header(record.header)
    except MalformedHeader as error:
        raise LogCorrupt(seq, str(error)) from None
    if header.kind in KEPT_KINDS or not header.subject:
        raise UsageError(
            f"record {seq} is {header.kind} of {header.subject or 'the log itself'}, which can't "
            "be redacted: whoever verifies the log has to read it"
        )
    return header


def _made_from(opened: Turn, traces: Traces) -> list[Trace]:
    """Return what goes too: traces that are not erased yet, without plans that ask for nothing."""
    redactions = opened.log.redactions
    left = [trace for trace in traces.found() if redactions.of(trace.seq) is None]
    return [trace for trace in left if not _asks_for_nothing(opened.sink, trace)]


def _asks_for_nothing(sink: Sink, trace: Trace) -> bool:
    if trace.kind != ev.PLANNED:
        return False
    (record,) = sink.read(trace.seq, trace.seq + 1)
    event = Event.of_record(decode_header(record.header), record)
    return not shapes.checked(shapes.Planned, event).manifests


def _refuse_standing(opened: Turn, wanted: Header, traces: Traces) -> None:
    """Refuse what a live subject is made of, when more than its newest observation makes it."""
    is_live = wanted.subject in opened.pipeline.state.newest
    is_folded = wanted.kind not in (ev.PLANNED, ev.JUDGED)
    if is_live and is_folded and traces.is_part_of_more:
        raise UsageError(
            f"record {wanted.seq} is part of what {wanted.subject} is, which is live; observe its "
            "deletion first"
        )


def _refuse_locked(sink: Sink, seqs: Sequence[int]) -> None:
    opens = sink.locked_until(seqs)
    if opens is not None:
        raise UsageError(
            f"the storage has locked the payload of {listed(seqs)} until {format_time(opens)}; "
            "redact it then"
        )
