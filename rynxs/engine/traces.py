"""What a record's payload has left in other payloads of the log (docs/FORMAT.md, section 11)."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from rynxs.engine import event as ev
from rynxs.engine.subject import parse_subject

if TYPE_CHECKING:
    from rynxs.eventlog.record import Header


class Trace(NamedTuple):
    """A record whose payload was made from another's.

    Attributes:
        seq, time_us, kind, subject: as in its header.
    """

    seq: int
    time_us: int
    kind: str
    subject: str


class Traces:
    """The records made from one; it is told of every header of the log, in order.

    Judged by headers alone, and so rather too much than too little: a plan may show the state of
    subjects other than its own, and headers do not say which.
    """

    def __init__(self, header: Header, starts_anew: frozenset[str]) -> None:
        """Look for what was made of a record.

        Args:
            header: its header, which has a subject.
            starts_anew: kinds of events of the subject after which nothing before them counts.
        """
        self._seq = header.seq
        self._subject = header.subject
        self._is_plan = header.kind == ev.PLANNED
        kind = parse_subject(header.subject).kind
        self._starts_anew = starts_anew
        # An observation is what later plans are made of; what a deletion says is in none.
        self._spreads = header.kind in (ev.observed(kind), ev.JUDGED)
        self._ended = header.kind == ev.deleted(kind)
        self._life: list[Trace] = []
        self._own: set[int] = set()
        self._related = {header.subject}
        self._plans: list[Trace] = []
        self._failures: dict[int, list[Trace]] = {}

    @property
    def is_part_of_more(self) -> bool:
        """Whether the record still counts, beside newer ones of its subject."""
        observed = ev.observed(parse_subject(self._subject).kind)
        return not self._ended and observed not in self._starts_anew

    def take(self, header: Header) -> None:
        """Take in the next header of the log, from its first record on."""
        seq, kind, subject, cause = header.seq, header.kind, header.subject, header.cause
        is_made = kind in (ev.PLANNED, ev.JUDGED)
        if is_made and cause in self._own:
            self._related.add(subject)
            if kind == ev.JUDGED:
                self._own.add(seq)
        if subject == self._subject and kind != ev.PLANNED:
            self._own.add(seq)
            if kind in self._starts_anew:
                self._begin_anew(seq)
            elif not self._ended and kind == ev.observed(parse_subject(subject).kind):
                self._life.append(Trace(seq, header.time_us, kind, subject))
        if seq <= self._seq:
            return
        trace = Trace(seq, header.time_us, kind, subject)
        if is_made and not (self._is_plan or self._ended):
            self._spreads = self._spreads or cause == self._seq
            self._plans.append(trace)
        elif kind == ev.APPLY_FAILED and cause is not None:
            self._failures.setdefault(cause, []).append(trace)

    def _others(self) -> list[Trace]:
        """Return the other observations of the subject that are made of the same as the one."""
        return [trace for trace in self._life if trace.seq != self._seq]

    def _begin_anew(self, seq: int) -> None:
        """Take in an event after which nothing that was before counts."""
        if seq > self._seq:
            self._ended = True
        else:
            self._life = []

    def found(self) -> list[Trace]:
        """Return the records whose payloads may hold something of the one looked for, in order."""
        plans = [plan for plan in self._plans if plan.subject in self._related]
        made = [*self._others(), *plans] if self._spreads else []
        causes = [self._seq, *(plan.seq for plan in made)]
        failures = [failure for cause in causes for failure in self._failures.get(cause, ())]
        return sorted([*made, *failures])
