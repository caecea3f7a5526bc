"""The leader: takes in what has happened, makes it durable, and hands out what follows from it.

One task does all of it, batch after batch, so that there is one order of events. The sink is called
from a thread, for it may block; nothing else of the pipeline's is touched while it is.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, NamedTuple

import structlog

from rynxs.engine.observation import subject_of
from rynxs.errors import SinkUnavailable
from rynxs.operator.applier import Done, Drifted, Outcome
from rynxs.operator.backoff import delay_s, is_told
from rynxs.operator.reconciling import Asked

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from rynxs.engine.observation import Actor
    from rynxs.engine.pipeline import Pipeline
    from rynxs.engine.plan import Manifest
    from rynxs.engine.resource import Resource
    from rynxs.eventlog.log import Entry, Log
    from rynxs.operator.applier import Applier
    from rynxs.operator.inbox import Inbox
    from rynxs.operator.position import Positions
    from rynxs.sources import Clock

_log = structlog.get_logger("rynxs.operator.leader")


class Observed(NamedTuple):
    """An object as it is."""

    resource: Resource
    manifest: Mapping[str, Any]
    actor: Actor


class Gone(NamedTuple):
    """An object is not there any more; told only by its deletion, or by a complete list."""

    subject: str
    actor: Actor


class StatusSeen(NamedTuple):
    """A rendered object's status."""

    subject: str
    id: str
    status: Mapping[str, Any]


Input = Observed | Gone | StatusSeen | Outcome


class Health(NamedTuple):
    """Whether the log takes records.

    Attributes:
        failure: why it does not, empty if it does.
        since_s: since when, by the process's own clock.
    """

    failure: str
    since_s: float


class Leader:
    """Runs one pipeline on one log, of which this process has taken the lead.

    Attributes:
        health: of the log.
    """

    def __init__(
        self,
        pipeline: Pipeline,
        log: Log,
        positions: Positions,
        inbox: Inbox[Input],
        clock: Clock,
        now_s: Callable[[], float],
    ) -> None:
        """Take over a pipeline that has folded the whole history.

        Args:
            pipeline: its epoch is started, and what that emitted is durable.
            log: the pipeline's.
            positions: of the history's records.
            inbox: what happens.
            clock: the pipeline's, for deadlines.
            now_s: a clock in seconds that never goes back.
        """
        self._pipeline = pipeline
        self._log = log
        self._positions = positions
        self._inbox = inbox
        self._clock = clock
        self._now_s = now_s
        self.health = Health("", now_s())

    async def run(self, applier: Applier, changed: Callable[[Sequence[str]], None]) -> None:
        """Work until cancelled.

        Args:
            applier: gets the plans, once they are durable.
            changed: is told of the subjects about which there is something new, once it is durable.

        Raises:
            SinkConflict: another writer owns the log: stop.
            LogCorrupt: the log does not hold what was written.
        """
        self._hand_out_what_is_left(applier)
        changed(self._pipeline.state.live())
        while True:
            for_now = await self._inbox.take(self._wake_at_s())
            concerned = [subject for each in for_now if (subject := self._take_in(each))]
            self._pipeline.reach_deadlines()
            entries = self._pipeline.take_entries()
            if entries:
                await self._append(entries)
            self._hand_out(applier)
            subjects = {*concerned, *(entry.subject for entry in entries if entry.subject)}
            changed(sorted(subjects))

    def _wake_at_s(self) -> float | None:
        """Return when the next deadline is, by the process's own clock."""
        deadline_us = self._pipeline.next_deadline()
        if deadline_us is None:
            return None
        return self._now_s() + (deadline_us - self._clock.now_us()) / 1_000_000

    def _take_in(self, each: Input) -> str:
        """Let the pipeline take something in; return the subject that it is about."""
        pipeline = self._pipeline
        if isinstance(each, Observed):
            return self._observe(each)
        if isinstance(each, Gone):
            if pipeline.state.observation(each.subject) is not None:
                pipeline.delete(each.subject, each.actor)
            return each.subject
        if isinstance(each, StatusSeen):
            pipeline.observe_status(each.subject, each.id, each.status)
            return each.subject
        if isinstance(each, Drifted):
            pipeline.record_drift(each.subject, *each.drift)
            return each.subject
        subject, seq = each.asked.subject, each.asked.seq
        if isinstance(each, Done):
            pipeline.record_applied(subject, seq, each.taken)
        elif is_told(each.attempt):
            pipeline.record_failure(subject, seq, each.id, each.reason, each.attempt)
        return subject

    def _observe(self, each: Observed) -> str:
        """Let the pipeline take in an object; one of another uid has come in the place of its own.

        So it is known that the one before was deleted, though nobody may have seen that.
        """
        subject = str(subject_of(each.resource, each.manifest))
        before = self._pipeline.state.observation(subject)
        if before is not None:
            uids = before.payload["object"]["metadata"]["uid"], each.manifest["metadata"].get("uid")
            if None not in uids and len(set(uids)) > 1:
                self._pipeline.delete(subject, each.actor)
        self._pipeline.observe(each.resource, each.manifest, each.actor)
        return subject

    def _hand_out(self, applier: Applier) -> None:
        for plan in self._pipeline.acknowledge(self._log.size):
            applied = self._pipeline.state.applied.get(plan.subject)
            applier.want(self._asked(plan.subject, plan.seq, plan.manifests), applied)

    def _hand_out_what_is_left(self, applier: Applier) -> None:
        """Hand out the newest plan of every subject, after those that were just made.

        What is there already takes no write; what a crash has left undone is done now.
        """
        self._hand_out(applier)
        state = self._pipeline.state
        for subject in sorted(state.plans):
            planned = state.plans[subject]
            manifests = self._pipeline.manifests(subject)
            if state.plan_lines(subject, manifests) != list(planned.entries.values()):
                _log.error("not applied: recomputed it is another plan", subject=subject)
                continue
            asked = self._asked(subject, planned.seq, manifests)
            applier.want(asked, state.applied.get(subject))

    def _asked(self, subject: str, seq: int, manifests: Sequence[Manifest]) -> Asked:
        state = self._pipeline.state
        kept = frozenset(state.kept(subject, manifests))
        return Asked(self._pipeline.origin, subject, seq, state.epoch, manifests, kept)

    async def _append(self, entries: Sequence[Entry]) -> None:
        """Make entries durable, however long that takes; what was sent is sent again as it was."""
        start, attempt = self._log.size, 0
        while True:
            left = entries[self._log.size - start :]
            if not left:
                break
            try:
                await asyncio.to_thread(self._log.append, left, self._positions.appended)
            except SinkUnavailable as error:
                attempt += 1
                if not self.health.failure:
                    self.health = Health(str(error), self._now_s())
                _log.warning("the log is not available", attempt=attempt, error=str(error))
                await asyncio.sleep(delay_s(attempt))
        if self.health.failure:
            _log.info("the log is available again", attempts=attempt)
            self.health = Health("", self._now_s())
