"""Several replicas with a Lease: the leader dies, stops or sleeps, and another one leads."""

from __future__ import annotations

import re
import sys
from contextlib import contextmanager
from datetime import UTC, datetime
from threading import Event, Thread
from typing import TYPE_CHECKING, NamedTuple

import pytest

from rynxs.engine.event import EPOCH_STARTED
from tests.cluster.agents import Agents
from tests.cluster.elections import LEASE_S, RETRY_S, candidates, followed
from tests.cluster.logs import s3_log
from tests.cluster.operated import Operated
from tests.cluster.replica import s3_environment

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.cluster.audit import AuditEvent
    from tests.cluster.control_plane import Cluster
    from tests.cluster.replica import Replica
    from tests.servers.process import ServerProcess

LEASE_LOST = 3
MARGIN_S = 20.0
"""For a machine that does much else; what is measured is printed."""


@pytest.fixture
def place(operated: Cluster, minio: ServerProcess, tmp_path: Path) -> Operated:
    made = Operated(operated, tmp_path)
    made.log = s3_log(minio)
    return made


@pytest.fixture
def agents(operated: Cluster, place: Operated) -> Agents:
    return Agents(operated.apiserver, place.namespace)


@pytest.fixture
def pair(
    place: Operated, agents: Agents, minio: ServerProcess
) -> Iterator[tuple[Replica, Replica]]:
    """A leader, and a standby that has read the log; in the end it is checked."""
    environment = s3_environment(minio)
    leader, standby = candidates(place, ("leader", "standby"), environment)
    with followed(leader, standby, agents):
        yield leader, standby
    epochs = [each.epoch for each in place.checked(environment) if each.kind == EPOCH_STARTED]
    assert epochs == sorted(set(epochs))
    assert len(epochs) == 2


def test_a_leader_that_slept_longer_than_the_lease_does_nothing_when_it_wakes_and_exits(
    place: Operated, agents: Agents, pair: tuple[Replica, Replica]
) -> None:
    leader, standby = pair
    identity = _identity(leader)
    leader.pause()
    epoch = standby.until_leading()
    assert epoch > leader.said("leading")[-1]["epoch"]
    agents.edit("first", "v2")
    agents.create("second")
    standby.until("both agents are settled", agents.is_settled)
    before = _written_by(identity, place)
    assert before
    leader.resume()
    assert leader.ended() == LEASE_LOST
    assert _written_by(identity, place) == before
    assert standby.ready().startswith("[+] log: leading")


def test_a_leader_that_fell_asleep_in_the_middle_of_its_work_does_nothing_when_it_wakes(
    place: Operated, agents: Agents, pair: tuple[Replica, Replica]
) -> None:
    leader, standby = pair
    identity = _identity(leader)
    with _created_all_the_time(agents) as names:
        leader.until("it is at work", lambda: leader.metric("rynxs_log_records") > 20)
        leader.pause()
        before = {*names}
        standby.until_leading()
        standby.until("what was there is settled", lambda: agents.is_settled(before))
        written = _written_by(identity, place)
        leader.resume()
        assert leader.ended() == LEASE_LOST
        # What was under way is refused, or was done before the other one led.
        assert _written_by(identity, place) == written
    standby.until("all agents are settled", agents.is_settled)
    assert {*names, "first"} == agents.live().keys()


def test_a_standby_takes_over_from_a_leader_that_was_killed_once_the_lease_is_over(
    agents: Agents, pair: tuple[Replica, Replica], capsys: pytest.CaptureFixture[str]
) -> None:
    leader, standby = pair
    since = datetime.now(UTC)
    leader.kill()
    took = _until_applied(standby, agents, since)
    _tell(capsys, f"kill -9 to first new apply: {took}")
    assert took.applied_s < LEASE_S + RETRY_S + MARGIN_S


def test_a_standby_takes_over_at_once_from_a_leader_that_ends_in_order(
    agents: Agents, pair: tuple[Replica, Replica], capsys: pytest.CaptureFixture[str]
) -> None:
    leader, standby = pair
    assert leader.process is not None
    since = datetime.now(UTC)
    leader.process.terminate()
    standby.until_leading()
    took = _until_applied(standby, agents, since)
    assert leader.ended() == 0
    _tell(capsys, f"SIGTERM to first new apply: {took}")
    assert took.applied_s < RETRY_S + MARGIN_S


class Took(NamedTuple):
    """After how many seconds a standby led, and had applied something new."""

    led_s: float
    applied_s: float

    def __str__(self) -> str:
        return f"{self.applied_s:.2f} s, of which {self.led_s:.2f} s until it led"


def _until_applied(standby: Replica, agents: Agents, since: datetime) -> Took:
    """Have something new applied by the standby; return how long that took."""
    agents.create("second")
    applied = standby.until_said("applied")
    standby.until("it is settled", agents.is_settled)
    lines = (*standby.said("leading"), applied)
    led, done = (datetime.fromisoformat(line["timestamp"]) for line in lines)
    return Took((led - since).total_seconds(), (done - since).total_seconds())


def _tell(capsys: pytest.CaptureFixture[str], what: str) -> None:
    """Print a time; the terms of the Lease beside it."""
    with capsys.disabled():
        sys.stdout.write(f"\n{what} (lease {LEASE_S} s, retry {RETRY_S} s)\n")


@contextmanager
def _created_all_the_time(agents: Agents) -> Iterator[list[str]]:
    """Create agents, one after the other, until the end; the names of those that were made."""
    names: list[str] = []
    is_over = Event()

    def create() -> None:
        while not is_over.wait(0.3):
            name = f"more-{len(names)}"
            agents.create(name)
            names.append(name)

    thread = Thread(target=create)
    thread.start()
    try:
        yield names
    finally:
        is_over.set()
        thread.join()


def _written_by(identity: str, place: Operated) -> list[AuditEvent]:
    """Return what a replica has written to agents and rendered objects."""
    return [
        each
        for each in place.requests()
        if each.agent.endswith(f"({identity})")
        and each.code < 300
        and each.object
        and each.object.resource not in {"leases", "events"}
    ]


def _identity(leader: Replica) -> str:
    found = re.search(r"lease: held by (\S+)", leader.ready())
    assert found, leader.ready()
    return found[1]
