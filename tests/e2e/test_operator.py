"""`rynxs operator` on a real API server: an agent becomes objects, and what people see of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.cluster.invariants import check_objects_are_logged
from tests.cluster.operated import Operated

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cluster.control_plane import Cluster


def test_an_agent_becomes_objects_and_its_status_says_where_in_the_log_it_is(
    operated: Cluster, tmp_path: Path
) -> None:
    place = Operated(operated, tmp_path)
    with place.replica("a") as replica:
        replica.until_leading()
        place.apply(place.agent("worker"))
        waited = place.kubectl.wait("condition=Applied", "agent/worker", "-n", place.namespace)
        assert waited.status == 0, waited.err
        assert replica.terminate() == 0
    events = place.checked()
    assert [event.kind for event in events[:4]] == [
        "EpochStarted",
        "AgentObserved",
        "Planned",
        "Applied",
    ]
    assert check_objects_are_logged(place.kubectl, events, place.origin) == 5
    status = place.agents()["worker"]["status"]
    assert status["phase"] == "Active"
    assert status["observedGeneration"] == 1
    assert status["log"]["origin"] == place.origin
    assert events[status["log"]["seq"]].subject == place.subject("worker")
