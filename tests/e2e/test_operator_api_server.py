"""`rynxs operator` while the API server restarts, forgets, or waits for its store."""

from __future__ import annotations

from threading import Event as Signal
from threading import Thread
from typing import TYPE_CHECKING, Any

import pytest

from tests.cluster.client import ask, first, status_of
from tests.cluster.control_plane import control_plane
from tests.cluster.history import forget
from tests.cluster.operated import OBJECTS_OF_AN_AGENT, Operated, establish_crds, kinds
from tests.servers.failing import told_plainly

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from rynxs.operator.kubernetes import KubernetesCluster
    from tests.cluster.control_plane import Cluster
    from tests.cluster.replica import Replica

AGENT = "universe.ai/v1alpha1/Agent"
FILLING = (429, "TooManyRequests")
"""How an API server that has just started answers while its caches are being filled."""
COUNT = 40
STALL_S = 4.0
STALLS = 3


@pytest.fixture(scope="module")
def mortal() -> Iterator[Cluster]:
    """A control plane whose programs may be killed and stopped, if they run again at the end."""
    with told_plainly(), control_plane(audit=True) as running:
        establish_crds(running.kubectl)
        yield running


@pytest.fixture
def place(mortal: Cluster, tmp_path: Path) -> Operated:
    return Operated(mortal, tmp_path)


@pytest.fixture
def replica(place: Operated) -> Iterator[Replica]:
    with place.replica("a") as made:
        made.until_leading()
        yield made


class User(Thread):
    """Makes agents, one after the other; one that was not taken is made again until it is there.

    Attributes:
        names: Of the agents.
        half: Is set when half of them are made.
    """

    def __init__(self, place: Operated) -> None:
        """Make nothing yet."""
        super().__init__()
        self._place = place
        self.names = [f"worker-{number:02}" for number in range(COUNT)]
        self.half = Signal()

    def run(self) -> None:
        """Make them."""
        for number, name in enumerate(self.names):
            if number == COUNT // 2:
                self.half.set()
            while self._place.kubectl.apply(self._place.agent(name)).status != 0:
                pass


def check_all_is_done(place: Operated, replica: Replica, user: User) -> None:
    """Demand that all that a user makes gets applied, and nothing is lost or twofold."""
    user.join()
    replica.until("all are applied", place.applied(*user.names))
    replica.until_ready()
    assert replica.terminate() == 0
    check_nothing_is_lost_or_twofold(place, user.names)


def check_nothing_is_lost_or_twofold(place: Operated, names: list[str]) -> None:
    """Demand that each agent was observed and planned once, and has what was planned."""
    events = place.checked()
    assert {event.subject for event in events if event.subject} == set(map(place.subject, names))
    for name in names:
        told = kinds(events, place.subject(name))
        assert [told.count(each) for each in ("AgentObserved", "Planned")] == [1, 1], told
        assert "Applied" in told
    found = place.rendered()
    assert len(found) == COUNT * OBJECTS_OF_AN_AGENT
    assert "DriftObserved" not in {event.kind for event in events}


def test_an_api_server_that_is_killed_and_started_while_agents_are_made_costs_none_of_them(
    mortal: Cluster, place: Operated, replica: Replica
) -> None:
    user = User(place)
    user.start()
    user.half.wait()
    mortal.apiserver.kill()
    replica.until("it notices", lambda: "[-] watches" in replica.ready())
    mortal.apiserver.start()
    check_all_is_done(place, replica, user)


def test_a_store_that_stands_still_for_seconds_costs_nothing(
    mortal: Cluster, place: Operated, replica: Replica
) -> None:
    user = User(place)
    user.start()
    user.half.wait()
    for _ in range(STALLS):
        mortal.etcd.pause()
        try:
            Signal().wait(STALL_S)  # that long is the fault
        finally:
            mortal.etcd.resume()
        replica.until("a request is answered", lambda: bool(place.agents()))
    check_all_is_done(place, replica, user)


def test_what_happens_while_all_watches_expire_is_seen_nevertheless(
    mortal: Cluster, place: Operated, replica: Replica
) -> None:
    """The operator stands still, and by the time that it goes on, what it missed is forgotten."""
    place.apply(*map(place.agent, ("stays", "gone", "anew", "edited")))
    replica.until("all are applied", place.applied("stays", "gone", "anew", "edited"))
    replica.until_ready()
    before = place.agents()
    version = str(place.get("/api/v1/namespaces")["metadata"]["resourceVersion"])
    replica.pause()
    place.delete("agent", "gone", "anew")
    place.apply(place.agent("anew"), place.agent("edited", role="director"), place.agent("late"))
    place.delete("configmap", "agent-stays")
    forget(mortal)
    mortal.apiserver.restart()

    async def expires(client: KubernetesCluster) -> None:
        refused = FILLING
        while refused == FILLING:
            refused = await status_of(
                first(client.watch_objects(AGENT, place.namespace, version), 2)
            )
        assert refused == (410, "Expired")

    ask(mortal.apiserver.kubeconfig, expires)
    replica.resume()
    replica.until("all are applied", place.applied("stays", "anew", "edited", "late"))
    replica.until("gone is gone", place.has_objects_of("gone", 0))
    replica.until("what was deleted is there", place.has_objects_of("stays", OBJECTS_OF_AN_AGENT))
    replica.until_ready()
    assert replica.terminate() == 0
    events = place.checked()

    def observed(name: str) -> list[tuple[str, Any]]:
        return [
            (event.kind, event.payload.get("uid") or event.payload["object"]["metadata"]["uid"])
            for event in events
            if event.subject == place.subject(name) and event.kind.startswith("Agent")
        ]

    uids = {name: found["metadata"]["uid"] for name, found in before.items()}
    now = {name: found["metadata"]["uid"] for name, found in place.agents().items()}
    assert observed("gone") == [("AgentObserved", uids["gone"]), ("AgentDeleted", uids["gone"])]
    assert observed("anew") == [
        ("AgentObserved", uids["anew"]),
        ("AgentDeleted", uids["anew"]),
        ("AgentObserved", now["anew"]),
    ]
    assert observed("stays") == [("AgentObserved", uids["stays"])]
    assert observed("edited") == [("AgentObserved", uids["edited"])] * 2
    assert observed("late") == [("AgentObserved", now["late"])]
    assert [event.subject for event in events if event.kind == "DriftObserved"] == [
        place.subject("stays")
    ]
