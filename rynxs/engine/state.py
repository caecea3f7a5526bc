"""State: the fold of the log. Live operation, replay and simulation all run this one fold."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Any

from rynxs.engine import event as ev
from rynxs.engine import plan, shapes
from rynxs.engine.plan import Planned
from rynxs.engine.subject import Subject, parse_subject
from rynxs.errors import LogCorrupt, PluginError, RynxsError
from rynxs.eventlog import canonical

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from rynxs.engine.composition import Composition
    from rynxs.engine.event import Event
    from rynxs.engine.plan import Manifest


class Slices:
    """All slices, by subject; what reducers and renderers get as their `View`."""

    def __init__(self) -> None:
        self._by_kind: dict[str, dict[str, Mapping[str, Any]]] = {}

    def get(self, subject: str) -> Mapping[str, Any] | None:
        """Return the slice of a subject, or None."""
        return self._by_kind.get(_kind_part(subject), {}).get(subject)

    def of_kind(self, group_kind: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """Yield subject and slice of every object of a ``group/Kind``, sorted by subject."""
        yield from sorted(self._by_kind.get(group_kind, {}).items())

    def put(self, subject: str, current: Mapping[str, Any] | None) -> None:
        """Replace a slice; None removes it."""
        kind = self._by_kind.setdefault(_kind_part(subject), {})
        if current is None:
            kind.pop(subject, None)
        else:
            kind[subject] = current

    def items(self) -> list[tuple[str, Mapping[str, Any]]]:
        """Return all subjects and slices, sorted by subject."""
        return sorted(pair for kind in self._by_kind.values() for pair in kind.items())


class State:
    """What the log says, up to some record.

    Attributes:
        size: number of events folded.
        epoch, time_us: of the last event.
        slices: the reducers' state.
        composition: what the last epoch recorded of reducers and renderers, None before the first.
        origin: the log's name, as its first event recorded it; empty before that.
        plans: what was last planned, by subject.
        unplanned: subjects whose slice changed after their last plan, with the seq that changed it.
        incidents: ids of the sink's incidents that are recorded.
    """

    def __init__(self, composition: Composition) -> None:
        """Fold with the reducers of `composition`."""
        self._installed = composition
        self._observed: dict[str, Event] = {}
        self.size = 0
        self.epoch = 0
        self.time_us = 0
        self.slices = Slices()
        self.composition: dict[str, Any] | None = None
        self.origin = ""
        self.plans: dict[str, Planned] = {}
        self.unplanned: dict[str, int] = {}
        self.incidents: set[str] = set()

    def fold(self, event: Event) -> None:
        """Take in the next event.

        Raises:
            LogCorrupt: the event's payload does not decode.
            PluginError: a reducer failed on it.
        """
        if event.kind == ev.PLANNED:
            if not event.subject:
                raise LogCorrupt(event.seq, "a plan of no subject")
            self.plans[event.subject] = Planned(event)
            self.unplanned.pop(event.subject, None)
        elif event.subject:
            self._fold_subject(event)
        else:
            self._fold_own(event)
        self.size, self.epoch, self.time_us = event.seq + 1, event.epoch, event.time_us

    def observation(self, subject: str) -> Event | None:
        """Return the newest observation of a live subject, or None."""
        return self._observed.get(subject)

    def live(self) -> list[str]:
        """Return the subjects that were observed and not deleted since, sorted."""
        return sorted(self._observed)

    def manifests(self, subject: str) -> list[Manifest]:
        """Return what a subject asks for in this state."""
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
        """Return SHA-256 over the deterministic CBOR of all slices, lower-case hex."""
        digest = sha256()
        for subject, current in self.slices.items():
            digest.update(sha256(canonical.encode({subject: dict(current)})).digest())
        return digest.hexdigest()

    def _fold_own(self, event: Event) -> None:
        """Take in an event about the log itself."""
        if event.kind == ev.EPOCH_STARTED:
            started = shapes.checked(shapes.EpochStarted, event)
            self.composition = event.payload["composition"]
            self.origin = self.origin or started.origin
        elif event.kind == ev.TAIL_QUARANTINED:
            self.incidents.add(shapes.checked(shapes.TailQuarantined, event).id)

    def _fold_subject(self, event: Event) -> None:
        subject = event.subject
        parsed = parse_subject(subject)
        if event.kind == ev.observed(parsed.kind):
            _check_identity(parsed, event)
            self._observed[subject] = event
        elif event.kind == ev.deleted(parsed.kind):
            shapes.checked(shapes.Deleted, event)
            self._observed.pop(subject, None)
        reducer = self._installed.reducer(parsed.group_kind)
        if reducer is None:
            return
        before = self.slices.get(subject)
        try:
            after = reducer.reduce(before, event, self.slices)
        except RynxsError:
            raise
        except Exception as error:
            raise PluginError(
                f"reducer {reducer.name}=={reducer.version} failed on record {event.seq} "
                f"({event.kind} of {subject}): {type(error).__name__}: {error}"
            ) from error
        if _identical(before, after):
            return
        self.slices.put(subject, after)
        self.unplanned[subject] = event.seq
        for dependent in sorted(reducer.dependents(subject, self.slices)):
            self.unplanned[dependent] = event.seq


def _check_identity(subject: Subject, event: Event) -> None:
    """Check that an observation is of the object that its header names."""
    observed = shapes.checked(shapes.Observed, event).object
    group = observed.apiVersion.rpartition("/")[0]
    named = Subject(group, observed.kind, observed.metadata.namespace or "", observed.metadata.name)
    if named != subject:
        raise LogCorrupt(event.seq, f"the header names {subject}, the payload {named}")


def _identical(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> bool:
    """Tell whether two slices encode alike; Python's own equality takes True for 1."""
    if before is None or after is None:
        return before is after
    return before is after or (
        before == after and canonical.encode(dict(before)) == canonical.encode(dict(after))
    )


def _kind_part(subject: str) -> str:
    group, kind, _ = subject.split("/", 2)
    return f"{group}/{kind}"
