"""Names, labels and owners of what is rendered; and that labels select the right pods."""

from __future__ import annotations

import itertools
import re
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.conftest import Manifest, World

UID = "00000000-0000-4000-8000-000000000001"
LABEL_VALUE = re.compile(r"([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?")
LABEL_KEY = re.compile(r"([-a-z0-9.]{1,253}/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")
DNS_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
OWN = {"kind": "own", "size": "1Gi"}


def labels_of(manifest: Manifest) -> dict[str, str]:
    """Return the labels of the pods that a manifest makes, or its own if it makes none."""
    template = manifest["spec"].get("template", manifest) if "spec" in manifest else manifest
    found: dict[str, str] = template["metadata"]["labels"]
    return found


def test_everything_has_the_recommended_labels_of_kubernetes(world: World) -> None:
    """https://kubernetes.io/docs/concepts/overview/working-with-objects/common-labels/."""
    world.agent(workspace={"size": "1Gi"})
    world.session(workspace=OWN)
    for manifest in world.manifests():
        is_session = manifest["metadata"]["name"].startswith("session-")
        for labels in (manifest["metadata"]["labels"], labels_of(manifest)):
            assert labels["app.kubernetes.io/managed-by"] == "rynxs"
            assert labels["app.kubernetes.io/part-of"] == "rynxs"
            assert (
                labels["app.kubernetes.io/name"] == f"rynxs-{'session' if is_session else 'agent'}"
            )
            assert labels["app.kubernetes.io/instance"] == (
                "session-run" if is_session else "agent-worker"
            )
            assert labels["universe.ai/agent"] == "worker"
            assert labels.get("universe.ai/session") == ("run" if is_session else None)


def test_role_team_and_permissions_are_labels_of_the_pods_and_of_the_sessions(
    world: World,
) -> None:
    world.agent(
        role="manager",
        team="red",
        manages=["ann", "bob"],
        permissions={"canAssignTasks": True, "canManageTeam": True},
    )
    expected = {
        "universe.ai/role": "manager",
        "universe.ai/team": "red",
        "universe.ai/can-assign-tasks": "true",
        "universe.ai/can-manage-team": "true",
        "manages.universe.ai/ann": "true",
        "manages.universe.ai/bob": "true",
    }
    for rendered in (world.of_agent()["Deployment"], world.session()["Job"]):
        assert expected.items() <= labels_of(rendered).items()


def test_without_permissions_there_are_no_labels_of_them(world: World) -> None:
    labels = labels_of(world.agent(role="manager", manages=["ann"], team="red")["Deployment"])
    assert not [name for name in labels if name.startswith("universe.ai/can-")]


def longest(world: World) -> None:
    """Let the agent and the session with the longest names and labels be there."""
    world.agent(
        "a" * 57,
        role="director",
        team="T" * 63,
        manages=[f"{number}{'m' * 62}" for number in range(3)],
        permissions={"canAssignTasks": True, "canManageTeam": True},
        workspace={"size": "1Gi"},
    )
    world.session("s" * 45, agentRef="a" * 57, workspace=OWN)


def test_the_longest_names_make_labels_that_fit(world: World) -> None:
    longest(world)
    assert len(world.manifests()) == 10
    for manifest in world.manifests():
        for labels in (manifest["metadata"]["labels"], labels_of(manifest)):
            assert all(LABEL_KEY.fullmatch(key) for key in labels)
            assert all(LABEL_VALUE.fullmatch(value) for value in labels.values())


def test_the_longest_names_make_names_that_fit(world: World) -> None:
    """Those of Services and Jobs are DNS labels of up to 63 characters; claims may have 253."""
    longest(world)
    for manifest in world.manifests():
        name = manifest["metadata"]["name"]
        if manifest["kind"] == "PersistentVolumeClaim":
            assert DNS_LABEL.fullmatch(name[:63])
            assert len(name) <= 253
        else:
            assert DNS_LABEL.fullmatch(name), name


@pytest.mark.parametrize(
    ("reference", "label"),
    [("main", "main"), ("a" * 62 + ".b" * 9, "a" * 62), ("a" * 60 + ".b.c", "a" * 60 + ".b")],
)
def test_a_universe_is_a_label_within_its_length(world: World, reference: str, label: str) -> None:
    """Whoever judges agents has accepted this one; else nothing would be rendered."""
    verdict = {"conditions": [], "holds": {}, "patch": {}, "refused": False}
    world.pipeline.state.slices.put_verdict("universe.ai/Agent/default/worker", verdict)
    rendered = world.agent(universeRef=reference)
    assert labels_of(rendered["Deployment"])["universe.ai/universe"] == label


@pytest.mark.parametrize("kind", ["Agent", "Session"])
def test_everything_is_owned_by_its_object(world: World, kind: str) -> None:
    agent = world.agent(uid=UID, workspace={"size": "1Gi"})
    rendered = agent if kind == "Agent" else world.session(uid=UID, workspace=OWN)
    for manifest in rendered.values():
        assert manifest["metadata"]["ownerReferences"] == [
            {
                "apiVersion": "universe.ai/v1alpha1",
                "controller": True,
                "kind": kind,
                "name": "worker" if kind == "Agent" else "run",
                "uid": UID,
            }
        ]


def test_without_a_cluster_there_is_no_owner(world: World) -> None:
    world.agent(workspace={"size": "1Gi"})
    world.session(workspace=OWN)
    for manifest in world.manifests():
        assert "ownerReferences" not in manifest["metadata"]


def matches(selector: dict[str, str], labels: dict[str, str]) -> bool:
    return bool(selector) and selector.items() <= labels.items()


def test_deployments_and_services_select_the_agents_own_pods_and_no_others(world: World) -> None:
    names = ["worker", "worker-1", "work", "run"]
    for name in names:
        world.agent(name, team="red")
        world.session(name, agentRef=name)
    for one, other in itertools.product(names, names):
        rendered = world.of_agent(one)
        own = rendered["Deployment"]["spec"]["selector"]["matchLabels"]
        served = rendered["Service"]["spec"]["selector"]
        pods = labels_of(world.of_agent(other)["Deployment"])
        job_pods = labels_of(world.of_session(other)["Job"])
        assert matches(own, pods) is matches(served, pods) is (one == other)
        assert not matches(own, job_pods)
        assert not matches(served, job_pods)


def test_what_selects_pods_never_changes(world: World) -> None:
    """A Deployment's selector is immutable."""
    before = world.agent()["Deployment"]["spec"]["selector"]
    changes: list[dict[str, Any]] = [
        {"role": "manager", "manages": ["ann"], "permissions": {"canAssignTasks": True}},
        {"team": "red"},
        {"suspend": True},
    ]
    for changed in changes:
        assert world.agent(**changed)["Deployment"]["spec"]["selector"] == before
