"""Leader election by Lease, without I/O: what to write to the Lease, and until when one may lead.

A Lease (coordination.k8s.io/v1) tells who leads, for liveness only: that nobody else acts is held
by the log's sink. As in client-go, nobody compares clocks of two machines: who does not lead takes
a Lease for dead when it has not changed for its duration, by one's own clock. That clock goes on
while the machine sleeps (CLOCK_BOOTTIME).
"""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING, Any, NamedTuple

from rynxs.sources import format_time

if TYPE_CHECKING:
    from collections.abc import Mapping

_INT32_MOST = 2**31 - 1
"""The API server takes no more as the number of transitions."""


class Terms(NamedTuple):
    """How long what lasts, in seconds.

    Attributes:
        lease_s: others wait so long for a sign of life before they take over.
        renew_s: a leader that could not renew for so long stops; less than `lease_s`.
        retry_s: between two tries.
    """

    lease_s: float
    renew_s: float
    retry_s: float


class Election:
    """One candidate's view of a Lease; tell it what is there, and ask it what to write.

    Attributes:
        identity: of this candidate, unlike any other's.
        transitions: how often the Lease has changed hands, as far as is known.
    """

    def __init__(self, identity: str, terms: Terms) -> None:
        self.identity = identity
        self.transitions = 0
        self._terms = terms
        self._seen: tuple[Any, ...] | None = None
        self._seen_at = 0.0
        self._renewed_at: float | None = None
        self._moment_us = 0

    @property
    def holder(self) -> str:
        """Who held the Lease when it was read last; empty for nobody."""
        return "" if self._seen is None else str(self._seen[0])

    def wanted(
        self, spec: Mapping[str, Any] | None, now_s: float, wall_us: int
    ) -> dict[str, Any] | None:
        """Return the spec to write over the one that is there; None while another one leads.

        Args:
            spec: of the Lease, None when there is none.
            now_s: the candidate's own clock, in seconds, read once `spec` was; it never goes back.
            wall_us: time of day in POSIX microseconds, for who reads the Lease.
        """
        is_new, spec = not spec, spec or {}
        holder = spec.get("holderIdentity") or ""
        marks = holder, spec.get("renewTime"), spec.get("leaseTransitions")
        if marks != self._seen:
            self._seen, self._seen_at = marks, now_s
        self.transitions = int(spec.get("leaseTransitions") or 0)
        mine = holder == self.identity
        if holder and not mine and now_s < self._seen_at + self._duration_s(spec):
            return None
        moment = self._moment(wall_us)
        return {
            "acquireTime": spec.get("acquireTime") if mine else moment,
            "holderIdentity": self.identity,
            "leaseDurationSeconds": max(ceil(self._terms.lease_s), 1),
            "leaseTransitions": min(self.transitions + int(not (mine or is_new)), _INT32_MOST),
            "renewTime": moment,
        }

    def written(self, spec: Mapping[str, Any], asked_at_s: float) -> None:
        """Take in that the Lease was written as wanted.

        Args:
            spec: as it was written.
            asked_at_s: when it was asked for: others have not seen it before.
        """
        self.transitions = int(spec["leaseTransitions"])
        self._renewed_at = asked_at_s

    def leads_until(self) -> float:
        """Return until when this candidate may lead, by its own clock; 0 if it does not."""
        return 0.0 if self._renewed_at is None else self._renewed_at + self._terms.renew_s

    def released(self, spec: Mapping[str, Any], wall_us: int) -> dict[str, Any] | None:
        """Return the spec that gives the Lease back, None if it is not this candidate's."""
        if spec.get("holderIdentity") != self.identity:
            return None
        self._renewed_at = None
        return {
            **spec,
            "holderIdentity": "",
            "leaseDurationSeconds": 1,
            "renewTime": self._moment(wall_us),
        }

    def _moment(self, wall_us: int) -> str:
        """Return a time later than any before, for others see by it that there is news."""
        self._moment_us = max(wall_us, self._moment_us + 1)
        return format_time(self._moment_us)

    def _duration_s(self, spec: Mapping[str, Any]) -> float:
        return float(spec.get("leaseDurationSeconds") or self._terms.lease_s)
