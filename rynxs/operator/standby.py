"""Standing by: following the log until this process leads, and then taking it over."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import structlog

from rynxs.errors import LogCorrupt, SinkConflict, SinkUnavailable, SinkUnfinished
from rynxs.operator.backoff import delay_s
from rynxs.operator.follower import Follower
from rynxs.operator.guarded import in_thread
from rynxs.operator.takeover import open_log, take_lead

if TYPE_CHECKING:
    from collections.abc import Callable

    from rynxs.config import Config
    from rynxs.engine.pipeline import Pipeline
    from rynxs.errors import PluginError
    from rynxs.eventlog.sink import Sink
    from rynxs.operator.takeover import Known, Lead
    from rynxs.sources import Sources

    Shown = Callable[[Pipeline], Known]
    """What the cluster shows of a log whose history a pipeline has taken in."""

_log = structlog.get_logger("rynxs.operator.standby")
_FOLLOW_S = 5.0
_RETRY_MOST_S = 5.0


class Standby:
    """One process's view of a log that it does not lead.

    Attributes:
        failure: why the log can't be read or taken over at present, empty if it can.
        size: how many records were read and verified.
    """

    def __init__(
        self,
        config: Config,
        sources: Sources,
        failed: Callable[[str, PluginError], None],
    ) -> None:
        """Know nothing yet.

        Args:
            config: of the log.
            sources: time, identity and entropy.
            failed: is told of subjects on which a plugin fails.
        """
        self._config = config
        self._sources = sources
        self._failed = failed
        self._sink: Sink | None = None
        self._follower: Follower | None = None
        self._unfinished = ""
        self.failure = ""
        self.size = 0

    @property
    def origin(self) -> str:
        """The log's name, as far as is known."""
        return self._config.origin if self._follower is None else self._follower.pipeline.origin

    async def follow(self, read: Callable[[int], None]) -> None:
        """Read what comes, until cancelled.

        Args:
            read: is told of how many records were read.

        Raises:
            LogCorrupt: the log does not verify.
        """
        while True:
            await self.catch_up()
            read(self.size)
            await asyncio.sleep(_FOLLOW_S)

    async def catch_up(self) -> None:
        """Read what has come since; a log that can't be read is read another time.

        Raises:
            LogCorrupt: the log does not verify.
        """
        await in_thread(self._catch_up)

    async def take_over(self, known: Shown, accept_loss: str) -> Lead:
        """Take the log over, as soon as its sink is to be had; `follow` must have ended.

        Args:
            known: what the cluster shows of the log that was read.
            accept_loss: why lost records are accepted, empty if they are not.

        Raises:
            LogCorrupt: the log does not verify.
            UsageError: it has lost records, or is closed.
        """
        attempt = 0
        while True:
            try:
                lead = await self._take_over(known, accept_loss)
            except (SinkConflict, SinkUnavailable) as error:
                attempt += 1
                if str(error) != self.failure:
                    _log.warning("the log can't be taken over yet", error=str(error))
                self.failure = str(error)
            else:
                self.failure = ""
                return lead
            await asyncio.sleep(delay_s(attempt, _RETRY_MOST_S))

    async def _take_over(self, known: Shown, accept_loss: str) -> Lead:
        config, sources = self._config, self._sources
        # If that fails, what was read still counts, and its sink is still in use.
        opened = await asyncio.to_thread(open_log, config, sources, self._failed, self._follower)
        self._follower = None
        self.close()
        self.size = opened.read.log.size
        pipeline = opened.read.pipeline
        found = known(pipeline)
        return await asyncio.to_thread(take_lead, config, sources, opened, found, accept_loss)

    def close(self) -> None:
        """Read no more."""
        sink, self._sink = self._sink, None
        if sink is not None:
            sink.close()

    def _catch_up(self) -> None:
        try:
            if self._sink is None:
                self._sink = self._config.open_reader()
                self._follower = Follower(self._config, self._sources, self._failed, self._sink)
            assert self._follower is not None
            self._catch_up_to_the_end(self._follower)
        except SinkUnavailable as error:
            if not self.failure:
                _log.info("the log can't be read yet", error=str(error))
            self.failure = str(error)
        else:
            self.failure = ""

    def _catch_up_to_the_end(self, follower: Follower) -> None:
        """Read what there is; an end that was never acknowledged is the next writer's business."""
        try:
            follower.catch_up()
        except SinkUnfinished as error:
            if str(error) != self._unfinished:
                _log.warning("the log ends in what was not finished", error=str(error))
            self._unfinished = str(error)
        except LogCorrupt as error:
            assert self._sink is not None
            if follower.is_of(self._sink):
                raise
            # As when taking over: a batch that was seen has been taken back, for it could not be
            # flushed, or the log was restored. What there is now has to verify by itself.
            _log.warning("what was read of the log is not in it any more", error=str(error))
            self._follower = Follower(self._config, self._sources, self._failed, self._sink)
            self._catch_up_to_the_end(self._follower)
            return
        self.size = follower.log.size
