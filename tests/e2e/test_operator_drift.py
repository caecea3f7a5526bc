"""Rendered objects that others delete, edit and fight over, on a real API server."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from rynxs.operator.backoff import delay_s
from rynxs.operator.reconciling import LATER_EPOCH
from rynxs.operator.stamp import EPOCH
from tests.cluster.operated import OBJECTS_OF_AN_AGENT, Operated, kinds

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.cluster.audit import AuditEvent
    from tests.cluster.control_plane import Cluster
    from tests.cluster.invariants import Event
    from tests.cluster.replica import Replica

ROUNDS = 6
RIVAL = "rival"


@pytest.fixture
def place(operated: Cluster, tmp_path: Path) -> Operated:
    return Operated(operated, tmp_path)


@pytest.fixture
def replica(place: Operated) -> Iterator[Replica]:
    """A replica that applies one subject after the other, and has applied an agent."""
    with place.replica("a", concurrency=1) as made:
        made.until_leading()
        place.apply(place.agent("worker"))
        made.until("it is applied", place.applied("worker"))
        yield made


def drifts(events: list[Event]) -> list[Event]:
    return [event for event in events if event.kind == "DriftObserved"]


def test_a_rendered_object_that_is_deleted_by_hand_is_made_again_and_an_event_says_so(
    place: Operated, replica: Replica
) -> None:
    before = place.rendered()["ConfigMap/agent-worker"]["metadata"]["uid"]
    place.delete("configmap", "agent-worker")
    replica.until("its objects are all there", place.has_objects_of("worker", OBJECTS_OF_AN_AGENT))
    replica.until("it is told", lambda: bool(place.notices("Drifted", "worker")))
    assert replica.terminate() == 0
    assert place.rendered()["ConfigMap/agent-worker"]["metadata"]["uid"] != before
    events = place.checked()
    (drift,) = drifts(events)
    identifier = f"v1/ConfigMap/{place.namespace}/agent-worker"
    assert drift.subject == place.subject("worker")
    assert (drift.payload["id"], drift.payload["fields"]) == (identifier, [])
    (note,) = place.notices("Drifted", "worker")
    assert note == f"{identifier}: somebody deleted it; it is set right (record {drift.seq})"
    assert kinds(events, drift.subject)[-1] == "Applied"


def test_a_rendered_object_that_is_edited_by_hand_is_set_right_and_an_event_names_who_did_it(
    place: Operated, replica: Replica
) -> None:
    def image() -> str:
        template = place.rendered()["Deployment/agent-worker"]["spec"]["template"]
        return str(template["spec"]["containers"][0]["image"])

    before = image()
    change = {"spec": {"template": {"spec": {"containers": [{"name": "agent", "image": "evil"}]}}}}
    patch = ("--field-manager=kubectl-edit", "--type=strategic", f"--patch={json.dumps(change)}")
    place.run("patch", "deployment/agent-worker", *patch)
    replica.until("it is told", lambda: bool(place.notices("Drifted", "worker")))
    replica.until("it is set right", lambda: image() == before)
    assert replica.terminate() == 0
    (drift,) = drifts(place.checked())
    assert drift.payload["fields"] == ["spec.template.spec.containers[0].image"]
    assert drift.payload["managers"] == ["kubectl-edit"]
    (note,) = place.notices("Drifted", "worker")
    assert "apps/v1/Deployment" in note
    assert "kubectl-edit changed 1 fields" in note


def test_a_container_that_somebody_adds_is_taken_away_and_recorded(
    place: Operated, replica: Replica
) -> None:
    def names() -> list[str]:
        template = place.rendered()["Deployment/agent-worker"]["spec"]["template"]
        return [each["name"] for each in template["spec"]["containers"]]

    change = {"spec": {"template": {"spec": {"containers": [{"name": "evil", "image": "evil"}]}}}}
    patch = ("--field-manager=kubectl-edit", "--type=strategic", f"--patch={json.dumps(change)}")
    place.run("patch", "deployment/agent-worker", *patch)
    replica.until("it is told", lambda: bool(place.notices("Drifted", "worker")))
    replica.until("it is taken away", lambda: names() == ["agent"])
    assert replica.terminate() == 0
    (drift,) = drifts(place.checked())
    assert drift.payload["fields"] == ['spec.template.spec.containers[{"name":"evil"}]']
    assert drift.payload["managers"] == ["kubectl-edit"]


@pytest.mark.parametrize("manager", ["kubectl-annotate", "rynxs"])
def test_a_later_epoch_that_somebody_forges_is_set_right_and_does_not_end_the_leader(
    place: Operated, replica: Replica, manager: str
) -> None:
    def epoch() -> str:
        metadata = place.rendered()["ConfigMap/agent-worker"]["metadata"]
        return str(metadata["annotations"][EPOCH])

    before = epoch()
    forged = f"{EPOCH}={int(before) + 7}"
    options = ("--overwrite", f"--field-manager={manager}")
    place.run("annotate", "configmap/agent-worker", forged, *options)
    replica.until("it is told", lambda: bool(place.notices("Drifted", "worker")))
    replica.until("it is set right", lambda: epoch() == before)
    assert replica.terminate() == 0
    (drift,) = drifts(place.checked())
    assert drift.payload["fields"] == [LATER_EPOCH]


def test_who_changes_an_object_again_and_again_is_answered_ever_later_and_holds_nobody_up(
    place: Operated, replica: Replica
) -> None:
    """The last round is answered after 8 s; meanwhile, another agent is made and applied."""
    path = f"/apis/apps/v1/namespaces/{place.namespace}/deployments/agent-worker"
    rival = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "agent-worker", "namespace": place.namespace},
        "spec": {"replicas": 7},
    }
    options = ("--server-side", "--force-conflicts", f"--field-manager={RIVAL}", "--filename=-")
    for number in range(1, ROUNDS + 1):
        done = place.kubectl.run("apply", *options, text=json.dumps(rival))
        assert done.status == 0, done.err
        if number == ROUNDS:
            place.apply(place.agent("other"))
        replica.until("it is set right", lambda: place.get(path)["spec"]["replicas"] == 1)
    replica.until("the other is applied", place.applied("other"))
    assert replica.terminate() == 0
    events = place.checked()
    told = drifts(events)
    assert len(told) == 3  # the first time, the second and the fourth
    assert {event.subject for event in told} == {place.subject("worker")}
    assert {tuple(event.payload["managers"]) for event in told} == {(RIVAL,)}
    rounds = answered(place)
    assert len(rounds) == ROUNDS
    for number, (theirs, ours) in enumerate(rounds[1:], 1):
        assert (ours.received - theirs.received).total_seconds() >= delay_s(number)
    others = [
        each for each in place.requests() if each.object and each.object.name == "agent-other"
    ]
    assert len(others) == OBJECTS_OF_AN_AGENT
    assert max(each.ended for each in others) < rounds[-1][1].received


def answered(place: Operated) -> list[tuple[AuditEvent, AuditEvent]]:
    """Return the writes of the rival, each with ours that came next."""
    of_both = [
        each
        for each in place.audit.events()
        if each.object is not None
        and (each.object.namespace, each.object.resource) == (place.namespace, "deployments")
        and each.object.name == "agent-worker"
        and each.verb == "patch"
    ]
    return [
        (one, next_one)
        for one, next_one in pairwise(of_both)
        if f"fieldManager={RIVAL}" in one.uri and next_one.agent.startswith("rynxs/")
    ]
