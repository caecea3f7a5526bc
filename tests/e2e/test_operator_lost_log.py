"""A log that has lost records which the cluster shows: nobody leads it unless that is accepted."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, NamedTuple

import pytest

from rynxs.engine.event import EPOCH_STARTED
from tests.cluster.agents import Agents
from tests.cluster.invariants import check_objects_are_logged, verified_events
from tests.cluster.operated import Operated

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cluster.control_plane import Cluster
    from tests.cluster.replica import Replica

USAGE = 2
EDITS = 5
REASON = "the volume was restored from Monday's backup"


class Lost(NamedTuple):
    """A cluster with three agents, and a log that knows of one of them, or of none.

    The last one comes from a record far beyond what the log has after the first steps of a new one.

    Attributes:
        size: How many records are left.
        epoch: The highest that any record bore.
        requests: How many the operators have sent so far.
    """

    place: Operated
    agents: Agents
    size: int
    epoch: int
    requests: int


@pytest.fixture(params=["an old backup", "a new log"])
def lost(request: pytest.FixtureRequest, operated: Cluster, tmp_path: Path) -> Lost:
    place, log, backup = Operated(operated, tmp_path), tmp_path / "log", tmp_path / "backup"
    agents = Agents(operated.apiserver, place.namespace)
    for name in ("first", "second"):
        with place.replica(f"with the {name} agent") as replica:
            replica.until_leading()
            agents.create(name)
            replica.until("all is settled", agents.is_settled)
            if name == "second":
                _go_far(replica, agents)
            assert replica.terminate() == 0
        if name == "first":
            shutil.copytree(log, backup)
    epoch = place.checked()[-1].epoch
    shutil.rmtree(log)
    size = 0
    if request.param == "an old backup":
        shutil.copytree(backup, log)
        size = len(verified_events(place.log))
    return Lost(place, agents, size, epoch, len(place.requests()))


def test_a_log_that_has_lost_records_is_not_led_and_the_message_says_how_to_accept_that(
    lost: Lost,
) -> None:
    with lost.place.replica("refused") as replica:
        assert replica.ended() == USAGE
    said = replica.errors.read_text()
    assert f"the log holds {lost.size} records" in said
    assert "--accept-loss REASON" in said
    assert "Traceback" not in said
    assert len(lost.place.requests()) == lost.requests
    if lost.size:
        assert len(verified_events(lost.place.log)) == lost.size


def test_a_loss_that_is_accepted_is_recorded_with_its_reason_and_the_operator_goes_on(
    lost: Lost,
) -> None:
    with lost.place.replica("accepting", "--accept-loss", REASON) as replica:
        assert replica.until_leading() > lost.epoch
        lost.agents.edit("second", "other")
        replica.until("all is settled", lost.agents.is_settled)
        assert replica.terminate() == 0
    events = verified_events(lost.place.log)
    started = [event for event in events[lost.size :] if event.kind == EPOCH_STARTED]
    assert [event.payload["acceptedLoss"] for event in started] == [REASON]
    assert started[0].payload["lostTo"] >= lost.size
    assert check_objects_are_logged(lost.place.kubectl, events, lost.place.origin) == 15
    assert started[0].payload["lostTo"] > len(events)
    with lost.place.replica("next") as replica:
        replica.until_leading()
        lost.agents.delete("first")
        replica.until("all is settled", lost.agents.is_settled)
        assert replica.terminate() == 0
    last = [event for event in verified_events(lost.place.log) if event.kind == EPOCH_STARTED][-1]
    assert "acceptedLoss" not in last.payload


def _go_far(replica: Replica, agents: Agents) -> None:
    """Change the second agent some times, and make a third one."""
    for turn in range(EDITS):
        agents.edit("second", f"v{turn + 2}")
        replica.until("all is settled", agents.is_settled)
    agents.create("third")
    replica.until("all is settled", agents.is_settled)
