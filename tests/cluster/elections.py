"""Replicas of which one leads, by a Lease."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from tests.cluster.agents import Agents
    from tests.cluster.operated import Operated
    from tests.cluster.replica import Replica

LEASE_S, RENEW_S, RETRY_S = 7, 5, 1
"""Terms of an election that is over soon, and that a busy machine can keep nevertheless."""


def terms(namespace: str) -> dict[str, Any]:
    """Return the settings of an election whose Lease is in a namespace."""
    return {
        "enabled": True,
        "namespace": namespace,
        "leaseDuration": f"{LEASE_S}s",
        "renewDeadline": f"{RENEW_S}s",
        "retryPeriod": f"{RETRY_S}s",
    }


def candidates(
    place: Operated, names: Iterable[str], environment: Mapping[str, str] | None = None
) -> list[Replica]:
    """Return replicas of one election, none of them started.

    Args:
        place: Their namespace and log.
        names: Of the replicas.
        environment: Variables, such as credentials.
    """
    election = terms(place.namespace)
    return [place.replica(name, environment=environment, leaderElection=election) for name in names]


@contextmanager
def settled(leader: Replica, agents: Agents) -> Iterator[None]:
    """Have a replica lead, with an agent `first` for which all is done."""
    with leader:
        leader.until_leading()
        agents.create("first")
        leader.until("the first agent is settled", agents.is_settled)
        yield


@contextmanager
def followed(leader: Replica, standby: Replica, agents: Agents) -> Iterator[None]:
    """Have such a leader, and a replica that stands by and has read the log."""
    with settled(leader, agents), standby:
        standby.until("it follows", lambda: has_read(standby))
        yield


def has_read(standby: Replica) -> bool:
    """Tell whether a replica stands by, and has read some of the log."""
    told = standby.ready()
    return told.startswith("[+] log: standing by") and " 0 records" not in told


def says_why_not(standby: Replica, reason: str) -> bool:
    """Tell whether a replica is not ready because of the log, and gives a reason in a line."""
    status, told = standby.get("/readyz")
    log = next((line for line in told.splitlines() if line.startswith("[-] log: ")), "")
    return status == 503 and reason in log
