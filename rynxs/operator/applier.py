"""The applier: brings the cluster to what durable plans ask for, one subject at a time.

For each subject the newest plan counts, whatever was asked for in between. Its steps are taken in
order; subjects are independent of each other, and only so many are worked on at once.

Nothing sleeps: whenever something may have changed, a subject is looked at, and what is not due yet
is left alone.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, NamedTuple

import structlog

from rynxs.engine.pipeline import Taken
from rynxs.operator.backoff import delay_s
from rynxs.operator.fights import Fights
from rynxs.operator.packed import PackedManifests
from rynxs.operator.reconciling import LATER_EPOCH, Create, Drift
from rynxs.operator.stamp import stamp_of
from rynxs.operator.tracing import span
from rynxs.operator.writer import Contested, StepFailed, Writer

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from rynxs.operator.cluster import Cluster
    from rynxs.operator.present import Present
    from rynxs.operator.reconciling import Asked, Step

_log = structlog.get_logger("rynxs.operator.applier")
_STOP_LIMIT_S = 5.0


class Done(NamedTuple):
    """A plan that the cluster has taken.

    Attributes:
        taken: what was written for it; if there was a crash in between, also by an earlier leader.
    """

    asked: Asked
    taken: list[Taken]


class NotDone(NamedTuple):
    """A manifest of a plan that the cluster has not taken; it will be tried again.

    Attributes:
        attempt: how often in a row the plan has failed, counted from 1.
    """

    asked: Asked
    id: str
    reason: str
    attempt: int


class Drifted(NamedTuple):
    """What others have changed of a subject's object; it is being set right.

    Told of a first time, of a change of what is changed, and of every 2^n-th time.

    Attributes:
        times: how often that object had to be set right under this plan.
    """

    subject: str
    drift: Drift
    times: int


class Doubted(NamedTuple):
    """An object bears the stamp of an epoch after this one; it is left alone until that is clear.

    Whoever leads has appended to the log before that, so that nobody else can any more.

    Attributes:
        drift: what to record of it, if this process can.
        version: resourceVersion of the object.
    """

    subject: str
    drift: Drift
    version: str


Outcome = Done | NotDone | Drifted | Doubted


class _Failed(NamedTuple):
    """The step at which a plan has failed, and when it is tried again."""

    seq: int
    step: Step
    attempt: int
    due_s: float

    def holds(self, seq: int, step: Step) -> bool:
        """Tell whether a step is the one that failed, and not what it is now possible to do."""
        return (self.seq, self.step.id, type(self.step)) == (seq, step.id, type(step))


class _Stopped(Exception):
    """No more is to be written."""


class Applier:
    """Applies plans. It writes only while `may_write` does not raise."""

    def __init__(
        self,
        cluster: Cluster,
        present: Present,
        may_write: Callable[[], None],
        tell: Callable[[Outcome], Awaitable[None]],
        concurrency: int,
    ) -> None:
        """Have nothing to do yet.

        Args:
            cluster: to write to.
            present: what is there; it is told of every write.
            may_write: raises when this process may no longer write.
            tell: is told what came of it.
            concurrency: how many subjects are worked on at once.
        """
        self._loop = asyncio.get_running_loop()
        self._present = present
        self._may_write = may_write
        self._writer = Writer(cluster, present, self._check)
        self._tell = tell
        self._slots = asyncio.Semaphore(concurrency)
        self._fights = Fights(self._loop.time)
        self._asked: dict[str, Asked] = {}
        self._applied: dict[str, int] = {}
        self._taken: dict[str, dict[str, Taken]] = {}
        self._failures: dict[str, _Failed] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._again: set[str] = set()
        self._on_hold: set[str] = set()
        self._doubted: dict[str, str] = {}
        self._is_stopping = False
        self._failed: asyncio.Future[None] = self._loop.create_future()

    def want(self, asked: Asked, applied: int | None) -> None:
        """Ask for a plan, which is durable, and is a newer one than any before.

        Args:
            asked: the plan.
            applied: the seq of the subject's plan that is recorded as applied, None for none.
        """
        self._asked[asked.subject] = asked._replace(manifests=PackedManifests(asked.manifests))
        if applied is not None:
            self._applied[asked.subject] = applied
        self.look(asked.subject)

    def hold(self, subject: str) -> None:
        """Do nothing more about a subject, of whose object nobody knows whether it is there."""
        self._on_hold.add(subject)

    def release(self, subject: str) -> None:
        """Go on with a subject."""
        if subject in self._on_hold:
            self._on_hold.discard(subject)
            self.look(subject)

    def go_on(self, doubted: Doubted) -> None:
        """Take in that this process still leads, so that what was doubted is forged."""
        self._writer.forged(doubted.drift.id, doubted.version)
        self._doubted.pop(doubted.drift.id, None)
        self.look(doubted.subject)

    def look(self, subject: str) -> None:
        """Compare a subject's plan with what is there, and act; it may have changed."""
        if subject not in self._asked or subject in self._on_hold or self._is_stopping:
            return
        if subject in self._tasks:
            self._again.add(subject)
            return
        self._cancel_timer(subject)
        task = asyncio.create_task(self._work(subject), name=f"apply {subject}")
        self._tasks[subject] = task
        task.add_done_callback(lambda _: self._ended(subject))

    @property
    def busy(self) -> int:
        """How many subjects are being worked on, or wait for that."""
        return len(self._tasks.keys() | self._timers.keys())

    @property
    def is_writing(self) -> bool:
        """Whether there is a subject that is being worked on."""
        return bool(self._tasks)

    async def failed(self) -> None:
        """Wait until this process must stop, and raise why."""
        await asyncio.shield(self._failed)

    async def stop(self) -> None:
        """End all work; a write that is under way is finished, if that takes no longer than 5 s."""
        self._write_no_more()
        if self._tasks:
            _, late = await asyncio.wait(self._tasks.values(), timeout=_STOP_LIMIT_S)
            for task in [each for each in self._tasks.values() if each in late]:
                task.cancel()  # in an order that repeats
            if late:
                await asyncio.wait(late)

    def _write_no_more(self) -> None:
        self._is_stopping = True
        for subject in list(self._timers):
            self._cancel_timer(subject)

    def _cancel_timer(self, subject: str) -> None:
        timer = self._timers.pop(subject, None)
        if timer is not None:
            timer.cancel()

    def _check(self) -> None:
        """Let nothing be written any more once this is to stop."""
        if self._is_stopping:
            raise _Stopped
        self._may_write()

    def _ended(self, subject: str) -> None:
        del self._tasks[subject]
        if subject in self._again:
            self._again.discard(subject)
            self.look(subject)

    async def _work(self, subject: str) -> None:
        """Do what can be done now, and look again when more is due."""
        async with self._slots:
            try:
                due_s = await self._try(self._asked[subject])
            except _Stopped:
                return
            except Exception as error:  # whatever it is, nobody else begins to write after it
                self._write_no_more()
                if not self._failed.done():
                    self._failed.set_exception(error)
                return
        if due_s is not None and not self._is_stopping:
            self._timers[subject] = self._loop.call_at(due_s, self.look, subject)

    async def _try(self, asked: Asked) -> float | None:
        if self._is_stopping:
            raise _Stopped
        try:
            return await self._bring_about(asked)
        except StepFailed as error:
            return await self._fail(asked, error)

    async def _bring_about(self, asked: Asked) -> float | None:
        """Take the steps that are due; return when others are, None if nothing is left to do."""
        with span("apply", subject=asked.subject, seq=asked.seq, epoch=asked.epoch):
            return await self._take_steps(asked)

    async def _take_steps(self, newest: Asked) -> float | None:
        subject, asked = newest.subject, newest._replace(manifests=list(newest.manifests))
        if subject in self._on_hold:
            return None  # it is looked at again when it is released
        found = self._writer.compare(asked)
        drifts = [*found.drifts, *self._missing(asked, found.steps)]
        for drift, times in self._fights.met(asked, drifts):
            await self._tell(Drifted(subject, drift, times))
        held, doubted = self._fights.held(subject), False
        for step in found.steps:
            if self._asked[subject] is not newest or subject in self._on_hold:
                return None  # it is looked at again for the newer one, or when it is released
            failed = self._failures.get(subject)
            if failed and failed.holds(asked.seq, step) and failed.due_s > self._loop.time():
                return min([failed.due_s, *held.values()])
            if step.id not in held:
                doubted |= not await self._take(asked, step)
        if held:
            return min(held.values())
        if doubted:
            return None  # it is looked at again when it is known who leads
        self._failures.pop(subject, None)
        taken = self._all_taken(asked)
        if taken or self._applied.get(subject) != asked.seq:
            self._applied[subject] = asked.seq
            _logged(asked).info("applied", manifests=[f"{each.action} {each.id}" for each in taken])
            await self._tell(Done(newest, taken))
        return None

    async def _take(self, asked: Asked, step: Step) -> bool:
        """Take a step; return False if it has to wait until it is known who leads."""
        try:
            taken = await self._writer.take(asked, step)
        except Contested as error:
            if self._doubted.get(error.id) != error.version:
                self._doubted[error.id] = error.version
                drift = Drift(error.id, [LATER_EPOCH], [])
                await self._tell(Doubted(asked.subject, drift, error.version))
            return False
        self._fights.repaired(asked.subject, step.id)
        if taken is not None:
            self._taken.setdefault(asked.subject, {})[step.id] = taken
        return True

    async def _fail(self, asked: Asked, error: StepFailed) -> float:
        """Tell that a plan has failed; return when it is tried again."""
        before = self._failures.get(asked.subject)
        attempt = before.attempt + 1 if before and before.seq == asked.seq else 1
        due_s = self._loop.time() + max(delay_s(attempt), error.retry_after_s)
        self._failures[asked.subject] = _Failed(asked.seq, error.step, attempt, due_s)
        _logged(asked).warning(
            "not applied", manifest=error.step.id, reason=error.reason, attempt=attempt
        )
        await self._tell(NotDone(asked, error.step.id, error.reason, attempt))
        return due_s

    def _missing(self, asked: Asked, steps: Sequence[Step]) -> list[Drift]:
        """Return the objects of a plan, recorded as applied, that are there no longer."""
        if self._applied.get(asked.subject) != asked.seq:
            return []
        return [Drift(step.id, [], []) for step in steps if isinstance(step, Create)]

    def _all_taken(self, asked: Asked) -> list[Taken]:
        """Return what was written since it was last told.

        The answer to a write may have been lost, with the connection or with a whole leader: then
        the object's stamp tells that it was for this plan.
        """
        taken = self._taken.pop(asked.subject, {})
        if self._applied.get(asked.subject) != asked.seq:
            for manifest in asked.manifests:
                metadata = self._present.get(manifest.id)
                stamp = None if metadata is None else stamp_of(metadata)
                if metadata is not None and stamp is not None and stamp.seq == asked.seq:
                    mine = Taken(manifest.id, "applied", metadata["uid"])
                    taken.setdefault(manifest.id, mine)
        return list(taken.values())


def _logged(asked: Asked) -> Any:
    return _log.bind(subject=asked.subject, seq=asked.seq, epoch=asked.epoch)
