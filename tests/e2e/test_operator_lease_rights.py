"""A replica that may not use its Lease: it says so by name, and does not lead."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.cluster.agents import Agents
from tests.cluster.elections import terms
from tests.cluster.operated import Operated
from tests.cluster.rights import Account, granted

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cluster.control_plane import Cluster

ELECTION = "--set=leaderElection.enabled=true"
FORBIDDEN = 'leases.coordination.k8s.io "rynxs" is forbidden'


def test_a_replica_without_a_right_to_its_lease_names_it_and_leads_once_it_has_it(
    operated: Cluster, tmp_path: Path
) -> None:
    place = Operated(operated, tmp_path)
    agents = Agents(operated.apiserver, place.namespace)
    account = Account(operated, place.namespace, ELECTION)
    rights = [right for right in granted(ELECTION) if right.resource == "leases"]
    account.has_all_but(*rights)
    agents.create("first")
    with place.replica(
        "alone", kubeconfig=account.kubeconfig, leaderElection=terms(place.namespace)
    ) as replica:
        told = replica.until_said("the Lease can't be had")
        assert FORBIDDEN in told["error"]
        assert told["lease"] == f"coordination.k8s.io/v1/Lease/{place.namespace}/rynxs"
        status, ready = replica.get("/readyz")
        assert status == 503
        lease = next(line for line in ready.splitlines() if line.startswith("[-] lease: "))
        assert FORBIDDEN in lease
        assert not replica.said("leading")
        assert not (tmp_path / "log").exists()
        assert not place.requests()
        account.has_all_but(*(each for each in rights if each.verb in {"list", "watch"}))
        replica.until_leading()
        replica.until("the agent is settled", agents.is_settled)
        replica.until_ready()
        assert len(replica.said("the Lease can't be had")) == 1
        assert replica.terminate() == 0
    place.checked()
