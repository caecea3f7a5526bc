"""The elector: keeps a Lease, and tells when this process leads and when it no longer may.

A leader that has not renewed in time must stop by its own clock, so what is asked before every
write is `may_lead`, and not what was last read.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, Protocol

import structlog

from rynxs.errors import RynxsError
from rynxs.operator.cluster import CONFLICT, NOT_FOUND, ClusterError, Place

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from rynxs.operator.cluster import Reported
    from rynxs.operator.election import Election, Terms
    from rynxs.sources import Clock

_log = structlog.get_logger("rynxs.operator.elector")
LEASE_KIND: Final = "coordination.k8s.io/v1/Lease"


class LeaseLost(RynxsError):
    """This process did not renew the Lease in time: it may no longer act as the leader."""

    exit_code = 3


class Leadership(Protocol):
    """Who leads."""

    @property
    def failure(self) -> str:
        """Why that can't be known at present, empty if it can."""

    @property
    def transitions(self) -> int:
        """How often the lead has changed hands."""

    @property
    def holder(self) -> str:
        """Who leads, as far as is known; empty for nobody."""

    def may_lead(self) -> None:
        """Say whether this process may act as the leader now; raise `LeaseLost` if not."""

    async def acquired(self) -> None:
        """Wait until this process leads."""

    def heard(self, found: Mapping[str, Any]) -> None:
        """Take in what was heard of a Lease."""

    async def lost(self) -> None:
        """Keep the lead for as long as that goes well; raise `LeaseLost` then."""

    async def release(self) -> None:
        """Give the lead back."""


class Alone:
    """There is one replica: it leads, and the log's sink keeps a second one from writing."""

    failure = ""
    transitions = 0
    holder = "this process, for there is no election"

    def may_lead(self) -> None:
        """It may, always."""

    async def acquired(self) -> None:
        """It leads at once."""

    def heard(self, found: Mapping[str, Any]) -> None:
        """There is no Lease."""

    async def lost(self) -> None:
        """Wait until cancelled."""
        await asyncio.Event().wait()

    async def release(self) -> None:
        """There is nobody to give the lead to."""


class Elector:
    """Keeps one Lease.

    Attributes:
        failure: why the Lease could not be read or written last, empty if it could.
    """

    def __init__(
        self,
        cluster: Reported,
        lease: Place,
        election: Election,
        terms: Terms,
        clock: Clock,
        now_s: Callable[[], float],
    ) -> None:
        """Ask for nothing yet.

        Args:
            cluster: that has the Lease.
            lease: its place; it is made if it is not there.
            election: this candidate.
            terms: of the election.
            clock: time of day, for who reads the Lease.
            now_s: the candidate's own clock, in seconds; goes on while the machine sleeps.
        """
        self._cluster = cluster
        self._lease = lease
        self._election = election
        self._terms = terms
        self._clock = clock
        self._now_s = now_s
        self._free = asyncio.Event()
        self.failure = ""

    @property
    def transitions(self) -> int:
        """How often the Lease has changed hands."""
        return self._election.transitions

    @property
    def holder(self) -> str:
        """Who held the Lease when it was read last; empty for nobody."""
        return self._election.holder

    def may_lead(self) -> None:
        """Say whether this process may act as the leader now.

        Raises:
            LeaseLost: it may not.
        """
        if self._now_s() >= self._election.leads_until():
            raise LeaseLost("the Lease was not renewed in time; somebody else may lead by now")

    async def acquired(self) -> None:
        """Wait until this process leads."""
        while not await self.renew():
            with suppress(TimeoutError):
                async with asyncio.timeout(self._terms.retry_s):
                    await self._free.wait()
            self._free.clear()

    def heard(self, found: Mapping[str, Any]) -> None:
        """Take in what was heard of a Lease, to try at once if it is this one and was given back.

        It need not be heard; then that is noticed at the next try.
        """
        is_mine = found["metadata"]["name"] == self._lease.name
        if is_mine and not (found.get("spec") or {}).get("holderIdentity"):
            self._free.set()

    async def lost(self) -> None:
        """Keep the Lease for as long as that goes well.

        Raises:
            LeaseLost: it was not renewed in time.
        """
        while True:
            await asyncio.sleep(self._terms.retry_s)
            await self.renew()
            self.may_lead()

    async def renew(self) -> bool:
        """Try to take or renew the Lease once; return whether that went well."""
        try:
            done = await self._renew()
        except ClusterError as error:
            if error.status != CONFLICT and str(error) != self.failure:
                _log.warning("the Lease can't be had", lease=self._lease.id, error=str(error))
            self.failure = str(error)
            return False
        self.failure = ""
        return done

    async def release(self) -> None:
        """Give the Lease back, so that the next one need not wait for it to run out."""
        try:
            found = await self._cluster.get_object(self._lease)
            spec = self._election.released(found["spec"], self._clock.now_us())
            if spec is not None:
                await self._cluster.replace({**found, "spec": spec})
        except ClusterError as error:
            _log.warning("the Lease was not given back", lease=self._lease.id, error=str(error))

    async def _renew(self) -> bool:
        found = await self._found()
        asked_at_s = self._now_s()  # after it was read, or it would seem older than it is
        spec = self._election.wanted(
            None if found is None else found.get("spec"), asked_at_s, self._clock.now_us()
        )
        if spec is None:
            return False
        if found is None:
            await self._cluster.create(self._made(spec))
        else:
            await self._cluster.replace({**found, "spec": spec})
        self._election.written(spec, asked_at_s)
        return True

    async def _found(self) -> Mapping[str, Any] | None:
        try:
            return await self._cluster.get_object(self._lease)
        except ClusterError as error:
            if error.status != NOT_FOUND:
                raise
            return None

    def _made(self, spec: Mapping[str, Any]) -> dict[str, Any]:
        version, _, kind = self._lease.kind.rpartition("/")
        metadata = {"name": self._lease.name, "namespace": self._lease.namespace}
        return {"apiVersion": version, "kind": kind, "metadata": metadata, "spec": dict(spec)}
