"""Readiness: what a process has to have to do its work, and how it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rynxs.operator.cluster import NOT_FOUND
from rynxs.operator.endpoint import Check

if TYPE_CHECKING:
    from collections.abc import Callable

    from rynxs.operator.elector import Leadership
    from rynxs.operator.inbox import Inbox
    from rynxs.operator.informer import Informer
    from rynxs.operator.leader import Input, Leader
    from rynxs.operator.objects import Objects
    from rynxs.operator.standby import Standby

_LAG_MOST_S = 30.0


class Readiness:
    """What is checked of one process.

    Attributes:
        rendered: what follows rendered objects; a kind that is not served is no failure of theirs.
        own: what follows users' objects.
        leader, objects: of the term, once this process leads.
    """

    def __init__(
        self,
        standby: Standby,
        lease: Leadership,
        inbox: Inbox[Input],
        now_s: Callable[[], float],
    ) -> None:
        """Know of no informers yet, and of no term."""
        self._standby = standby
        self._lease = lease
        self._inbox = inbox
        self._now_s = now_s
        self.rendered: list[Informer] = []
        self.own: list[Informer] = []
        self.leader: Leader | None = None
        self.objects: Objects | None = None

    def checks(self) -> list[Check]:
        """Return what there is to check now."""
        found = [self._log(), self._lead(), self._watches()]
        if self.objects is not None:
            found += [self._queue(), _known(self.objects)]
        return found

    def _log(self) -> Check:
        if self.leader is None:
            standby = self._standby
            well = f"standing by, {standby.size} records verified"
            return Check("log", _unavailable(standby.failure), well)
        failure, since_s = self.leader.health
        told = f"{_unavailable(failure)}, for {self._now_s() - since_s:.0f} s" if failure else ""
        return Check("log", told, "leading")

    def _lead(self) -> Check:
        return Check("lease", self._lease.failure, f"held by {self._lease.holder or 'nobody'}")

    def _watches(self) -> Check:
        failing = [each for each in self.own if each.error is not None]
        failing += [
            each
            for each in self.rendered
            if each.error is not None and each.error.status != NOT_FOUND
        ]
        told = "; ".join(f"{each.followed.kind}: {each.error}" for each in failing)
        count = len(self.own) + len(self.rendered)
        return Check("watches", told, f"{count} kinds and namespaces")

    def _queue(self) -> Check:
        waited_s = self._inbox.waited_s()
        failure = f"the oldest has waited {waited_s:.0f} s" if waited_s > _LAG_MOST_S else ""
        return Check("queue", failure, f"{len(self._inbox)} waiting")


def _unavailable(failure: str) -> str:
    """Return what is wrong with the log; a failure begins with where that is."""
    return failure and f"not available: {failure}"


def _known(objects: Objects) -> Check:
    failure = "" if objects.is_open else "not all objects without a namespace are known yet"
    return Check("objects", failure, f"{len(objects)} known")
