"""Upkeep of the log while it is led: snapshots and signed checkpoints, each when it is due."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import structlog

from rynxs.embedded.snapshots import is_due, prune, store
from rynxs.errors import SinkUnavailable
from rynxs.eventlog.publication import publish_signed
from rynxs.operator.backoff import delay_s, is_told
from rynxs.operator.guarded import in_thread

if TYPE_CHECKING:
    from collections.abc import Callable

    from rynxs.embedded.snapshots import Taken
    from rynxs.operator.takeover import Lead

_log = structlog.get_logger("rynxs.operator.upkeep")


class Upkeep:
    """What is due about one log; to be asked by the task that appends, and while it does not."""

    def __init__(
        self,
        lead: Lead,
        snapshot_every: int,
        checkpoint_s: float,
        now_s: Callable[[], float],
        signed: Callable[[int], None],
    ) -> None:
        """Begin a term.

        Args:
            lead: the log, with the keys that sign it; without keys there are no checkpoints.
            snapshot_every: take one after so many more records; 0 takes none.
            checkpoint_s: at most so many seconds after a record a checkpoint covers it; one that
                can't be published is tried again sooner.
            now_s: a clock in seconds that never goes back.
            signed: is told of how many records a checkpoint was signed.
        """
        self._lead = lead
        self._every = snapshot_every
        self._checkpoint_s = checkpoint_s
        self._now_s = now_s
        self._signed = signed
        self._covered = 0
        self._failures = 0  # in a row, of publishing
        self._snapshot_from = 0
        self._checkpoint_due_s = now_s()

    def due_s(self) -> float | None:
        """Return when a checkpoint is due, None if there is nothing to be signed."""
        if not self._lead.keys or self._lead.log.size <= self._covered:
            return None
        return self._checkpoint_due_s

    async def snapshot_due(self) -> Taken | None:
        """Store a snapshot if one is due, which is then to be recorded; else return None.

        All that the pipeline has emitted must have been appended.
        """
        lead = self._lead
        if lead.log.size < self._snapshot_from or not is_due(lead.pipeline, self._every):
            return None
        try:
            return await in_thread(store, lead.pipeline, lead.log, lead.sink)
        except SinkUnavailable as error:
            self._snapshot_from = lead.log.size + self._every
            _log.warning("no snapshot was stored", error=str(error))
            return None

    async def snapshot_recorded(self) -> None:
        """Remove snapshots that are not needed any more."""
        with suppress(SinkUnavailable):  # the next one tries again
            await in_thread(prune, self._lead.sink)

    async def checkpoint_due(self) -> None:
        """Sign and publish a checkpoint if one is due; a sink that is down is asked again later."""
        due_s = self.due_s()
        if due_s is not None and self._now_s() >= due_s:
            await self.finish()

    async def finish(self) -> None:
        """Cover all that is durable by a checkpoint."""
        if self.due_s() is None:
            return
        self._checkpoint_due_s = self._now_s() + self._checkpoint_s
        try:
            await in_thread(self._publish)
        except SinkUnavailable as error:
            self._failures += 1
            self._checkpoint_due_s = self._now_s() + delay_s(self._failures, self._checkpoint_s)
            if is_told(self._failures):
                _log.warning("no checkpoint was published", error=str(error))
        else:
            self._failures = 0

    def _publish(self) -> None:
        lead = self._lead
        size = lead.log.size
        publish_signed(lead.log, lead.sink, lead.pipeline.origin, lead.keys)
        lead.log.save()
        self._covered = size
        self._signed(size)
