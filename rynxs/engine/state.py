"""State: the fold of the log. Live operation, replay and simulation all run this one fold."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Any

from rynxs.engine import carrying, plan, shapes
from rynxs.engine import event as ev
from rynxs.engine.deciding import Decided, Route, failure_of
from rynxs.engine.plan import Planned
from rynxs.engine.slices import UNKNOWN, Deferred, Slices, Unknown, identical
from rynxs.engine.subject import parse_subject
from rynxs.errors import LogCorrupt, RynxsError
from rynxs.eventlog.redaction import KEPT_KINDS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

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
        incidents: ids of the sink's incidents that are recorded.
        snapshot: size of the newest snapshot that is recorded, 0 before the first.
        predecessor: origin of the log that this one goes on from, empty if there is none.
        to_carry: how many subjects of that log are still to be carried over.
        successor: origin of the log that goes on from this one, which is closed; empty if none.
    """

    def __init__(self, composition: Composition) -> None:
        """Fold with the reducers of `composition`."""
        self._installed = composition
        self._routes: dict[tuple[str, str], Route] = {}
        self._waiting: dict[str, list[Held]] = {}
        self._unplanned: dict[str, int] = {}
        self.size = 0
        self.epoch = 0
        self.time_us = 0
        self.slices = Slices()
        self.newest: dict[str, Event] = {}
        self.composition: dict[str, Any] | None = None
        self.origin = ""
        self.plans: dict[str, Planned] = {}
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
            self._installed.renderers, subject, self.slices.get(subject), self.slices
        )

    def plan_payload(self, subject: str, manifests: Sequence[Manifest]) -> dict[str, Any]:
        """Return the payload of the ``Planned`` that would be recorded in this state."""
        known = self.plans.get(subject)
        return plan.payload(
            manifests,
            known.entries if known else {},
            self._installed.reducer_requirement(parse_subject(subject).group_kind),
            self._installed.renderer_requirements,
        )

    def digest(self) -> str:
        """Return the state's digest (docs/FORMAT.md, section 12), lower-case hex."""
        digest = sha256()
        for part in self.slices.parts():
            digest.update(sha256(part).digest())
        return digest.hexdigest()

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
        self.to_carry -= 1
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
        if waiting is not None and len(waiting) > _WAITING_MAX:
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
            before = after
        self.slices.put(subject, before)

    def _mark(self, subject: str, seq: int) -> None:
        self._unplanned[subject] = max(seq, self._unplanned.get(subject, seq))

    def _reduce(self, route: Route, event: Event) -> None:
        reducer, subject, slices = route.reducer, event.subject, self.slices
        assert reducer is not None
        before = slices.value(subject)
        starts_anew = event.kind in (route.observed, route.deleted)
        if isinstance(before, Unknown) and not starts_anew:
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
        self._mark(subject, event.seq)
        for dependent in sorted(reducer.dependents(subject, slices)):
            self._mark(dependent, event.seq)


def _known(value: Mapping[str, Any] | Unknown | None) -> Mapping[str, Any] | None:
    return None if isinstance(value, Unknown) else value
