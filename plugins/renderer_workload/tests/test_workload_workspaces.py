"""Workspaces: volumes that outlast pods, whose they are, and when they go."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.conftest import Manifest, World

UID = "00000000-0000-4000-8000-000000000001"
RETAIN = {"universe.ai/retain": "true"}


def workspace_of(world: World, rendered: dict[str, Manifest]) -> Any:
    """Return the source of the volume that is mounted where the environment says."""
    path = world.environment(rendered)["RYNXS_WORKSPACE"]
    (name,) = [
        each["name"]
        for each in world.container(rendered)["volumeMounts"]
        if each["mountPath"] == path
    ]
    (volume,) = [each for each in world.pod(rendered)["volumes"] if each["name"] == name]
    return {key: value for key, value in volume.items() if key != "name"}


def claim(name: str) -> dict[str, Any]:
    return {"persistentVolumeClaim": {"claimName": name}}


def test_without_one_an_agent_works_in_a_volume_of_its_pod(world: World) -> None:
    rendered = world.agent()
    assert workspace_of(world, rendered) == {"emptyDir": {}}
    assert "PersistentVolumeClaim" not in rendered


def test_an_agents_workspace_is_a_claim_of_its_size(world: World) -> None:
    rendered = world.agent(workspace={"size": "1Gi"})
    assert workspace_of(world, rendered) == claim("agent-worker-workspace")
    assert rendered["PersistentVolumeClaim"]["metadata"]["name"] == "agent-worker-workspace"
    assert rendered["PersistentVolumeClaim"]["spec"] == {
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": "1Gi"}},
    }


@pytest.mark.parametrize("storage_class", ["fast", ""])
def test_a_storage_class_is_named_only_when_asked_for(world: World, storage_class: str) -> None:
    """An empty one is asked for as well: no class, so no volume is made for it."""
    rendered = world.agent(workspace={"size": "1Gi", "storageClassName": storage_class})
    assert rendered["PersistentVolumeClaim"]["spec"]["storageClassName"] == storage_class


@pytest.mark.parametrize("retain", [False, True])
def test_a_claim_to_retain_has_no_owner_and_says_so(world: World, retain: bool) -> None:
    rendered = world.agent(uid=UID, workspace={"size": "1Gi", "retain": retain})
    metadata = rendered["PersistentVolumeClaim"]["metadata"]
    assert ("ownerReferences" in metadata) is not retain
    assert (metadata.get("annotations") == RETAIN) is retain


@pytest.mark.parametrize("retain", [False, True])
def test_a_plan_says_of_a_deleted_agent_what_stays(world: World, retain: bool) -> None:
    world.agent(workspace={"size": "1Gi", "retain": retain})
    world.delete("Agent", "worker")
    world.pipeline.take_entries()
    planned = world.pipeline.acknowledge(world.pipeline.state.size)[-1]
    name = "v1/PersistentVolumeClaim/default/agent-worker-workspace"
    assert (planned.retained == [name]) is retain
    assert (name in planned.removed) is not retain


def test_the_old_pod_is_gone_before_a_new_one_mounts_the_volume(world: World) -> None:
    """A volume of ReadWriteOnce is mounted by one node at a time."""
    rendered = world.agent(workspace={"size": "1Gi"})
    assert rendered["Deployment"]["spec"]["strategy"] == {"type": "Recreate"}
    assert rendered["Deployment"]["spec"]["replicas"] == 1


def test_without_one_a_session_works_in_a_volume_of_its_pod(world: World) -> None:
    world.agent(workspace={"size": "1Gi"})
    rendered = world.session()
    assert workspace_of(world, rendered) == {"emptyDir": {}}
    assert "PersistentVolumeClaim" not in rendered


@pytest.mark.parametrize("storage_class", [None, "fast"])
def test_a_session_may_have_a_workspace_of_its_own(world: World, storage_class: str | None) -> None:
    world.agent(workspace={"size": "9Gi"})
    own = {"kind": "own", "size": "1Gi", "storageClassName": storage_class}
    rendered = world.session(uid=UID, workspace=own)
    assert workspace_of(world, rendered) == claim("session-run-workspace")
    volume = rendered["PersistentVolumeClaim"]
    assert volume["metadata"]["name"] == "session-run-workspace"
    assert volume["spec"]["resources"] == {"requests": {"storage": "1Gi"}}
    assert volume["spec"].get("storageClassName") == storage_class
    (owner,) = volume["metadata"]["ownerReferences"]
    assert (owner["kind"], owner["uid"]) == ("Session", UID)


def test_a_session_may_work_in_the_agents_workspace(world: World) -> None:
    agent = world.agent(workspace={"size": "1Gi"})
    rendered = world.session(workspace={"kind": "agent"})
    assert workspace_of(world, rendered) == workspace_of(world, agent)
    assert "PersistentVolumeClaim" not in rendered


def test_of_an_agent_without_a_workspace_no_session_works_in_it(world: World) -> None:
    world.agent()
    assert world.session(workspace={"kind": "agent"}) == {}
    world.agent(workspace={"size": "1Gi"})
    assert "Job" in world.of_session()
