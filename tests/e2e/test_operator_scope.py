"""What `rynxs operator` is to look after, and what it leaves alone, on a real API server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.cluster.objects import make_namespace
from tests.cluster.operated import OBJECTS_OF_AN_AGENT, Operated, kinds

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cluster.control_plane import Cluster


@pytest.fixture
def place(operated: Cluster, tmp_path: Path) -> Operated:
    return Operated(operated, tmp_path)


@pytest.fixture
def elsewhere(operated: Cluster) -> str:
    return make_namespace(operated.kubectl)


def moved(manifest: dict[str, Any], namespace: str) -> dict[str, Any]:
    return {**manifest, "metadata": {**manifest["metadata"], "namespace": namespace}}


def is_job(name: str) -> bool:
    return name.startswith("Job/session-count-")


def session(place: Operated, name: str, agent: str) -> dict[str, Any]:
    return {
        "apiVersion": "universe.ai/v1alpha1",
        "kind": "Session",
        "metadata": {"name": name, "namespace": place.namespace},
        "spec": {"agentRef": agent, "input": {"text": "Count to ten."}},
    }


def test_what_is_in_another_namespace_is_neither_recorded_nor_touched(
    place: Operated, elsewhere: str
) -> None:
    place.apply(moved(place.agent("theirs"), elsewhere), place.agent("ours"))
    before = place.agents(elsewhere)
    with place.replica("a") as replica:
        replica.until("ours is applied", place.applied("ours"))
        place.apply(moved(place.agent("late"), elsewhere), place.agent("last"))
        replica.until("the last is applied", place.applied("last"))
        assert replica.terminate() == 0
    assert {event.subject for event in place.checked() if event.subject} == {
        place.subject("ours"),
        place.subject("last"),
    }
    assert place.agents(elsewhere)["theirs"] == before["theirs"]
    assert place.rendered(elsewhere) == {}
    assert place.requests(elsewhere) == []


def test_a_namespace_that_is_no_longer_looked_after_keeps_all_it_has_and_may_come_back(
    place: Operated, elsewhere: str
) -> None:
    both = [place.namespace, elsewhere]
    with place.replica("a", namespaces=both) as replica:
        place.apply(moved(place.agent("theirs"), elsewhere), place.agent("ours"))
        replica.until("ours is applied", place.applied("ours"))
        replica.until("theirs is there", lambda: len(place.rendered(elsewhere)) == 5)
        assert replica.terminate() == 0
    before, written = place.rendered(elsewhere), len(place.requests(elsewhere))
    with place.replica("b") as replica:
        replica.until_leading()
        place.apply(place.agent("last"))
        replica.until("the last is applied", place.applied("last"))
        place.kubectl.run("delete", "agent/theirs", "-n", elsewhere)
        assert replica.terminate() == 0
    theirs = f"universe.ai/Agent/{elsewhere}/theirs"
    assert "AgentDeleted" not in kinds(place.checked(), theirs)
    assert place.rendered(elsewhere) == before
    assert len(place.requests(elsewhere)) == written
    with place.replica("c", namespaces=both) as replica:
        replica.until("theirs is gone", lambda: place.rendered(elsewhere) == {})
        assert replica.terminate() == 0
    assert "AgentDeleted" in kinds(place.checked(), theirs)


def test_what_was_made_by_a_reducer_that_is_no_longer_picked_stays_until_it_is_picked_again(
    place: Operated,
) -> None:
    with place.replica("a") as replica:
        replica.until_leading()
        place.apply(place.agent("worker"), session(place, "count", "worker"))
        replica.until("the job is there", lambda: any(map(is_job, place.rendered())))
        replica.until("the agent is applied", place.applied("worker"))
        assert replica.terminate() == 0
    before = place.rendered()
    assert len(before) > OBJECTS_OF_AN_AGENT
    with place.replica("b", plugins={"reducers": ["agent", "universe"]}) as replica:
        replica.until_leading()
        place.apply(place.agent("last"))
        replica.until("the last is applied", place.applied("last"))
        assert replica.terminate() == 0
    session_told = kinds(place.checked(), place.subject("count", "Session"))
    assert "SessionDeleted" not in session_told
    after = place.rendered()
    assert {each: after[each] for each in before} == before
    assert not [each for each in place.requests() if each.verb == "delete"]
    place.delete("session", "count")
    with place.replica("c") as replica:
        replica.until("its job is gone", lambda: not any(map(is_job, place.rendered())))
        replica.until_ready()
        assert replica.terminate() == 0
    assert "SessionDeleted" in kinds(place.checked(), place.subject("count", "Session"))
    assert len(place.rendered()) == 2 * OBJECTS_OF_AN_AGENT
