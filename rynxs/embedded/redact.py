"""Redacting a record: it is recorded, then payloads and salts are erased, then it is looked at."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, NamedTuple

from rynxs.embedded.turn import check_reason, turn
from rynxs.engine import event as ev
from rynxs.engine import shapes
from rynxs.engine.event import Event
from rynxs.engine.traces import Trace, Traces
from rynxs.errors import LogCorrupt, SinkUnavailable, UsageError
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

_DAY_US = 24 * 60 * 60 * 1_000_000


class RedactReport(NamedTuple):
    """What a redaction did.

    Attributes:
        by: the ``Redacted`` record.
        subject: of the record that was asked for.
        seqs: the records whose payloads are erased, that one and those made from it.
    """

    by: int
    subject: str
    seqs: list[int]


def redact(config: Config, sources: Sources, seq: int, reason: str) -> RedactReport:
    """Erase the payload of a record, and of those made from it.

    Raises:
        UsageError: there is no such record, or its payload must stay; nothing was written.
        SinkUnavailable: the log can't be used; or the redaction is recorded and not finished.
        LogCorrupt: the log does not verify.
    """
    check_reason(reason)
    with closing(config.open_reader()) as reader:
        wanted = _header(reader, seq)
    traces = Traces(wanted)
    with turn(config, sources, traces.take) as opened:
        _refuse_redacted(opened, [seq])
        asked = Trace(seq, wanted.time_us, wanted.kind, wanted.subject)
        doomed = [asked, *_made_from(opened, traces)]
        seqs = sorted(trace.seq for trace in doomed)
        if not opened.pipeline.state.successor:  # of a closed log nothing is needed any more
            _refuse_needed(opened, doomed)
        _refuse_held(opened, doomed)
        floor_us = sources.clock.now_us() - config.retention.floor_days * _DAY_US
        _refuse_young(doomed, floor_us, config.retention.floor_days)
        _refuse_locked(opened.sink, seqs)
        body = {"actor": opened.actor._asdict(), "reason": reason, "seqs": seqs}
        by = opened.pipeline.record(REDACTED, wanted.subject, body, cause=seq)
        opened.commit()
        try:
            erase(opened.sink, seqs)
        except SinkUnavailable as error:
            raise SinkUnavailable(
                f"record {by} says that {_listed(seqs)} is redacted, and not all of it is erased "
                f"yet: {error}; the next command that writes to this log goes on with it"
            ) from error
    return RedactReport(by, wanted.subject, seqs)


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


def _refuse_redacted(opened: Turn, seqs: Sequence[int]) -> None:
    for seq in seqs:
        redaction = opened.log.redactions.of(seq)
        if redaction is not None:
            raise UsageError(f"record {seq}: record {redaction.seq} has redacted it already")


def _refuse_needed(opened: Turn, doomed: Sequence[Trace]) -> None:
    """Refuse what says how things are now: the newest observation, and the newest plan."""
    state = opened.pipeline.state
    asked = doomed[0]
    newest = state.newest.get(asked.subject)
    if newest is not None and newest.seq == asked.seq:
        raise UsageError(
            f"record {asked.seq} is the newest observation of {asked.subject}, which is live; "
            "observe a new version of it, or its deletion, first"
        )
    for trace in doomed:
        planned = state.plans.get(trace.subject)
        if trace.kind == ev.PLANNED and planned is not None and planned.seq == trace.seq:
            whose = "" if trace is asked else f", made from record {asked.seq},"
            raise UsageError(
                f"record {trace.seq}{whose} is the newest plan of {trace.subject}; observe a "
                "version of it that changes the plan, or its deletion, first"
            )


def _refuse_held(opened: Turn, doomed: Sequence[Trace]) -> None:
    for trace in doomed:
        placed = opened.holds.covering(trace.subject)
        if placed is not None:
            raise UsageError(
                f"record {trace.seq} of {trace.subject} is under the legal hold that record "
                f"{placed} has placed; rynxs log release lifts it"
            )


def _refuse_young(doomed: Sequence[Trace], floor_us: int, days: int) -> None:
    for trace in doomed:
        if days and trace.time_us > floor_us:
            raise UsageError(
                f"record {trace.seq} is of {format_time(trace.time_us)}, and retention.floorDays "
                f"asks to keep what is younger than {days} days"
            )


def _refuse_locked(sink: Sink, seqs: Sequence[int]) -> None:
    opens = sink.locked_until(seqs)
    if opens is not None:
        raise UsageError(
            f"the storage has locked the payload of {_listed(seqs)} until {format_time(opens)}; "
            "redact it then"
        )


def _listed(seqs: Sequence[int]) -> str:
    return f"record {seqs[0]}" if len(seqs) == 1 else f"records {', '.join(map(str, seqs))}"
