"""The pipeline, sans I/O: observations in, entries to append and durable plans to apply out.

Whoever drives it (`rynxs run`, the operator, the simulator) makes what `take_entries` returns
durable and then says so with `acknowledge`; a plan is handed out only after that. The pipeline's
state runs ahead of the log by the entries not yet acknowledged, so that equality is judged in the
order of appending.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from rynxs import __version__
from rynxs.credentials import walk_credentials
from rynxs.engine import carrying, plan, snapshot
from rynxs.engine import event as ev
from rynxs.engine.deciding import failure_of
from rynxs.engine.event import Event
from rynxs.engine.observation import observe
from rynxs.engine.resource import holds_personal, may_hold_personal
from rynxs.engine.state import State
from rynxs.engine.subject import parse_subject
from rynxs.errors import PluginError, UsageError, ValueRefused
from rynxs.eventlog import canonical
from rynxs.eventlog.log import Entry
from rynxs.eventlog.record import PAYLOAD_SIZE_MAX, SALT_SIZE
from rynxs.eventlog.redaction import KEPT_KINDS
from rynxs.problems import join_path

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from rynxs.engine.composition import Composition
    from rynxs.engine.observation import Actor
    from rynxs.engine.plan import Manifest
    from rynxs.engine.resource import Resource
    from rynxs.eventlog.chain import Chain
    from rynxs.eventlog.sink import Incident
    from rynxs.sources import Sources


_REASON_SIZE_MAX = 2_000
_FIELDS_MAX = 100
_ROUNDS_MAX = 10_000
"""So often what has changed is planned, and what that concerns, until nothing is left."""


class Taken(NamedTuple):
    """A manifest that the cluster took.

    Attributes:
        id: as in the plan.
        action: ``applied`` or ``deleted``.
        uid: of the object, None where the cluster gave none.
    """

    id: str
    action: str
    uid: str | None


class Plan(NamedTuple):
    """A plan that may be applied once its record is durable.

    Attributes:
        subject: what it is for.
        seq: its ``Planned`` record.
        manifests: all that the subject asks for, in the order to apply them.
        changed: ids of those that differ from the plan before.
        removed: ids of those that are no longer asked for.
        retained: ids of those that are no longer asked for but stay.
    """

    subject: str
    seq: int
    manifests: list[Manifest]
    changed: list[str]
    removed: list[str]
    retained: list[str]


def stop_at_failures(subject: str, error: PluginError) -> None:
    """Let no plugin fail: raise what one raised."""
    raise error


class Pipeline:
    """One process's view of the system; call `fold` over the history, then the rest."""

    def __init__(
        self,
        composition: Composition,
        sources: Sources,
        origin: str,
        predecessor: Mapping[str, Any] | None = None,
        salts: Callable[[str, str], bytes] | None = None,
        failed: Callable[[str, PluginError], None] = stop_at_failures,
    ) -> None:
        """Start before the first record.

        Args:
            composition: who reduces and renders.
            sources: time, identity and entropy.
            origin: names a log that is still empty; one with a history keeps its own.
            predecessor: for a log that is still empty and goes on from another, what its first
                record says of that one.
            salts: gives the salt for a record of a kind and of a subject; by default, entropy.
            failed: is told of a subject on which a plugin failed. If it returns, the subject stays
                as it was until its next event, and the others go on.
        """
        self._composition = composition
        self._sources = sources
        self._origin = origin
        self._predecessor = predecessor
        self._salt = salts or (lambda _kind, _subject: sources.entropy.token(SALT_SIZE))
        self._failed = failed
        self._leading = False
        self._entries: list[Entry] = []
        self._plans: list[Plan] = []
        self.state = State(composition)

    @property
    def origin(self) -> str:
        """The log's name."""
        return self.state.origin or self._origin

    def fold(self, event: Event) -> None:
        """Take in one event of the history."""
        self.state.fold(event)

    def resume(self) -> None:
        """Replan what the history left unplanned, and everything if the composition changed.

        Raises:
            UsageError: the log goes on from another whose state is not all here.
        """
        self._refuse_half_a_log()
        if self.state.successor:
            return
        if self._is_composed_anew():
            self.start_epoch()
            self._mark_all()
        self._replan()

    def take_lead(self, seen: int, more: Mapping[str, Any] | None = None) -> None:
        """Start this process's epoch now, and replan as `resume` does.

        Args:
            seen: the highest epoch that is known from elsewhere; this one is above it.
            more: further members of its record.

        Raises:
            UsageError: the log is closed, or goes on from another whose state is not all here.
        """
        self._refuse_half_a_log()
        is_new = self._is_composed_anew()
        self.start_epoch(seen, more)
        if is_new:
            self._mark_all()
        self._replan()

    def start_epoch(self, seen: int = 0, more: Mapping[str, Any] | None = None) -> None:
        """Start this process's epoch; done by the first event it emits, at the latest.

        Args:
            seen: the highest epoch that is known from elsewhere; this one is above it.
            more: further members of its record.

        Raises:
            UsageError: the origin or a plugin's settings hold a credential.
        """
        self._leading = True
        body = {
            "composition": self._composition.as_json(),
            "identity": self._sources.identity,
            "kernel": f"rynxs=={__version__}",
            "origin": self.origin,
            **(more or {}),
        }
        if self._predecessor is not None and not self.state.size:
            body["predecessor"] = self._predecessor
        for location in walk_credentials(body, ()):
            raise UsageError(f"{join_path(location)}: holds a credential, and would be recorded")
        self._emit(ev.EPOCH_STARTED, "", body, epoch=max(self.state.epoch, seen) + 1)

    def _refuse_half_a_log(self) -> None:
        if self.state.to_carry:
            raise UsageError(
                f"the rotation of {self.state.predecessor} into this log was cut off; run rynxs "
                "log rotate again, with the same logs"
            )

    def _is_composed_anew(self) -> bool:
        """Tell whether the log's last epoch had other reducers or renderers, or settings."""
        recorded = self.state.composition
        return recorded is not None and recorded != self._composition.as_json()

    def _mark_all(self) -> None:
        """Have everything planned anew."""
        for subject in sorted({*self.state.plans, *self.state.judged, *self.state.live()}):
            self.state.unplanned.setdefault(subject, self.state.size - 1)

    def lead(self) -> None:
        """Start this process's epoch, if no event of it has been emitted yet."""
        if not self._leading:
            self.start_epoch()

    def encoded_snapshot(self, chain: Chain) -> bytes:
        """Return the state as a snapshot; all that was emitted must be in `chain`."""
        salt = self._sources.entropy.token(SALT_SIZE)
        return snapshot.encode(self.state, chain, self._composition, salt)

    def record_snapshot(self, size: int, digest: str) -> None:
        """Record a snapshot of all records so far, so that it may be used."""
        body = {"composition": self._composition.as_json(), "digest": digest, "size": size}
        self._emit_led(ev.SNAPSHOT_TAKEN, "", body)

    def record_incidents(self, incidents: Sequence[Incident]) -> None:
        """Record those of the sink's incidents that the log does not hold yet."""
        for incident in incidents:
            if incident.id not in self.state.incidents:
                self._emit_led(ev.TAIL_QUARANTINED, "", incident._asdict())

    def record_own(self, kind: str, payload: Callable[[int], Mapping[str, Any]]) -> int:
        """Record an event about the log itself, whose payload may be of its seq; return that."""
        if not self._leading:
            self.start_epoch()
        seq = self.state.size
        self._emit(kind, "", payload(seq))
        return seq

    def observe(self, resource: Resource, manifest: Mapping[str, Any], actor: Actor) -> bool:
        """Take in an object as it is now; return whether it differs from its last observation."""
        observation = observe(resource, manifest)
        subject = str(observation.subject)
        last = self.state.observation(subject)
        if last is not None:
            facts = {key: value for key, value in last.payload.items() if key != "actor"}
            last.forget_decoded()  # there are thousands of them, and they are seldom asked for
            if canonical.encode(facts) == canonical.encode(observation.facts):
                return False
        kind, body = ev.observed(resource.kind), observation.payload(actor)
        if not self._is_reducible(kind, subject, body):
            return False
        salt = self._salt(kind, subject) if observation.personal else b""
        self._emit_led(kind, subject, body, salt=salt)
        self._replan()
        self.state.newest[subject].forget_decoded()
        return True

    def delete(self, subject: str, actor: Actor) -> None:
        """Take in that a live subject is gone."""
        last = self.state.observation(subject)
        assert last is not None, f"{subject} is not live"
        body = {"actor": actor.as_json(), "uid": last.payload["object"]["metadata"]["uid"]}
        kind = parse_subject(subject).kind
        self._emit_led(ev.deleted(kind), subject, body, cause=last.seq)
        self._replan()

    def observe_status(self, subject: str, identifier: str, status: Mapping[str, Any]) -> None:
        """Take in the status of a rendered object.

        Nothing is recorded of one that the subject's plan does not name, nor if what is watched of
        the status is as before.
        """
        watched = self._composition.watched(parse_subject(subject).group_kind)
        wanted = [
            name
            for kind, names in watched.items()
            for name in names
            if identifier.startswith(f"{kind}/")
        ]
        body = {"id": identifier, "status": {n: status[n] for n in wanted if n in status}}
        planned = self.state.plans.get(subject)
        if planned is None or identifier not in planned.entries:
            return  # of something that is no longer asked for
        if self.state.statuses.get(subject, {}).get(identifier, {}) == body["status"]:
            return  # nothing is said of it, or nothing new
        self._emit_led(ev.STATUS_OBSERVED, subject, body, cause=planned.seq)
        self._replan()

    def record_applied(self, subject: str, planned: int, taken: Sequence[Taken]) -> None:
        """Record that the cluster has taken a plan, or what of it had changed."""
        body = {"manifests": [each._asdict() for each in taken]}
        self._emit_led(ev.APPLIED, subject, body, cause=planned)
        self._replan()

    def record_failure(
        self, subject: str, planned: int, identifier: str, reason: str, attempt: int
    ) -> None:
        """Record that the cluster did not take a manifest of a plan."""
        body = {"attempt": attempt, "id": identifier, "reason": reason[:_REASON_SIZE_MAX]}
        self._emit_led(ev.APPLY_FAILED, subject, body, cause=planned)
        self._replan()

    def record_drift(
        self, subject: str, identifier: str, fields: Sequence[str], managers: Sequence[str]
    ) -> None:
        """Record that somebody else changed what a plan had applied."""
        planned = self.state.plans.get(subject)
        body = {
            "fields": sorted(fields)[:_FIELDS_MAX],
            "id": identifier,
            "managers": sorted(managers)[:_FIELDS_MAX],
        }
        cause = None if planned is None else planned.seq
        self._emit_led(ev.DRIFT_OBSERVED, subject, body, cause=cause)
        self._replan()

    def reach_deadlines(self) -> None:
        """Take in, for every subject whose deadline is past, that it is reached."""
        now_us = self._sources.clock.now_us()
        for subject in self.state.timed():
            deadline_us = self._deadline(subject)
            if deadline_us is not None and deadline_us <= now_us:
                self._emit_led(ev.DEADLINE_REACHED, subject, {"deadlineUs": deadline_us})
                self._replan()

    def next_deadline(self) -> int | None:
        """Return the POSIX time in microseconds of the next deadline, None if there is none."""
        found = (self._deadline(subject) for subject in self.state.timed())
        return min((deadline for deadline in found if deadline is not None), default=None)

    def _deadline(self, subject: str) -> int | None:
        try:
            return self.state.deadline(subject)
        except PluginError as error:
            self._failed(subject, error)
            return None

    def status(self, subject: str) -> dict[str, Any]:
        """Return what the status of a subject's object says now."""
        return self.state.status(subject)

    def record(
        self, kind: str, subject: str, body: Mapping[str, Any], cause: int | None = None
    ) -> int:
        """Take in what a person did to the log itself, such as a redaction; return its seq.

        Raises:
            UsageError: it holds a credential.
        """
        for location in walk_credentials(body, ()):
            raise UsageError(f"{join_path(location)}: holds a credential, and would be recorded")
        self._emit_led(kind, subject, body, cause=cause)
        return self.state.size - 1

    def carry(self, before: State, subject: str) -> None:
        """Take a subject over from the state of the log that this one goes on from."""
        group_kind = parse_subject(subject).group_kind
        body = carrying.payload_of(before, subject, self._composition.reducer(group_kind))
        personal = self._is_personal(subject, before)
        salt = self._salt(ev.CARRIED, subject) if personal else b""
        self._emit_led(ev.CARRIED, subject, body, salt=salt)

    def manifests(self, subject: str) -> list[Manifest]:
        """Return what a subject asks for now."""
        return self.state.manifests(subject)

    def take_entries(self) -> list[Entry]:
        """Return what is to be appended, and forget it."""
        entries, self._entries = self._entries, []
        return entries

    def acknowledge(self, size: int) -> list[Plan]:
        """Return the plans whose records are among the first `size`, which are now durable."""
        ready = [planned for planned in self._plans if planned.seq < size]
        self._plans = [planned for planned in self._plans if planned.seq >= size]
        return ready

    def _rendered_purely(self, subject: str) -> list[Manifest]:
        """Return what a subject asks for, once its slice is known to be JSON and left alone.

        Raises:
            PluginError: a reducer made what is no slice, or a renderer changed one.
        """
        before = self._encoded_slice(subject)
        manifests = self.manifests(subject)
        if self._encoded_slice(subject) != before:
            renderers = ", ".join(self._composition.renderer_requirements)
            raise PluginError(
                f"one of {renderers} changed the slice of {subject}; it may only read it"
            )
        return manifests

    def _encoded_slice(self, subject: str) -> bytes:
        current = self.state.slices.get(subject)
        try:
            return canonical.encode({"slice": None if current is None else dict(current)})
        except ValueRefused as error:
            group_kind = parse_subject(subject).group_kind
            requirement = self._composition.reducer_requirement(group_kind)
            raise PluginError(
                f"reducer {requirement} made of {subject} what is no slice: {error}"
            ) from None

    def _is_personal(self, subject: str, state: State | None = None) -> bool:
        """Tell whether what is known of a subject, and so its plan, holds something personal."""
        resource = self._composition.resource(parse_subject(subject).group_kind)
        observation = (state or self.state).observation(subject)
        if resource is None or observation is None:
            return False
        if ev.observed(resource.kind) not in self._composition.starts_anew(resource.group_kind):
            return may_hold_personal(resource.spec)  # an older observation may still count
        return holds_personal(resource.spec, observation.payload["object"].get("spec"))

    def _replan(self) -> None:
        """Judge and plan what has changed, and what that concerns, in the order of the log.

        Raises:
            PluginError: reducers go on changing what others depend on.
        """
        state = self.state
        for _ in range(_ROUNDS_MAX):
            changed = sorted(state.unplanned.items(), key=lambda item: (item[1], item[0]))
            affected = [item for item in state.affected.items() if item[0] not in state.unplanned]
            if not (changed or affected):
                return
            for subject, cause in changed:
                with self._isolated(subject):
                    self._plan(subject, self._judge(subject, cause))
            for subject, cause in affected:
                with self._isolated(subject):
                    cause_now = self._judge(subject, cause)
                    if self._differs(subject):
                        self._plan(subject, cause_now)
                    else:
                        state.affected.pop(subject, None)
        raise PluginError(
            f"what depends on each other does not come to rest: {', '.join(sorted(state.affected))}"
        )

    @contextmanager
    def _isolated(self, subject: str) -> Iterator[None]:
        """Leave a subject as it was last planned if a plugin fails on it."""
        try:
            yield
        except PluginError as error:
            self._failed(subject, error)
            self.state.unplanned.pop(subject, None)
            self.state.affected.pop(subject, None)

    def _is_reducible(self, kind: str, subject: str, body: Mapping[str, Any]) -> bool:
        """Tell whether the reducer takes an event, before it is recorded for good."""
        reducer = self._composition.reducer(parse_subject(subject).group_kind)
        if reducer is None or self._failed is stop_at_failures:
            return True
        state, encoded = self.state, canonical.encode(body)
        event = Event(state.size, state.epoch, state.time_us, kind, subject, encoded)
        try:
            reducer.reduce(state.slices.get(subject), event, state.slices)
        except Exception as error:  # a plugin may raise anything
            self._failed(subject, failure_of(reducer, event, error))
            return False
        return True

    def _judge(self, subject: str, cause: int) -> int:
        """Record the verdict that is due on a subject; return what its plan is caused by."""
        body = self.state.judgement(subject, cause)
        if body is None:
            return cause
        salt = self._salt(ev.JUDGED, subject) if self._is_personal(subject) else b""
        self._emit_led(ev.JUDGED, subject, body, cause=cause, salt=salt)
        return self.state.size - 1

    def _differs(self, subject: str) -> bool:
        """Tell whether a subject asks for something else than it was last planned."""
        known = self.state.plans.get(subject)
        lines = self.state.plan_lines(subject, self._rendered_purely(subject))
        return lines != ([] if known is None else list(known.entries.values()))

    def _plan(self, subject: str, cause: int) -> None:
        manifests = self._rendered_purely(subject)
        if subject not in self.state.plans and not manifests:
            self.state.unplanned.pop(subject, None)
            self.state.affected.pop(subject, None)
            return
        body = self.state.plan_payload(subject, manifests)
        salt = self._salt(ev.PLANNED, subject) if self._is_personal(subject) else b""
        self._emit_led(ev.PLANNED, subject, body, cause=cause, salt=salt)
        changed = [plan.manifest_id(manifest) for manifest in body["changed"]]
        seq = self.state.size - 1
        self._plans.append(
            Plan(subject, seq, manifests, changed, body["removed"], body["retained"])
        )

    def _emit_led(
        self,
        kind: str,
        subject: str,
        body: Mapping[str, Any],
        cause: int | None = None,
        salt: bytes = b"",
    ) -> None:
        self.lead()
        self._emit(kind, subject, body, cause=cause, salt=salt)

    def _emit(
        self,
        kind: str,
        subject: str,
        body: Mapping[str, Any],
        epoch: int | None = None,
        cause: int | None = None,
        salt: bytes = b"",
    ) -> None:
        state = self.state
        if state.successor and kind not in KEPT_KINDS:
            raise UsageError(f"this log is closed; {state.successor} goes on from it")
        encoded = canonical.encode(body)
        if len(encoded) > PAYLOAD_SIZE_MAX:
            raise UsageError(
                f"{kind} of {subject or 'the log'}: payload of {len(encoded)} bytes, "
                f"the limit is {PAYLOAD_SIZE_MAX}"
            )
        epoch = state.epoch if epoch is None else epoch
        time_us = max(self._sources.clock.now_us(), state.time_us)
        state.fold(Event(state.size, epoch, time_us, kind, subject, encoded, cause))
        self._entries.append(Entry(kind, subject, encoded, epoch, time_us, cause, salt))
