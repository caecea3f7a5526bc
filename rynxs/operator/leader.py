"""The leader: takes in what has happened, makes it durable, and hands out what follows from it.

One task does all of it, batch after batch, so that there is one order of events. The sink is called
from a thread, for it may block; nothing else of the pipeline's is touched while it is.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import structlog

from rynxs.engine.event import PLANNED
from rynxs.engine.observation import subject_of
from rynxs.errors import PluginError, SinkUnavailable
from rynxs.operator.applier import Done, Doubted, Drifted, NotDone, Outcome
from rynxs.operator.backoff import delay_s, is_told
from rynxs.operator.guarded import in_thread
from rynxs.operator.reconciling import Asked
from rynxs.operator.tracing import span

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from rynxs.engine.observation import Actor
    from rynxs.engine.plan import Manifest
    from rynxs.engine.resource import Resource
    from rynxs.eventlog.log import Entry
    from rynxs.operator.inbox import Inbox
    from rynxs.operator.takeover import Lead
    from rynxs.operator.troubles import Troubles
    from rynxs.operator.upkeep import Upkeep
    from rynxs.sources import Clock

_log = structlog.get_logger("rynxs.operator.leader")
_HOGGED_MOST_S = 0.01
_RETRY_MOST_S = 5.0
"""Longer than that nobody waits for a log that has come back."""


class Observed(NamedTuple):
    """An object as it is."""

    resource: Resource
    manifest: Mapping[str, Any]
    actor: Actor


class Gone(NamedTuple):
    """An object is not there any more; told only by its deletion, or by a complete list.

    Attributes:
        uid: of the object, None if nobody knows it; another one of its name may be there by now.
    """

    subject: str
    actor: Actor
    uid: str | None = None


class StatusSeen(NamedTuple):
    """A rendered object's status."""

    subject: str
    id: str
    status: Mapping[str, Any]


class Touched(NamedTuple):
    """An object has changed in what is not recorded, such as its status."""

    subject: str


Input = Observed | Gone | StatusSeen | Touched | Outcome


def is_urgent(each: Input) -> bool:
    """Tell whether something will be done in the cluster because of this: a person waits for it."""
    return isinstance(each, Observed | Gone)


class Newest(NamedTuple):
    """Which object of a subject's name was observed last, and which generation of its spec."""

    uid: str | None
    generation: int | None


class Health(NamedTuple):
    """Whether the log takes records.

    Attributes:
        failure: why it does not, empty if it does.
        since_s: since when, by the process's own clock.
    """

    failure: str
    since_s: float


class Plans(Protocol):
    """Who gets durable plans: an applier, or whoever only shows them."""

    def want(self, asked: Asked, applied: int | None) -> None:
        """Take in a plan, newer than any before, and the seq of that which was applied last."""


class Told(NamedTuple):
    """Who is told what the leader does; each is called on the event loop, and is quick.

    Attributes:
        changed: the subjects about which there is something new, once it is durable. Nothing that
            is not durable is in the pipeline just then.
        planned: a batch was taken in: how many plans that made, and how many seconds it took.
        appended: entries are durable: the seq of the first, and how many seconds it took.
        unavailable: the log took nothing, and it will be tried again.
        settled: this was taken in, and what followed from it is durable.
    """

    changed: Callable[[Sequence[str]], None]
    planned: Callable[[int, float], None]
    appended: Callable[[int, Sequence[Entry], float], None]
    unavailable: Callable[[], None]
    settled: Callable[[Gone | Doubted], None]


class Leader:
    """Runs one pipeline on one log, of which this process has taken the lead.

    Attributes:
        health: of the log.
        newest: what was observed last, by subject.
    """

    def __init__(
        self,
        lead: Lead,
        inbox: Inbox[Input],
        troubles: Troubles,
        clock: Clock,
        now_s: Callable[[], float],
        may_write: Callable[[], None],
    ) -> None:
        """Take over a pipeline that has folded the whole history.

        Args:
            lead: its pipeline's epoch is started, and what that emitted is durable.
            inbox: what happens.
            troubles: is told what goes wrong with subjects.
            clock: the pipeline's, for deadlines.
            now_s: a clock in seconds that never goes back.
            may_write: raises when this process may no longer write.
        """
        self._pipeline = lead.pipeline
        self._log = lead.log
        self._positions = lead.positions
        self._inbox = inbox
        self._troubles = troubles
        self._clock = clock
        self._now_s = now_s
        self._may_write = may_write
        self.health = Health("", now_s())
        self.newest: dict[str, Newest] = {}

    async def run(self, plans: Plans, told: Told, upkeep: Upkeep) -> None:
        """Work until the inbox is closed and empty.

        Args:
            plans: gets the plans, once they are durable.
            told: is told of all this.
            upkeep: does what else is due about the log, while nothing is being appended.

        Raises:
            SinkConflict: another writer owns the log: stop.
            LogCorrupt: the log does not hold what was written.
        """
        self._hand_out_what_is_left(plans)
        while not self._inbox.is_done:
            for_now = await self._inbox.take(self._wake_at_s(upkeep))
            since_s = self._now_s()
            with span("plan", inputs=len(for_now)):
                concerned = await self._take_all_in(for_now)
                self._pipeline.reach_deadlines()
            entries = self._entries(for_now)
            if entries:
                told.planned(sum(each.kind == PLANNED for each in entries), self._now_s() - since_s)
                await self._append(entries, told)
            self._hand_out(plans)
            for each in for_now:
                if isinstance(each, Gone | Doubted):
                    told.settled(each)
            subjects = {*concerned, *(entry.subject for entry in entries if entry.subject)}
            told.changed(sorted(subjects | self._pipeline.state.slices.take_recounted()))
            await self._keep_up(upkeep, told)

    def _entries(self, batch: Sequence[Input]) -> Sequence[Entry]:
        """Return what a batch comes to; something, if it is in doubt who leads, to find out."""
        entries = self._pipeline.take_entries()
        doubts = [each for each in batch if isinstance(each, Doubted)]
        if entries or not doubts:
            return entries
        self._pipeline.record_drift(doubts[0].subject, *doubts[0].drift)
        return self._pipeline.take_entries()

    async def _keep_up(self, upkeep: Upkeep, told: Told) -> None:
        snapshot = await upkeep.snapshot_due()
        if snapshot is not None:
            self._pipeline.record_snapshot(snapshot.size, snapshot.digest)
            await self._append(self._pipeline.take_entries(), told)
            await upkeep.snapshot_recorded()
        await upkeep.checkpoint_due()

    def _wake_at_s(self, upkeep: Upkeep) -> float | None:
        """Return when something is due even if nothing happens, by the process's own clock."""
        due_s = upkeep.due_s()
        deadline_us = self._pipeline.next_deadline()
        if deadline_us is None:
            return due_s
        deadline_s = self._now_s() + (deadline_us - self._clock.now_us()) / 1_000_000
        return deadline_s if due_s is None else min(deadline_s, due_s)

    async def _take_all_in(self, batch: Sequence[Input]) -> list[str]:
        """Let the pipeline take a batch in; others get a word in while that lasts."""
        concerned, since_s = [], self._now_s()
        for each in batch:
            concerned.append(self._take_in(each))
            if self._now_s() > since_s + _HOGGED_MOST_S:
                await asyncio.sleep(0)
                since_s = self._now_s()
        return concerned

    def _take_in(self, each: Input) -> str:
        """Let the pipeline take something in; return the subject that it is about."""
        if isinstance(each, Observed):
            return self._observe(each)
        if isinstance(each, Done | NotDone):
            return self._take_outcome(each)
        if isinstance(each, Gone):
            self._take_for_gone(each)
        elif isinstance(each, StatusSeen):
            self._pipeline.observe_status(each.subject, each.id, each.status)
        elif isinstance(each, Drifted):
            self._pipeline.record_drift(each.subject, *each.drift)
        return each.subject

    def _take_outcome(self, each: Done | NotDone) -> str:
        subject, seq = each.asked.subject, each.asked.seq
        if isinstance(each, Done):
            self._troubles.applied(subject)
            self._pipeline.record_applied(subject, seq, each.taken)
            return subject
        self._troubles.not_applied(subject, seq, each.id, each.reason)
        if is_told(each.attempt):
            self._pipeline.record_failure(subject, seq, each.id, each.reason, each.attempt)
        return subject

    def _take_for_gone(self, each: Gone) -> None:
        before = self._pipeline.state.observation(each.subject)
        known = None if before is None else before.payload["object"]["metadata"]["uid"]
        if None not in (each.uid, known) and each.uid != known:
            return  # another one of its name has come in its place, and that is known already
        self._troubles.gone(each.subject)
        self.newest.pop(each.subject, None)
        if before is not None:
            self._pipeline.delete(each.subject, each.actor)

    def _observe(self, each: Observed) -> str:
        """Let the pipeline take in an object; one of another uid has come in the place of its own.

        So it is known that the one before was deleted, though nobody may have seen that.
        """
        subject = str(subject_of(each.resource, each.manifest))
        metadata = each.manifest["metadata"]
        self.newest[subject] = Newest(metadata.get("uid"), metadata.get("generation"))
        before = self._pipeline.state.observation(subject)
        if before is not None:
            uids = before.payload["object"]["metadata"]["uid"], metadata.get("uid")
            if None not in uids and len(set(uids)) > 1:
                self._pipeline.delete(subject, each.actor)
        failure = self._troubles.observed(subject)
        is_news = self._pipeline.observe(each.resource, each.manifest, each.actor)
        if failure is not None and not is_news:
            self._troubles.still_failing(subject, failure)
        return subject

    def _hand_out(self, plans: Plans) -> None:
        for plan in self._pipeline.acknowledge(self._log.size):
            applied = self._pipeline.state.applied.get(plan.subject)
            plans.want(self._asked(plan.subject, plan.seq, plan.manifests), applied)

    def _hand_out_what_is_left(self, plans: Plans) -> None:
        """Hand out the newest plan of every subject, after those that were just made.

        What is there already takes no write; what a crash has left undone is done now.
        """
        self._hand_out(plans)
        state = self._pipeline.state
        for subject in sorted(state.plans):
            planned = state.plans[subject]
            try:
                manifests = self._pipeline.manifests(subject)
            except PluginError as error:
                self._troubles.plugin_failed(subject, error)
                continue
            if state.plan_lines(subject, manifests) != list(planned.entries.values()):
                _log.error(
                    "not applied: recomputed it is another plan",
                    subject=subject,
                    seq=planned.seq,
                )
                continue
            asked = self._asked(subject, planned.seq, manifests)
            plans.want(asked, state.applied.get(subject))

    def _asked(self, subject: str, seq: int, manifests: Sequence[Manifest]) -> Asked:
        state = self._pipeline.state
        kept = frozenset(state.kept(subject, manifests))
        origin, epochs = self._pipeline.origin, self._positions.epochs
        return Asked(origin, subject, seq, state.epoch, manifests, kept, epochs, state.predecessor)

    async def _append(self, entries: Sequence[Entry], told: Told) -> None:
        """Make entries durable, however long that takes; what was sent is sent again as it was."""
        start, since_s = self._log.size, self._now_s()
        with span("append", seq=start, records=len(entries)):
            await self._persist(entries, told)
        told.appended(start, entries, self._now_s() - since_s)

    async def _persist(self, entries: Sequence[Entry], told: Told) -> None:
        start, attempt = self._log.size, 0
        while left := entries[self._log.size - start :]:
            self._may_write()
            try:
                await in_thread(self._log.append, left, self._positions.appended)
            except SinkUnavailable as error:
                attempt += 1
                if not self.health.failure:
                    self.health = Health(str(error), self._now_s())
                told.unavailable()
                _log.warning("the log is not available", attempt=attempt, error=str(error))
                await asyncio.sleep(delay_s(attempt, _RETRY_MOST_S))
        if self.health.failure:
            _log.info("the log is available again", attempts=attempt)
            self.health = Health("", self._now_s())
