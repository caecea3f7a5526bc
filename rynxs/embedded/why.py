"""Why a value is what it is: the record it came with, and what led to that, up to a person."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from rynxs.embedded.replay import LogReplay
from rynxs.engine import event as ev
from rynxs.engine import history
from rynxs.engine.admission import ACCEPTED
from rynxs.engine.applied import APPLIED
from rynxs.engine.causes import actor_of, cause_of, changes_of
from rynxs.engine.conditions import refusal_of, sentences
from rynxs.engine.event import Event
from rynxs.engine.subject import named_subject, parse_subject
from rynxs.engine.timeline import CONDITIONS, VERDICT, NoSuchField, Timeline
from rynxs.errors import LogCorrupt, UsageError
from rynxs.escapes import escaped
from rynxs.problems import nearest

if TYPE_CHECKING:
    from rynxs.config import Config
    from rynxs.embedded.points import Point
    from rynxs.engine.causes import Cause
    from rynxs.engine.conditions import Refusal
    from rynxs.engine.timeline import Found
    from rynxs.eventlog.sink import Sink


class Standing(NamedTuple):
    """That a subject is refused.

    Attributes:
        since: the record since which it is.
        refusal: why.
    """

    since: int
    refusal: Refusal

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON."""
        since, (reason, message, is_verdict) = self
        return {"byVerdict": is_verdict, "message": message, "reason": reason, "since": since}


class Explanation(NamedTuple):
    """A value, and the chain of its causes, the nearest first.

    Attributes:
        found: the value.
        causes: the record that it came with, and what that follows from.
        standing: why the subject is refused, None if it is not.
    """

    found: Found
    causes: list[Cause]
    standing: Standing | None


def explain(
    sink: Sink, config: Config, point: Point | None, subject: str, field: str | None
) -> Explanation:
    """Return why a field of what is known or asked of a subject is what it is at a point.

    Without a field it is why the subject is refused: its condition ``Accepted``, or the verdict if
    that has no such condition; or else why the cluster does not take its plan: ``Applied``.

    Raises:
        UsageError: there is no such subject or field, or without one nothing is refused; names near
            ones, and of a refused subject why it is.
        LogCorrupt: a record does not hold.
        CheckpointRefused: the log at the point is not what the checkpoint that names it covers.
    """
    named_subject(subject)
    of_conditions = field is None or field.startswith(f"{CONDITIONS}.")
    stop = None if point is None else point.stop
    timeline, replaying = _followed(sink, config, stop, subject, with_conditions=of_conditions)
    if point is not None:
        point.check(replaying.chain)
    state = replaying.replay.state
    if timeline.is_empty:
        known = {*state.newest, *state.plans}
        raise UsageError(f"the log holds no {subject} then{nearest(subject, known)}")
    refusal = refusal_of(state, subject)
    if refusal is not None and not of_conditions:  # only now it is known that they are worth it
        timeline, _ = _followed(sink, config, state.size, subject, with_conditions=True)
    found, standing = _found(timeline, subject, field, refusal)
    return Explanation(found, _chain(sink, found.seq), standing)


def told(subject: str, standing: Standing) -> str:
    """Say that and why a subject is refused, the sentences of the message on lines of their own."""
    since, refusal = standing
    head = f"{subject} is refused since record {since}: {refusal}"
    return "\n    ".join(map(escaped, [head, *sentences(refusal.message)]))


def _found(
    timeline: Timeline, subject: str, field: str | None, refusal: Refusal | None
) -> tuple[Found, Standing | None]:
    """Return the field, or what refuses the subject or its plan, and why it is refused if it is."""
    if refusal is None:
        if field is None:
            timeline.refuse_erased(CONDITIONS)
            if not timeline.is_not_taken:
                raise UsageError(
                    f"{subject} is not refused; name a FIELD of it, such as slice.spec"
                )
            field = f"{CONDITIONS}.{APPLIED}"
        return timeline.find(field), None
    assert timeline.refused_since is not None, "a pass over the same records says the same"
    standing = Standing(timeline.refused_since, refusal)
    if field is None:
        field = f"{CONDITIONS}.{ACCEPTED}" if refusal.reason else f"{VERDICT}.refused"
    try:
        return timeline.find(field), standing
    except NoSuchField as error:
        raise NoSuchField(f"{error}\n{told(subject, standing)}") from None


def _followed(
    sink: Sink, config: Config, stop: int | None, subject: str, *, with_conditions: bool
) -> tuple[Timeline, LogReplay]:
    """Return what became of a subject in the first records, and their replay."""
    replaying = LogReplay(sink, config, stop)
    timeline = Timeline(subject, with_conditions=with_conditions)
    for event, state in replaying.steps():
        timeline.take(event, state)
    return timeline, replaying


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
