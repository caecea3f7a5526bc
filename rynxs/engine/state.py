"""State: the fold of the log. Live operation, replay and simulation all run this one fold."""

from __future__ import annotations

from functools import wraps
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from rynxs.engine import carrying, plan, shapes, verdict
from rynxs.engine import event as ev
from rynxs.engine.contracts import Occasion, Reducer
from rynxs.engine.deciding import Decided, Route, answer_of, failure_of, status_of
from rynxs.engine.plan import Planned
from rynxs.engine.slices import UNKNOWN, Deferred, Slices, Unknown, identical
from rynxs.engine.subject import parse_subject
from rynxs.errors import LogCorrupt, PluginError, RynxsError
from rynxs.eventlog.redaction import KEPT_KINDS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from rynxs.engine.composition import Composition
    from rynxs.engine.event import Event
    from rynxs.engine.plan import Manifest
    from rynxs.engine.slices import Held

__all__ = ["Slices", "State"]

_WAITING_MAX = 16
"""So many observations of a subject without a plan between them wait to be reduced."""


class State:
    """What the log says, up to some record.

    Attributes:
        size: number of events folded.
        epoch, time_us: of the last event.
        slices: the reducers' state.
        newest: the newest observation of each live subject, its shape perhaps not yet checked.
        composition: what the last epoch recorded of reducers and renderers, None before the first.
        origin: the log's name, as its first event recorded it; empty before that.
        plans: what was last planned, by subject.
        statuses: the last status seen of rendered objects, by subject and manifest id.
        applied: the ``Planned`` record of the newest plan that the cluster took, by subject.
        judged: the ``Judged`` record of each verdict that stands, by the subject it is on.
        affected: subjects whose plan may have changed with another subject, not planned since, with
            the seq of what changed that; in the order in which they are to be judged.
        incidents: ids of the sink's incidents that are recorded.
        snapshot: size of the newest snapshot that is recorded, 0 before the first.
        predecessor: origin of the log that this one goes on from, empty if there is none.
        to_carry: how many subjects of that log are still to be carried over.
        successor: origin of the log that goes on from this one, which is closed; empty if none.
    """

    def __init__(self, composition: Composition) -> None:
        """Fold with the reducers of `composition`."""
        self._installed = composition
        self._timed = tuple(f"{kind}/" for kind in composition.timed())
        self._routes: dict[tuple[str, str], Route] = {}
        self._waiting: dict[str, list[Held]] = {}
        self._unplanned: dict[str, int] = {}
        self._read: dict[str, tuple[str, ...]] = {}
        self._readers: dict[str, dict[str, None]] = {}
        self.size = 0
        self.epoch = 0
        self.time_us = 0
        self.slices = Slices()
        self.newest: dict[str, Event] = {}
        self.composition: dict[str, Any] | None = None
        self.origin = ""
        self.plans: dict[str, Planned] = {}
        self.statuses: dict[str, dict[str, Any]] = {}
        self.applied: dict[str, int] = {}
        self.judged: dict[str, int] = {}
        self.affected: dict[str, int] = {}
        self.incidents: set[str] = set()
        self.snapshot = 0
        self.predecessor = ""
        self.to_carry = 0
        self.successor = ""

    @property
    def unplanned(self) -> dict[str, int]:
        """Subjects whose slice changed after their last plan, with the seq that changed it.

        Raises:
            LogCorrupt: an event has not the shape of its kind.
            PluginError: a reducer failed.
        """
        for subject in list(self._waiting):
            self._settle(subject)
        return self._unplanned

    def fold(self, event: Event) -> None:
        """Take in the next event; what nobody may ever read of it is left as it is stored.

        Raises:
            LogCorrupt: the event's payload does not decode.
            PluginError: a reducer failed on it.
        """
        subject, kind = event.subject, event.kind
        if kind == ev.PLANNED:
            if not subject:
                raise LogCorrupt(event.seq, "a plan of no subject")
            self.plans[subject] = Planned(event)
            self._waiting.pop(subject, None)
            self._unplanned.pop(subject, None)
            self.affected.pop(subject, None)
        elif subject and kind == ev.JUDGED:
            self._fold_judged(event)
        elif subject and kind == ev.CARRIED:
            self._fold_carried(event)
        elif subject and kind in KEPT_KINDS:
            pass  # said of the record of a subject, not of the subject
        elif subject:
            self._fold_subject(event)
        else:
            self._fold_own(event)
        self.size = event.seq + 1
        self.epoch = event.epoch
        self.time_us = event.time_us

    def observation(self, subject: str) -> Event | None:
        """Return the newest observation of a live subject, or None.

        Raises:
            LogCorrupt: it has not the shape of an observation.
        """
        event = self.newest.get(subject)
        if event is not None:
            shapes.check_observation(event)
        return event

    def live(self) -> list[str]:
        """Return the subjects that were observed and not deleted since, sorted."""
        return sorted(self.newest)

    def manifests(self, subject: str) -> list[Manifest]:
        """Return what a subject asks for in this state.

        If `slices.met_unknown` is set afterwards, it was made of what is not known any more.
        """
        self.slices.met_unknown = False
        return plan.render(
            self._installed.renderers, subject, self.slices.governed(subject), self.slices
        )

    def judgement(self, subject: str, seq: int) -> dict[str, Any] | None:
        """Return the payload of the ``Judged`` that is due on a subject; None if none is.

        If `slices.met_unknown` is set afterwards, it was made of what is not known any more.

        Args:
            subject: whom to judge.
            seq: the record for which it is judged.

        Raises:
            PluginError: the governor failed, or what it returned is no verdict.
        """
        governor = self._installed.governor(parse_subject(subject).group_kind)
        if governor is None:
            return None
        self.slices.met_unknown = False
        last = self.slices.verdict(subject)
        current = self.slices.get(subject)
        occasion = Occasion(seq, self._is_planned(subject))
        try:
            found = governor.judge(subject, current, self.slices, occasion)
        except Exception as error:
            raise PluginError(
                f"governor {governor.name}=={governor.version} failed on {subject}: "
                f"{type(error).__name__}: {error}"
            ) from error
        if found is last or (found is None and last is None):
            return None
        body = verdict.payload(governor, found)
        return None if identical(last, found) else body

    def rejudge(self, subject: str, seq: int) -> None:
        """Put down the verdict that is due on a subject as if it had been recorded."""
        due = self.judgement(subject, seq)
        if due is not None:
            self.slices.put_verdict(subject, due["verdict"])

    def deadline(self, subject: str) -> int | None:
        """Return the POSIX time in microseconds from which a subject is due, None for never."""
        reducer = self._installed.reducer(parse_subject(subject).group_kind)
        if reducer is None:
            return None
        current = self.slices.get(subject)
        return None if current is None else answer_of(reducer, reducer.deadline, subject, current)

    def timed(self) -> list[str]:
        """Return the live subjects of kinds whose reducers set deadlines, sorted."""
        return sorted(subject for subject in self.newest if subject.startswith(self._timed))

    def status(self, subject: str) -> dict[str, Any]:
        """Return what the status of a subject's object says; empty when nobody reduces it.

        Raises:
            PluginError: its reducer fails, or says what is no status.
        """
        reducer = self._installed.reducer(parse_subject(subject).group_kind)
        current = self.slices.get(subject)
        if reducer is None or current is None:
            return {}
        seen = self.statuses.get(subject, {})
        status = status_of(reducer, subject, current, self.slices, seen)
        last = self.slices.verdict(subject)
        conditions = verdict.merged_conditions(status.get("conditions", ()), last)
        return {**status, "conditions": conditions}

    def restored(self) -> None:
        """Find out what follows from slices that were put down from elsewhere."""
        self.slices.count_verdicts()
        for resource in self._installed.resources():
            reducer = self._installed.reducer(resource.group_kind)
            if reducer is not None and type(reducer).reads is not Reducer.reads:
                for subject, current in self.slices.of_kind(resource.group_kind):
                    self._note_reads(reducer, subject, current)

    def plan_lines(self, subject: str, manifests: Sequence[Manifest]) -> list[dict[str, Any]]:
        """Return the lines of the plan that would be recorded in this state."""
        known = self.plans.get(subject)
        return plan.lines(manifests, known.entries if known else {}, subject in self.newest)

    def kept(self, subject: str, manifests: Sequence[Manifest]) -> list[str]:
        """Return the ids of what stays of a subject's last plan though nothing renders it."""
        rendered = {manifest.id for manifest in manifests}
        return [
            line["id"] for line in self.plan_lines(subject, manifests) if line["id"] not in rendered
        ]

    def plan_payload(self, subject: str, manifests: Sequence[Manifest]) -> dict[str, Any]:
        """Return the payload of the ``Planned`` that would be recorded in this state."""
        known = self.plans.get(subject)
        return plan.payload(
            manifests,
            known.entries if known else {},
            subject in self.newest,
            self._installed.reducer_requirement(parse_subject(subject).group_kind),
            self._installed.renderer_requirements,
        )

    def digest(self) -> str:
        """Return the state's digest (docs/FORMAT.md, section 12), lower-case hex."""
        digest = sha256()
        for part in self.slices.parts():
            digest.update(sha256(part).digest())
        return digest.hexdigest()

    def _is_planned(self, subject: str) -> bool:
        """Tell whether a subject's last plan asks for anything."""
        planned = self.plans.get(subject)
        if planned is None:
            return False
        self.slices.met_unknown = self.slices.met_unknown or planned.is_erased
        return bool(planned.entries)

    def _fold_own(self, event: Event) -> None:
        """Take in an event about the log itself."""
        if event.kind == ev.EPOCH_STARTED:
            started = shapes.checked(shapes.EpochStarted, event)
            self.composition = event.payload["composition"]
            self.origin = self.origin or started.origin
            if event.seq == 0 and started.predecessor is not None:
                carrying.check_predecessor(started.predecessor, event.seq)
                self.predecessor = started.predecessor.origin
                self.to_carry = started.predecessor.subjects
        elif event.kind == ev.TAIL_QUARANTINED:
            self.incidents.add(shapes.checked(shapes.TailQuarantined, event).id)
        elif event.kind == ev.SNAPSHOT_TAKEN:
            self.snapshot = shapes.checked(shapes.SnapshotTaken, event).size
        elif event.kind == ev.LOG_CLOSED:
            self.successor = shapes.checked(shapes.LogClosed, event).successor

    def _fold_carried(self, event: Event) -> None:
        """Take in what the log before knew of a subject."""
        subject = event.subject
        if self.to_carry <= 0:
            raise LogCorrupt(event.seq, "carries a subject over that no predecessor has told of")
        self.to_carry -= 1
        judged = verdict.judged_subject(subject)
        if judged:
            self._put_verdict(judged, event)
            return
        self._mark(subject, event.seq)
        if event.is_erased:
            self.slices.put(subject, UNKNOWN)
            return
        carried = shapes.checked(shapes.Carried, event)
        if carried.newest is not None:
            self.newest[subject] = carrying.observation(event)
        is_same = carrying.has_same_reducer(subject, self.composition, self._installed)
        if carried.newest is None or (is_same and not carried.derived):
            self.slices.put(subject, carried.slice if carried.known else UNKNOWN)
            reducer = self._installed.reducer(parse_subject(subject).group_kind)
            if reducer is not None and carried.known:
                self._note_reads(reducer, subject, carried.slice)
        else:  # a reducer of another version starts from what it can see
            self._fold_subject(self.newest[subject])

    def _fold_subject(self, event: Event) -> None:
        subject = event.subject
        group, kind, _ = subject.split("/", 2)
        route = self._routes.get((group, kind))
        if route is None:
            group_kind = f"{group}/{kind}"
            reducer = self._installed.reducer(group_kind)
            route = Route(kind, reducer, self.slices.of(group_kind))
            self._routes[group, kind] = route
        if event.kind == route.observed:
            self.newest[subject] = event
        elif event.kind == route.deleted:
            if not event.is_erased:
                shapes.checked(shapes.Deleted, event)
            self.newest.pop(subject, None)
            self.statuses.pop(subject, None)
        elif event.kind == ev.STATUS_OBSERVED and not event.is_erased:
            seen = shapes.checked(shapes.StatusObserved, event)
            self.statuses.setdefault(subject, {})[seen.id] = seen.status
        elif event.kind == ev.APPLIED and event.cause is not None:
            self.applied[subject] = event.cause
        if route.reducer is None:
            return
        if not route.decided_by:
            self._reduce(route, event)
        elif event.kind in route.decided_by:
            self._defer(route, event)

    def _defer(self, route: Route, event: Event) -> None:
        """Put a slice down as what is to be made of an event."""
        subject = event.subject
        decided = Decided(route, event)
        waiting = self._waiting.get(subject)
        if waiting is None:
            self._waiting[subject] = [route.slices.get(subject), decided]
        else:
            waiting.append(decided)
        route.slices[subject] = decided
        if subject in self._readers or (waiting is not None and len(waiting) > _WAITING_MAX):
            self._settle(subject)

    def _settle(self, subject: str) -> None:
        """Find out whether, and where, a slice has changed after the subject's last plan."""
        first, *waiting = self._waiting.pop(subject)
        before = first.value() if isinstance(first, Deferred) else first
        for decided in waiting:
            assert isinstance(decided, Decided)
            after = decided.value()
            if not identical(before, after):
                self._mark(subject, decided.event.seq)
                self._mark_readers(subject, decided.event.seq)
            before = after
        self.slices.put(subject, before)

    def _fold_judged(self, event: Event) -> None:
        """Take in a verdict."""
        subject = event.subject
        if event.is_erased:
            self.slices.put_verdict(subject, UNKNOWN)
        else:
            shapes.checked(shapes.Judged, event)
            self.slices.put_verdict(subject, event.payload["verdict"])
        if self.slices.value(verdict.verdict_subject(subject)) is None:
            self.judged.pop(subject, None)
        else:
            self.judged[subject] = event.seq
        self._mark_affected(subject, event.seq)
        self._mark_readers(subject, event.seq)
        governor = self._installed.governor(parse_subject(subject).group_kind)
        if governor is not None:
            self._mark_dependents(governor, subject, event.seq)

    def _put_verdict(self, subject: str, event: Event) -> None:
        """Take in a verdict that the log before held."""
        known = not event.is_erased and shapes.checked(shapes.CarriedVerdict, event).known
        self.slices.put_verdict(subject, event.payload["slice"] if known else UNKNOWN)
        self.judged[subject] = event.seq
        self._mark_affected(subject, event.seq)

    def _note_reads(
        self, reducer: Reducer, subject: str, current: Mapping[str, Any] | Unknown | None
    ) -> None:
        """Note whose changes concern a subject."""
        known = None if isinstance(current, Unknown) else current
        names = () if known is None else answer_of(reducer, _listing(reducer.reads), subject, known)
        read = tuple(dict.fromkeys(names))
        before = self._read.get(subject, ())
        if read == before:
            return
        for other in before:
            self._readers[other].pop(subject)
            if not self._readers[other]:
                self._readers.pop(other)
        for other in read:
            self._readers.setdefault(other, {})[subject] = None
        self._read[subject] = read

    def _mark(self, subject: str, seq: int) -> None:
        self._unplanned[subject] = max(seq, self._unplanned.get(subject, seq))

    def _mark_affected(self, subject: str, seq: int) -> None:
        self.affected.pop(subject, None)  # behind those that were affected before
        self.affected[subject] = seq

    def _mark_readers(self, subject: str, seq: int) -> None:
        for reader in sorted(self._readers.get(subject, ())):
            self._mark_affected(reader, seq)

    def _mark_dependents(self, reducer: Reducer, subject: str, seq: int) -> None:
        concerned = answer_of(reducer, _listing(reducer.dependents), subject, self.slices)
        for dependent in dict.fromkeys(concerned):
            self._mark_affected(dependent, seq)

    def _reduce(self, route: Route, event: Event) -> None:
        reducer, subject, slices = route.reducer, event.subject, self.slices
        assert reducer is not None
        before = slices.value(subject)
        if isinstance(before, Unknown) and event.kind not in route.starts_anew:
            return
        if event.kind == route.observed:
            shapes.check_observation(event)
        slices.met_unknown = False
        try:
            after = reducer.reduce(_known(before), event, slices)
        except Exception as error:
            if not (slices.met_unknown or event.is_erased):
                if isinstance(error, RynxsError):
                    raise
                raise failure_of(reducer, event, error) from error
            after = None
            slices.met_unknown = True
        changed: Mapping[str, Any] | Unknown | None = UNKNOWN if slices.met_unknown else after
        if identical(before, changed):
            return
        slices.put(subject, changed)
        if route.reads:
            self._note_reads(reducer, subject, changed)
        self._mark(subject, event.seq)
        self._mark_readers(subject, event.seq)
        self._mark_dependents(reducer, subject, event.seq)


def _listing(ask: Callable[..., Iterable[str]]) -> Callable[..., list[str]]:
    """Return a method that computes all of a lazy answer while it is asked."""

    @wraps(ask)
    def asked(*arguments: Any) -> list[str]:
        return list(ask(*arguments))

    return asked


def _known(value: Mapping[str, Any] | Unknown | None) -> Mapping[str, Any] | None:
    return None if isinstance(value, Unknown) else value
