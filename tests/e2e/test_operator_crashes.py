"""A leader that is killed between any two steps of its work: the next one goes on where it was."""

from __future__ import annotations

import os
import signal
import subprocess
from hashlib import sha256
from typing import TYPE_CHECKING, NamedTuple

import pytest

from rynxs.engine.event import PLANNED
from tests.cluster.agents import Agents
from tests.cluster.forked import ForkedReplica, nursery
from tests.cluster.logs import leaves, s3_log
from tests.cluster.operated import Operated
from tests.cluster.replica import RYNXS, s3_environment
from tests.cluster.versions import watched

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from tests.cluster.control_plane import Cluster
    from tests.cluster.forked import Nursery
    from tests.servers.process import ServerProcess

SHARE = 16
"""How many points of each sink are tried, unless `RYNXS_KILLS` asks for all."""
LATE = 3
KILLED = -signal.SIGKILL


class Place(NamedTuple):
    """A namespace with its log, and the variables by which that is reached."""

    operated: Operated
    environment: dict[str, str]


class Kill(NamedTuple):
    """A point, and how often it is reached before the process dies there."""

    point: str
    times: int


def chosen(counts: Mapping[str, int]) -> list[Kill]:
    """Choose the kills of a run: a fixed, fair share of the points; or all, early and late."""
    if "RYNXS_KILLS" in os.environ:
        return sorted(
            Kill(point, times) for point, count in counts.items() for times in {1, min(count, LATE)}
        )
    points = sorted(counts, key=lambda point: sha256(point.encode()).digest())[:SHARE]
    return [Kill(point, 1 + turn % min(counts[point], 2)) for turn, point in enumerate(points)]


class Life:
    """Agents that come, change and go beside a replica, which may be killed meanwhile."""

    def __init__(self, agents: Agents, replica: ForkedReplica) -> None:
        """Begin with one agent."""
        self._agents = agents
        self._replica = replica
        self._turn = 0
        agents.create("agent-0")

    def turn(self) -> int:
        """Create an agent, change it, delete the one before, and have the replica end in order.

        Each is waited for as long as the replica lives.

        Returns:
            The exit status of the replica, negative the signal that has killed it.
        """
        old, new = f"agent-{self._turn}", f"agent-{self._turn + 1}"
        self._turn += 1
        self._agents.create(new)
        self._replica.until_so_or_ended(self._agents.is_settled)
        self._agents.edit(new, f"v{self._turn + 1}")
        self._replica.until_so_or_ended(self._agents.is_settled)
        self._agents.delete(old)
        self._replica.until_so_or_ended(self._agents.is_settled)
        return self._replica.terminate()


@pytest.fixture
def forks() -> Iterator[Nursery]:
    with nursery() as made:
        yield made


@pytest.fixture(params=["file", "s3"])
def place(request: pytest.FixtureRequest, operated: Cluster, tmp_path: Path) -> Place:
    made = Operated(operated, tmp_path)
    if request.param == "file":
        return Place(made, {})
    server: ServerProcess = request.getfixturevalue("minio")
    made.log = s3_log(server)
    return Place(made, s3_environment(server))


@pytest.fixture
def replica(
    operated: Cluster, forks: Nursery, place: Place, tmp_path: Path
) -> Iterator[ForkedReplica]:
    """A replica that signs often, and takes snapshots often; it leads."""
    file = tmp_path / "signing.key"
    name = place.operated.origin
    command = f"{RYNXS} keys generate --name {name}".split()
    subprocess.run([*command, file], check=True, stdout=subprocess.DEVNULL)
    made = ForkedReplica(
        forks,
        tmp_path / "replica",
        operated.apiserver.kubeconfig,
        place.operated.log,
        "--signer",
        f"ed25519:{file}",
        environment=place.environment,
        settings={"origin": name, "snapshots": {"every": 25}},
        namespaces=[place.operated.namespace],
        checkpointEvery="1s",
    )
    with made:
        made.until_leading()
        yield made


def test_whoever_comes_after_a_leader_that_was_killed_at_any_step_goes_on_where_it_was(
    operated: Cluster, place: Place, replica: ForkedReplica
) -> None:
    namespace = place.operated.namespace
    agents = Agents(operated.apiserver, namespace)
    missed = []
    with watched(operated.apiserver, namespace) as versions:
        life = Life(agents, replica)
        assert life.turn() == 0
        kills = chosen(replica.counts())
        for kill in kills:
            replica.start(*kill)
            if life.turn() != KILLED:
                missed.append(kill)  # what happens at once is not always done in the same steps
            replica.start()
            replica.until(f"all is settled after {kill}", agents.is_settled)
            replica.kill()
    assert len(missed) <= len(kills) // 5, missed
    events = place.operated.checked(place.environment)
    assert versions.check_contents() > len(kills)
    told = versions.check_positions(events, leaves(place.operated.log, place.environment))
    assert told > len(kills)
    for line in replica.lines():
        if "seq" in line:
            planned = events[line["seq"]]
            assert (planned.kind, planned.subject) == (PLANNED, line["subject"]), line
