"""`rynxs operator` without a right that it needs, on a real API server with RBAC."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.cluster.operated import OBJECTS_OF_AN_AGENT, Operated, kinds
from tests.cluster.rights import Account, Right

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cluster.control_plane import Cluster


@pytest.fixture
def place(operated: Cluster, tmp_path: Path) -> Operated:
    return Operated(operated, tmp_path)


@pytest.fixture
def account(operated: Cluster, place: Operated) -> Account:
    return Account(operated, place.namespace)


def test_the_rights_of_a_role_are_enough(place: Operated, account: Account) -> None:
    account.has_all_but()
    with place.replica("a", kubeconfig=account.kubeconfig) as replica:
        place.apply(place.agent("worker"))
        replica.until("it is applied", place.applied("worker"))
        place.delete("configmap", "agent-worker")
        replica.until("it is told", lambda: bool(place.notices("Drifted", "worker")))
        place.apply(place.agent("worker", role="director"))
        replica.until("it is applied", place.applied("worker"))
        place.delete("agent", "worker")
        replica.until("its objects are gone", place.has_objects_of("worker", 0))
        assert replica.terminate() == 0
        forbidden = [each for each in place.requests() if each.code == 403]
        assert forbidden == []
    place.checked()


def test_a_right_to_write_that_is_missing_is_named_in_the_status_and_in_an_event_until_given(
    place: Operated, account: Account
) -> None:
    right = Right("create", "networkpolicies", "networking.k8s.io")
    missing = right.refusal(place.namespace)
    account.has_all_but(right)
    with place.replica("a", kubeconfig=account.kubeconfig) as replica:
        replica.until_leading()
        place.apply(place.agent("worker"))
        replica.until("it is told", lambda: bool(place.notices("ApplyFailed", "worker")))
        replica.until(
            "the status says so",
            lambda: missing in place.condition("worker", "Applied").get("message", ""),
        )
        assert place.condition("worker", "Applied")["status"] == "False"
        assert missing in place.notices("ApplyFailed", "worker")[0]
        assert "Deployment/agent-worker" not in place.rendered()  # what confines it comes first
        account.has_all_but()
        replica.until("it is applied", place.applied("worker"))
        assert replica.terminate() == 0
    assert len(place.rendered()) == OBJECTS_OF_AN_AGENT
    events = place.checked()
    told = kinds(events, place.subject("worker"))
    assert "AgentDeleted" not in told
    assert told.index("ApplyFailed") < told.index("Applied")
    failure = next(event for event in events if event.kind == "ApplyFailed")
    assert missing in failure.payload["reason"]
    assert not [each for each in place.requests() if each.verb == "delete"]


def test_without_the_right_to_list_what_is_rendered_nobody_leads_and_nothing_is_deleted(
    place: Operated, account: Account
) -> None:
    before, written = _two_are_applied(place, account)
    account.has_all_but(Right("list", "services"))
    place.delete("agent", "gone")
    with place.replica("b", kubeconfig=account.kubeconfig) as replica:
        replica.until("it says so", lambda: "[-] watches: v1/Service" in replica.ready())
        assert 'cannot list resource "services"' in replica.ready()
        assert replica.get("/readyz")[0] == 503
        assert "[+] log: standing by" in replica.ready()
        assert place.rendered() == before
        assert len(place.requests()) == written
        account.has_all_but()
        replica.until("its objects are gone", place.has_objects_of("gone", 0))
        replica.until_ready()
        assert replica.terminate() == 0
    assert len(place.rendered()) == OBJECTS_OF_AN_AGENT
    events = place.checked()
    assert "AgentDeleted" not in kinds(events, place.subject("stays"))


def test_without_the_right_to_list_agents_none_is_taken_as_deleted(
    place: Operated, account: Account
) -> None:
    before, written = _two_are_applied(place, account)
    account.has_all_but(Right("list", "agents", "universe.ai"))
    place.delete("agent", "gone")
    with place.replica("b", kubeconfig=account.kubeconfig) as replica:
        replica.until_leading()
        kind = "[-] watches: universe.ai/v1alpha1/Agent"
        replica.until("it says so", lambda: kind in replica.ready())
        assert 'cannot list resource "agents"' in replica.ready()
        assert replica.get("/readyz")[0] == 503
        place.apply(place.agent("late"))
        place.delete("configmap", "agent-stays")
        replica.until("what is known is set right", lambda: len(place.rendered()) == len(before))
        repaired = [each.verb for each in place.requests()[written:]]
        assert "delete" not in repaired
        account.has_all_but()
        replica.until("its objects are gone", place.has_objects_of("gone", 0))
        replica.until("the late one is applied", place.applied("late"))
        replica.until_ready()
        assert replica.terminate() == 0
    events = place.checked()
    assert "AgentDeleted" in kinds(events, place.subject("gone"))
    assert "AgentDeleted" not in kinds(events, place.subject("stays"))


def _two_are_applied(place: Operated, account: Account) -> tuple[dict[str, dict[str, Any]], int]:
    """Have an operator with all rights apply `stays` and `gone`, and end.

    Returns:
        What was rendered, and how many requests that took.
    """
    account.has_all_but()
    with place.replica("a", kubeconfig=account.kubeconfig) as replica:
        place.apply(place.agent("stays"), place.agent("gone"))
        replica.until("both are applied", place.applied("stays", "gone"))
        assert replica.terminate() == 0
    return place.rendered(), len(place.requests())
