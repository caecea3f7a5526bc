"""Why a value is what it is: the record it came with, and what led to that, up to a person."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from rynxs.embedded.replay import LogReplay
from rynxs.engine import event as ev
from rynxs.engine import history
from rynxs.engine.causes import actor_of, cause_of, changes_of
from rynxs.engine.event import Event
from rynxs.engine.subject import parse_subject
from rynxs.engine.timeline import Timeline
from rynxs.errors import LogCorrupt, UsageError
from rynxs.problems import nearest

if TYPE_CHECKING:
    from rynxs.config import Config
    from rynxs.embedded.points import Point
    from rynxs.engine.causes import Cause
    from rynxs.engine.timeline import Found
    from rynxs.eventlog.sink import Sink


class Explanation(NamedTuple):
    """A value, and the chain of its causes, the nearest first."""

    found: Found
    causes: list[Cause]


def explain(
    sink: Sink, config: Config, point: Point | None, subject: str, field: str
) -> Explanation:
    """Return why a field of a subject's slice or manifests is what it is at a point.

    Raises:
        UsageError: there is no such subject or field; names near ones.
        LogCorrupt: a record does not hold.
        CheckpointRefused: the log at the point is not what the checkpoint that names it covers.
    """
    replaying = LogReplay(sink, config, None if point is None else point.stop)
    timeline = Timeline(subject)
    for event, state in replaying.steps():
        timeline.take(event, state)
    if point is not None:
        point.check(replaying.chain)
    if timeline.is_empty:
        state = replaying.replay.state
        known = {*state.newest, *state.plans}
        raise UsageError(f"the log holds no {subject} then{nearest(subject, known)}")
    found = timeline.find(field)
    return Explanation(found, _chain(sink, found.seq))


def _chain(sink: Sink, seq: int) -> list[Cause]:
    """Return an event and what it follows from, up to one that an actor is named for."""
    causes: list[Cause] = []
    while True:
        event = history.event_at(sink, seq)
        causes.append(cause_of(event, changes_of(event, _before(sink, event))))
        if actor_of(event) or event.cause is None:
            return causes
        if event.cause >= seq:
            raise LogCorrupt(seq, f"cause {event.cause} is not an earlier record")
        seq = event.cause


def _before(sink: Sink, event: Event) -> Event | None:
    """Return the last event before one of the same kind and subject, its object still the same."""
    if event.kind == ev.PLANNED:
        return None
    ended = ev.deleted(parse_subject(event.subject).kind) if event.subject else ""
    mark, found = event.kind.encode(), None
    for seq, record in enumerate(sink.read(0, event.seq)):
        # Looking for the bytes first spares the decoding of most other headers.
        if mark not in record.header and not (ended and ended.encode() in record.header):
            continue
        header = history.header_of(record, seq)
        if header.subject == event.subject and header.kind == event.kind:
            found = Event.of_record(header, record)
        elif header.subject == event.subject and header.kind == ended:
            found = None
    return found
