"""Effects: what durable plans and statuses do to the cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from rynxs.operator.applier import Applier, Drifted
from rynxs.operator.counted import CountedCluster
from rynxs.operator.guarded import together
from rynxs.operator.notices import Notices, notices_of
from rynxs.operator.status_writer import StatusWriter, Told

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from rynxs.operator.applier import Doubted, Outcome
    from rynxs.operator.cluster import FullCluster
    from rynxs.operator.metrics import Metrics
    from rynxs.operator.notices import Notice
    from rynxs.operator.objects import Held, Objects
    from rynxs.operator.present import Present
    from rynxs.operator.reconciling import Asked
    from rynxs.operator.status_writer import Said
    from rynxs.sources import Sources

    Tell = Callable[[Outcome], Awaitable[None]]


class Effects(Protocol):
    """What becomes of what the log says."""

    def want(self, asked: Asked, applied: int | None) -> None:
        """Take in a plan, newer than any before, and the seq of that which was applied last."""

    def look(self, subject: str) -> None:
        """Take in that there is news of a subject's rendered objects."""

    def hold(self, subject: str) -> None:
        """Take in that nobody knows whether a subject's object is there: do nothing about it."""

    def release(self, subject: str) -> None:
        """Take in that it is known again."""

    def go_on(self, doubted: Doubted) -> None:
        """Take in that this process still leads."""

    def say(self, subject: str, said: Said) -> None:
        """Take in what the status of a subject's object says now."""

    def notice(self, notice: Notice) -> None:
        """Take in what a person should see."""

    @property
    def is_busy(self) -> bool:
        """Whether something is about to come of plans."""

    async def run(self) -> None:
        """Work until cancelled; raise why, if this process must stop."""

    async def stop(self) -> None:
        """Write no more; what is under way is finished."""


class Applying:
    """Applies plans, and writes statuses and Events."""

    def __init__(
        self,
        cluster: FullCluster,
        present: Present,
        objects: Objects,
        origin: str,
        sources: Sources,
        may_write: Callable[[], None],
        tell: Tell,
        metrics: Metrics,
        concurrency: int,
    ) -> None:
        """Have nothing to do yet.

        Args:
            cluster: to write to.
            present: rendered objects, as they are.
            objects: users' objects, as they are.
            origin: of the log.
            sources: time, and the identity of this process.
            may_write: raises when this process may no longer write.
            tell: is told what came of plans.
            metrics: count it.
            concurrency: how many subjects are applied, and how many statuses written, at once.
        """
        self._metrics = metrics
        self._tell = tell
        counted = CountedCluster(cluster, metrics.wrote)
        self._applier = Applier(counted, present, may_write, self._outcome, concurrency)
        told = Told(self._written, metrics.status_written)
        self._statuses = StatusWriter(
            cluster, objects, origin, sources.clock, may_write, told, concurrency
        )
        self._notices = Notices(cluster, sources.clock, sources.identity)
        self.want = self._applier.want
        self.look = self._applier.look
        self.hold = self._applier.hold
        self.release = self._applier.release
        self.go_on = self._applier.go_on
        self.say = self._statuses.say
        self.notice = self._notices.tell

    @property
    def is_busy(self) -> bool:
        """Whether something is about to come of plans."""
        return self._applier.is_writing

    async def run(self) -> None:
        """Work until cancelled; raise why, if this process must stop."""
        await together(self._applier.failed(), self._statuses.run(), self._notices.run())

    async def stop(self) -> None:
        """Write no more; what is under way is finished."""
        await self._applier.stop()

    async def _outcome(self, outcome: Outcome) -> None:
        if isinstance(outcome, Drifted):
            self._metrics.drifted()
        await self._tell(outcome)

    def _written(
        self, about: Held, before: Mapping[str, object], after: Mapping[str, object]
    ) -> None:
        self._metrics.status_written("ok")
        for notice in notices_of(about, before, after):
            self._notices.tell(notice)
