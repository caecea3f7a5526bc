"""A term: all that a process does from when it leads the log until it stops."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple

from rynxs.engine.event import APPLY_FAILED, DRIFT_OBSERVED
from rynxs.errors import PluginError
from rynxs.eventlog import canonical
from rynxs.operator.applier import Doubted
from rynxs.operator.guarded import ended
from rynxs.operator.leader import Leader, Told
from rynxs.operator.notices import Notice
from rynxs.operator.status_writer import Said

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping, Sequence

    from rynxs.eventlog.log import Entry
    from rynxs.operator.effects import Effects
    from rynxs.operator.inbox import Inbox
    from rynxs.operator.leader import Gone, Input
    from rynxs.operator.metrics import Metrics
    from rynxs.operator.objects import Held, Objects
    from rynxs.operator.reconciling import Asked
    from rynxs.operator.rendered import Rendered
    from rynxs.operator.takeover import Lead
    from rynxs.operator.troubles import Troubles
    from rynxs.operator.upkeep import Upkeep
    from rynxs.sources import Clock

_DRAIN_LIMIT_S = 10.0
"""So long an orderly stop waits for the log to take what is left; it is learned again, if not."""


class Parts(NamedTuple):
    """What a term consists of.

    Attributes:
        lead: the log.
        upkeep: of the log.
        inbox: what happens.
        troubles: of subjects.
        objects: users' objects.
        rendered: rendered objects.
        effects: what becomes of plans.
        metrics: count it all.
        clock: time of day.
        now_s: a clock in seconds that never goes back.
        may_write: raises when this process may no longer write.
    """

    lead: Lead
    upkeep: Upkeep
    inbox: Inbox[Input]
    troubles: Troubles
    objects: Objects
    rendered: Rendered
    effects: Effects
    metrics: Metrics
    clock: Clock
    now_s: Callable[[], float]
    may_write: Callable[[], None]


class Term:
    """Leads a log.

    Attributes:
        leader: of the log.
    """

    def __init__(self, parts: Parts) -> None:
        """Do nothing yet."""
        self._parts = parts
        self.leader = Leader(
            parts.lead, parts.inbox, parts.troubles, parts.clock, parts.now_s, parts.may_write
        )

    async def run(
        self,
        sources: Sequence[Coroutine[Any, Any, None]],
        guards: Sequence[asyncio.Task[None]],
        stopping: asyncio.Event,
    ) -> None:
        """Lead until `stopping` is set, and then finish what is under way.

        Args:
            sources: what tells of the cluster, each until it is cancelled.
            guards: what must go on meanwhile.
            stopping: asks for an orderly stop.

        Raises:
            Exception: this process must not lead any longer. Then nothing more is written.
        """
        self._parts.inbox.expects = lambda: self._parts.effects.is_busy
        self._parts.objects.doubted = self._parts.effects.hold
        self._parts.objects.confirmed = self._parts.effects.release
        leading = asyncio.create_task(self._lead(), name="leader")
        works = [*sources, self._parts.effects.run(), self._hear_of_rendered()]
        others = [asyncio.create_task(each) for each in works]
        stopped = asyncio.create_task(stopping.wait())
        waiting = [leading, stopped, *others, *guards]
        try:
            while not stopped.done():
                await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
                for task in [each for each in waiting if each.done()]:  # in an order that repeats
                    task.result()
                    waiting.remove(task)
            await ended(others)
            await self._finish(leading)
        finally:
            await ended([*others, stopped])
            await self._parts.effects.stop()
            await ended([leading])

    async def _finish(self, leading: asyncio.Task[None]) -> None:
        """Let the log take what is left, if it does so soon."""
        await self._parts.effects.stop()
        await self._parts.inbox.close()
        with suppress(TimeoutError):
            async with asyncio.timeout(_DRAIN_LIMIT_S):
                await asyncio.shield(leading)
            await self._parts.upkeep.finish()

    async def _lead(self) -> None:
        metrics = self._parts.metrics
        told = Told(
            changed=self._changed,
            planned=lambda count, took_s: metrics.planned(took_s, count),
            appended=self._appended,
            unavailable=metrics.append_failed,
            settled=self._settled,
        )
        await self.leader.run(self, told, self._parts.upkeep)

    async def _hear_of_rendered(self) -> None:
        await self._parts.rendered.told_to(self._parts.effects.look, self._parts.inbox.put)

    def want(self, asked: Asked, applied: int | None) -> None:
        """Hand a plan on, unless it is of a kind or a namespace that does not count."""
        if self._parts.objects.counts(asked.subject):
            is_known = self._parts.objects.is_known(asked.subject)
            tell = self._parts.effects.release if is_known else self._parts.effects.hold
            tell(asked.subject)
            self._parts.rendered.wants(asked)
            self._parts.effects.want(asked, applied)

    def _settled(self, each: Gone | Doubted) -> None:
        """Go on once it is recorded that an object is gone, or known that this process leads."""
        if isinstance(each, Doubted):
            self._parts.effects.go_on(each)
            return
        self._parts.objects.settled(each.subject)
        if self._parts.objects.is_known(each.subject):
            self._parts.effects.release(each.subject)

    def _changed(self, subjects: Sequence[str]) -> None:
        for subject in subjects:
            newest = self.leader.newest.get(subject)
            if newest is not None and self._parts.objects.counts(subject):
                position = self._parts.lead.positions.of(subject)
                status = self._status(subject)
                self._parts.effects.say(subject, Said(status, position, *newest))
        self._parts.metrics.degraded(len(self._parts.troubles.degraded))

    def _status(self, subject: str) -> dict[str, Any]:
        """Return what the status of a subject's object says, how far its plan has got included."""
        pipeline, troubles = self._parts.lead.pipeline, self._parts.troubles
        status: Mapping[str, Any] = {}
        if pipeline.state.observation(subject) is not None:
            try:
                status = pipeline.status(subject)
            except PluginError as error:
                troubles.plugin_failed(subject, error)
        own = troubles.conditions(subject, pipeline.state)
        return {**status, "conditions": [*status.get("conditions", ()), *own]}

    def _appended(self, first: int, entries: Sequence[Entry], took_s: float) -> None:
        log = self._parts.lead.log
        self._parts.metrics.appended((entry.kind for entry in entries), took_s, log.size)
        for seq, entry in enumerate(entries, first):
            about = self._parts.objects.get(entry.subject)
            if about is None:
                continue
            if entry.kind == APPLY_FAILED:
                self._parts.effects.notice(_failure(about, seq, entry))
            elif entry.kind == DRIFT_OBSERVED:
                self._parts.effects.notice(_drift(about, seq, entry))


def _failure(about: Held, seq: int, entry: Entry) -> Notice:
    body = canonical.decode(entry.payload)
    note = f"{body['id']}: {body['reason']} (attempt {body['attempt']}, record {seq})"
    return Notice(about, is_warning=True, reason="ApplyFailed", note=note)


def _drift(about: Held, seq: int, entry: Entry) -> Notice:
    body = canonical.decode(entry.payload)
    who = ", ".join(body["managers"]) or "somebody"
    what = f"changed {len(body['fields'])} fields" if body["fields"] else "deleted it"
    note = f"{body['id']}: {who} {what}; it is set right (record {seq})"
    return Notice(about, is_warning=True, reason="Drifted", note=note)
