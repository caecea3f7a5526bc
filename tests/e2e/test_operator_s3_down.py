"""S3 is down for a while: what happens waits, nothing unlogged is done, then all goes on."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.cluster.agents import Agents
from tests.cluster.elections import candidates, followed, says_why_not
from tests.cluster.logs import s3_log
from tests.cluster.operated import Operated
from tests.cluster.replica import s3_environment
from tests.servers.minio import MinioServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.cluster.control_plane import Cluster
    from tests.cluster.replica import Replica

DOWN_S = 30
UNREACHABLE = "check endpoint, and whether the server runs"


@pytest.fixture
def server() -> Iterator[MinioServer]:
    with MinioServer() as started:
        yield started


@pytest.fixture
def place(operated: Cluster, server: MinioServer, tmp_path: Path) -> Iterator[Operated]:
    """A namespace with a log on a server that may be killed; in the end it is checked."""
    made = Operated(operated, tmp_path)
    made.log = s3_log(server)
    yield made
    made.checked(s3_environment(server))


@pytest.fixture
def agents(operated: Cluster, place: Operated) -> Agents:
    return Agents(operated.apiserver, place.namespace)


@pytest.fixture
def pair(place: Operated, server: MinioServer) -> list[Replica]:
    return candidates(place, ("one", "two"), s3_environment(server))


def test_while_s3_is_down_a_leader_takes_in_what_happens_and_does_nothing_until_it_is_back(
    place: Operated, agents: Agents, server: MinioServer, pair: list[Replica]
) -> None:
    with pair[0] as leader:
        leader.until_leading()
        agents.create("first")
        agents.create("doomed")
        leader.until("both agents are settled", agents.is_settled)
        server.kill()
        before = _applied(place)
        agents.edit("first", "v2")
        agents.create("second")
        agents.delete("doomed")
        leader.until("it says so", lambda: says_why_not(leader, UNREACHABLE))
        agents.create("third")
        leader.until("the queue holds it", lambda: leader.metric("rynxs_queue_depth") >= 1)
        leader.until("half a minute is over", lambda: _failing_s(leader) >= DOWN_S)
        assert _applied(place) == before
        server.restart()
        leader.until("all agents are settled", agents.is_settled)
        leader.until_ready()
        assert leader.said("the log is available again")
        assert len(leader.said("leading")) == 1
        assert leader.terminate() == 0


def test_a_replica_that_starts_while_s3_is_down_leads_once_it_is_back(
    place: Operated, agents: Agents, server: MinioServer, pair: list[Replica]
) -> None:
    server.kill()
    agents.create("first")
    with pair[0] as replica:
        replica.until("it says so", lambda: says_why_not(replica, UNREACHABLE))
        assert not replica.said("leading")
        assert not _applied(place)
        server.restart()
        replica.until_leading()
        replica.until("the agent is settled", agents.is_settled)
        assert replica.terminate() == 0


def test_a_standby_whose_turn_comes_while_s3_is_down_leads_once_it_is_back(
    place: Operated, agents: Agents, server: MinioServer, pair: list[Replica]
) -> None:
    leader, standby = pair
    with followed(leader, standby, agents):
        server.kill()
        leader.kill()
        before = _applied(place)
        agents.edit("first", "v2")
        agents.create("second")
        told = standby.until_said("the log can't be taken over yet")
        assert UNREACHABLE in told["error"]
        standby.until("it says so", lambda: says_why_not(standby, UNREACHABLE))
        assert _applied(place) == before
        server.restart()
        standby.until("both agents are settled", agents.is_settled)
        standby.until_ready()
        assert standby.terminate() == 0


def _applied(place: Operated) -> int:
    """Return how many requests were sent but those for the Lease."""
    requests = [each.object for each in place.requests()]
    return sum(each is not None and each.resource != "leases" for each in requests)


def _failing_s(leader: Replica) -> int:
    """Return for how many seconds the log has taken nothing, as `/readyz` tells."""
    found = re.search(r"^\[-\] log: .*, for (\d+) s$", leader.ready(), re.MULTILINE)
    return int(found[1]) if found else 0
