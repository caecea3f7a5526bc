"""Replicas on one node that share a log's directory or file: one leads, whatever they are told."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.cluster.agents import Agents
from tests.cluster.elections import candidates, followed, says_why_not, settled
from tests.cluster.operated import Operated

if TYPE_CHECKING:
    from tests.cluster.control_plane import Cluster
    from tests.cluster.replica import Replica

CONFLICT = 3
LEASE_LOST = 3
WATCHED_S = 3.0
READS_MOST = 300
"""What a replica that stands by reads in that time; each try to lead reads the lock's file."""


@pytest.fixture
def place(operated: Cluster, tmp_path: Path) -> Operated:
    return Operated(operated, tmp_path)


@pytest.fixture
def agents(operated: Cluster, place: Operated) -> Agents:
    return Agents(operated.apiserver, place.namespace)


@pytest.mark.parametrize("sink", ["file", "lmdb"])
def test_with_a_lease_one_leads_and_the_other_takes_over_when_that_is_killed(
    place: Operated, agents: Agents, tmp_path: Path, sink: str
) -> None:
    place.log = f"{sink}:{tmp_path / 'the log'}"
    leader, standby = candidates(place, ("leader", "standby"))
    with followed(leader, standby, agents):
        standby.until_ready()
        assert not standby.said("leading")
        leader.kill()
        agents.create("second")
        standby.until("both agents are settled", agents.is_settled)
        assert standby.terminate() == 0
    place.checked()


def test_without_a_lease_the_second_one_on_a_directory_stands_by_and_says_who_has_it(
    place: Operated, agents: Agents
) -> None:
    leader, other = place.replica("leader"), place.replica("other")
    with leader:
        leader.until_leading()
        with other:
            _stands_by_quietly(other, "another writer has this log open")
            agents.create("first")
            leader.until("the first agent is settled", agents.is_settled)
            leader.kill()
            agents.create("second")
            other.until("both agents are settled", agents.is_settled)
            assert other.terminate() == 0
    place.checked()


def test_without_a_lease_the_second_one_on_an_lmdb_file_leads_and_the_first_one_is_fenced(
    place: Operated, agents: Agents, tmp_path: Path
) -> None:
    place.log = f"lmdb:{tmp_path / 'log.mdb'}"
    first, second = place.replica("first"), place.replica("second")
    with settled(first, agents), second:
        second.until_leading()
        agents.create("second")
        assert first.ended() == CONFLICT
        assert "Traceback" not in first.errors.read_text()
        second.until("both agents are settled", agents.is_settled)
        assert second.terminate() == 0
    place.checked()


def test_a_leader_that_sleeps_keeps_its_directory_and_who_has_the_lease_waits_for_it_to_exit(
    place: Operated, agents: Agents
) -> None:
    leader, standby = candidates(place, ("leader", "standby"))
    with followed(leader, standby, agents):
        leader.pause()
        _stands_by_quietly(standby, "another writer has this log open")
        agents.create("second")
        leader.resume()
        assert leader.ended() == LEASE_LOST
        standby.until("both agents are settled", agents.is_settled)
        assert standby.terminate() == 0
    place.checked()


def _stands_by_quietly(standby: Replica, reason: str) -> None:
    """Wait until a replica says why it does not lead, and see that it says so once, and idles."""
    standby.until("it says why", lambda: says_why_not(standby, reason))
    assert reason in standby.until_said("the log can't be taken over yet")["error"]
    end_s, before = time.monotonic() + WATCHED_S, _reads(standby)
    standby.until("it was watched for a while", lambda: time.monotonic() > end_s)
    assert _reads(standby) - before < READS_MOST
    assert len(standby.said("the log can't be taken over yet")) == 1
    assert "Traceback" not in standby.errors.read_text()
    assert not standby.said("leading")


def _reads(replica: Replica) -> int:
    """Return how often a process has read from a file or a socket."""
    assert replica.process is not None
    counts = Path(f"/proc/{replica.process.pid}/io").read_text(encoding="ascii")
    return int(dict(line.split(": ") for line in counts.splitlines())["syscr"])
