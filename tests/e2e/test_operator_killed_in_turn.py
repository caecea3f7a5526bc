"""Three replicas under load, of which one after the other is killed: nothing is lost or undone."""

from __future__ import annotations

import os
import random
import sys
import time
from contextlib import ExitStack, contextmanager
from threading import Event, Thread
from typing import TYPE_CHECKING

import pytest

from rynxs.engine.event import EPOCH_STARTED
from tests.cluster.agents import Agents
from tests.cluster.elections import terms
from tests.cluster.forked import ForkedReplica, nursery
from tests.cluster.logs import leaves, s3_log
from tests.cluster.operated import Operated
from tests.cluster.replica import LIMIT_S, POLL_S, ReplicaFailed, s3_environment
from tests.cluster.versions import watched

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.cluster.control_plane import Cluster
    from tests.servers.process import ServerProcess

DURATION_S = 120.0 if "RYNXS_KILLS" in os.environ else 25.0
REPLICAS = 3
AGENTS_MOST = 12
PAUSE_S = 0.3
LIFE_MOST_S = 3.0
"""A leader is killed at a random moment of its first seconds, which are its busiest."""


class Replicas:
    """Replicas, each started again after it has ended, as a kubelet does."""

    def __init__(self, made: list[ForkedReplica], dice: random.Random) -> None:
        """Take replicas that run."""
        self._made = made
        self._dice = dice
        self.kills = 0

    def kill_leader(self) -> None:
        """Kill whoever leads, and now and then another one with it, at a random moment."""
        leader = self.until_one_leads()
        time.sleep(self._dice.uniform(0, LIFE_MOST_S))
        victims = {leader.directory.name: leader}
        if self._dice.random() < 0.3:
            other = self._dice.choice(self._made)
            victims[other.directory.name] = other
        for victim in victims.values():
            victim.kill()
            self.kills += 1
        self.restart()

    def until_one_leads(self) -> ForkedReplica:
        """Wait until one leads, and return it."""
        deadline = time.monotonic() + LIMIT_S
        while time.monotonic() < deadline:
            self.restart()
            for each in self._made:
                if each.ready().startswith("[+] log: leading"):
                    return each
            time.sleep(POLL_S)
        raise ReplicaFailed(f"none leads in {LIMIT_S} s")

    def restart(self) -> None:
        """Start those that have ended."""
        for each in self._made:
            if each.process is not None and each.process.poll() is not None:
                each.start()


@contextmanager
def load(agents: Agents, dice: random.Random) -> Iterator[None]:
    """Create, change and delete agents all the time, until the end."""
    names: list[str] = []
    is_over = Event()

    def work() -> None:
        count = 0
        while not is_over.wait(PAUSE_S):
            count += 1
            kind = dice.random()
            if len(names) < 2 or (kind < 0.4 and len(names) < AGENTS_MOST):
                names.append(f"agent-{count % (2 * AGENTS_MOST)}-{dice.randrange(3)}")
                if names[-1] in names[:-1]:
                    names.pop()
                    continue
                agents.create(names[-1])
            elif kind < 0.8:
                agents.edit(dice.choice(names), f"v{count}")
            else:
                agents.delete(names.pop(dice.randrange(len(names))))

    thread = Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()


@pytest.fixture
def seed(capsys: pytest.CaptureFixture[str]) -> int:
    made = random.randrange(2**32)
    with capsys.disabled():
        sys.stdout.write(f"\nseed {made}\n")
    return made


def test_three_replicas_killed_in_turn_under_load_lose_nothing_and_no_older_epoch_writes(
    operated: Cluster, minio: ServerProcess, tmp_path: Path, seed: int
) -> None:
    place, environment = Operated(operated, tmp_path), s3_environment(minio)
    place.log = s3_log(minio)
    agents = Agents(operated.apiserver, place.namespace)
    with watched(operated.apiserver, place.namespace) as versions, ExitStack() as stack:
        made = []
        for number in range(REPLICAS):
            replica = ForkedReplica(
                stack.enter_context(nursery()),
                tmp_path / f"replica-{number}",
                operated.apiserver.kubeconfig,
                place.log,
                environment=environment,
                settings={"origin": place.origin},
                namespaces=[place.namespace],
                leaderElection=terms(place.namespace),
            )
            made.append(stack.enter_context(replica))
        replicas = Replicas(made, random.Random(seed))
        deadline = time.monotonic() + DURATION_S
        with load(agents, random.Random(seed + 1)):
            while time.monotonic() < deadline or not replicas.kills:
                replicas.kill_leader()
        replicas.until_one_leads().until("all agents are settled", agents.is_settled)
    events = place.checked(environment)
    epochs = [event.epoch for event in events if event.kind == EPOCH_STARTED]
    assert epochs == sorted(set(epochs))
    assert len(epochs) > 1
    observed = {
        event.payload["object"]["metadata"]["uid"]
        for event in events
        if event.kind == "AgentObserved"
    }
    assert {agent.uid for agent in agents.live().values()} <= observed
    assert versions.check_contents() > 0
    assert versions.check_positions(events, leaves(place.log, environment)) > 0
