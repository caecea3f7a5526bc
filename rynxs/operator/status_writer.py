"""The status writer: keeps the status of users' objects as the log says it is.

For each object the newest status counts, whatever was to be said in between; what is there already
is not written again.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, NamedTuple

import structlog

from rynxs.operator.backoff import delay_s
from rynxs.operator.cluster import CONFLICT, NOT_FOUND, ClusterError
from rynxs.operator.guarded import together
from rynxs.operator.statuses import Written, patch, wanted
from rynxs.operator.troubles import is_passing

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from rynxs.operator.cluster import Reported
    from rynxs.operator.objects import Held, Objects
    from rynxs.operator.position import Position
    from rynxs.sources import Clock

_log = structlog.get_logger("rynxs.operator.status_writer")
_TRIES_MAX = 5
_PASSING_S = 10.0


class Said(NamedTuple):
    """What is to be said of a subject.

    Attributes:
        status: what its reducer, its governor and the operator say.
        position: the newest durable record about it.
        uid, generation: of the object that this is about, as it was observed last.
    """

    status: Mapping[str, Any]
    position: Position | None
    uid: str | None
    generation: int | None


class Told(NamedTuple):
    """Who is told.

    Attributes:
        written: a status was written: the object, and its status before and after.
        failed: a status could not be written: ``conflict``, the object had changed, or ``failed``.
    """

    written: Callable[[Held, Mapping[str, Any], Mapping[str, Any]], None]
    failed: Callable[[str], None]


class StatusWriter:
    """Writes statuses, some at a time."""

    def __init__(
        self,
        cluster: Reported,
        objects: Objects,
        origin: str,
        clock: Clock,
        may_write: Callable[[], None],
        told: Told,
        concurrency: int,
    ) -> None:
        """Have nothing to say yet.

        Args:
            cluster: to write to.
            objects: as they are known.
            origin: of the log.
            clock: time of day, for conditions.
            may_write: raises when this process may no longer write.
            told: who is told.
            concurrency: how many are written at the same time.
        """
        self._cluster = cluster
        self._objects = objects
        self._origin = origin
        self._clock = clock
        self._may_write = may_write
        self._told = told
        self._concurrency = concurrency
        self._said: dict[str, Said] = {}
        self._later: dict[str, Said] = {}
        self._busy: set[str] = set()
        self._attempts: dict[str, int] = {}
        self._news = asyncio.Event()

    def say(self, subject: str, said: Said) -> None:
        """Have something said of a subject, in place of what was to be said before.

        That its plan is being applied is mostly over before anybody could read it.
        """
        self._later.pop(subject, None)
        if is_passing(said.status):
            self._later[subject] = said
            self._said.pop(subject, None)
            asyncio.get_running_loop().call_later(_PASSING_S, self._say_later, subject, said)
        else:
            self._say_now(subject, said)

    def _say_later(self, subject: str, said: Said) -> None:
        if self._later.get(subject) is said:
            self._say_now(subject, self._later.pop(subject))

    def _say_now(self, subject: str, said: Said) -> None:
        self._said[subject] = said
        self._news.set()

    async def run(self) -> None:
        """Write until cancelled.

        Raises:
            Exception: what `may_write` raises.
        """
        await together(*(self._work() for _ in range(self._concurrency)))

    async def _work(self) -> None:
        while True:
            subject = next((each for each in self._said if each not in self._busy), None)
            if subject is None:
                self._news.clear()
                await self._news.wait()
                continue
            said = self._said.pop(subject)
            self._busy.add(subject)
            try:
                await self._write(subject, said)
            finally:
                self._busy.discard(subject)
                self._news.set()

    async def _write(self, subject: str, said: Said) -> None:
        for _ in range(_TRIES_MAX):
            held = self._objects.get(subject)
            if held is None or held.uid != said.uid:
                return  # of what is there now, something else is to be said
            written = Written(held.uid, said.generation, held.status)
            now_us = self._clock.now_us()
            status = wanted(said.status, written, self._origin, said.position, now_us)
            change = patch(status, written)
            if change is None:
                return
            self._may_write()
            try:
                found = await self._cluster.patch_status(held.place, change, held.version)
            except ClusterError as error:
                if error.status == NOT_FOUND:
                    return  # the informer tells that it is gone
                reason: ClusterError | None = error
                if error.status == CONFLICT:
                    reason = await self._read_again(subject, held)
                if reason is not None:
                    self._fail(subject, said, reason)
                    return
                self._told.failed("conflict")
                continue
            self._attempts.pop(subject, None)
            self._objects.is_written(subject, held, found["resourceVersion"], status)
            self._told.written(held, written.status, status)
            return
        self._fail(subject, said, ClusterError(CONFLICT, "Conflict", "it changes all the time"))

    async def _read_again(self, subject: str, held: Held) -> ClusterError | None:
        """Read an object again; return why that can't be done, None if it was."""
        try:
            self._objects.refresh(subject, await self._cluster.get_object(held.place))
        except ClusterError as error:
            return None if error.status == NOT_FOUND else error
        return None

    def _fail(self, subject: str, said: Said, error: ClusterError) -> None:
        """Say it again later, unless there is something newer to be said by then."""
        attempt = self._attempts[subject] = self._attempts.get(subject, 0) + 1
        _log.warning("status not written", subject=subject, attempt=attempt, error=str(error))
        self._told.failed("failed")
        if subject not in self._said and subject not in self._later:
            self._later[subject] = said
            asyncio.get_running_loop().call_later(delay_s(attempt), self._say_later, subject, said)
