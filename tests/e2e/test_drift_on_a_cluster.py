"""What others have changed of rendered objects, seen in managedFields of a real API server."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import uuid4

import pytest
import yaml

from rynxs.operator.managed_fields import added, lost
from rynxs.operator.reconciling import MANAGER
from tests.cluster.client import ask
from tests.cluster.objects import make_namespace, over, place
from tests.golden.examples import CASES, GOLDEN

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rynxs.operator.kubernetes import KubernetesCluster
    from tests.cluster.control_plane import Cluster

RENDERED = sorted(set(CASES) - {"agent-basic-sandbox"})


def manifests(case: str) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all((GOLDEN / f"{case}.manifests.yaml").read_text()))


def moved(manifest: Mapping[str, Any], namespace: str) -> dict[str, Any]:
    return {**manifest, "metadata": {**manifest["metadata"], "namespace": namespace}}


def changed(manifest: Mapping[str, Any], metadata: Mapping[str, Any]) -> list[str]:
    return list(lost(manifest, metadata["managedFields"], MANAGER))


def more(manifest: Mapping[str, Any], metadata: Mapping[str, Any]) -> list[str]:
    return list(added(manifest, metadata["managedFields"], MANAGER))


@pytest.mark.parametrize("case", RENDERED)
def test_nothing_is_lost_of_what_is_made_or_applied_and_left_alone(
    cluster: Cluster, case: str
) -> None:
    prefix = f"test-{uuid4().hex[:8]}-"
    rendered = manifests(case)
    for namespace in {each["metadata"]["namespace"] for each in rendered}:
        assert cluster.kubectl.run("create", "namespace", prefix + namespace).status == 0

    async def work(client: KubernetesCluster) -> None:
        for each in rendered:
            manifest = moved(each, prefix + each["metadata"]["namespace"])
            made = await client.create(manifest)
            assert changed(manifest, made) == []
            applied = await client.apply(over(manifest, made), made["managedFields"])
            assert changed(manifest, applied) == []
            again = await client.apply(over(manifest, applied), applied["managedFields"])
            assert changed(manifest, again) == []
            assert changed(manifest, (await client.get(place(manifest)))["metadata"]) == []

    ask(cluster.apiserver.kubeconfig, work)


class Edit(NamedTuple):
    """What somebody does by hand, and what is lost by it.

    Attributes:
        kind: of the agent's object.
        command: of kubectl; the object's name follows it.
        lost: paths.
        after: what follows the object's name.
    """

    kind: str
    command: tuple[str, ...]
    lost: list[str]
    after: tuple[str, ...] = ()


def patch(kind: str, change: Any, *lost: str) -> Edit:
    """Change an object as `kubectl edit` does: with the patch of what was edited."""
    form = "json" if isinstance(change, list) else "strategic"
    options = (f"--type={form}", f"--patch={json.dumps(change)}", "--field-manager=kubectl-edit")
    return Edit(kind, ("patch", kind), list(lost), options)


def pod(**members: Any) -> dict[str, Any]:
    return {"spec": {"template": {"spec": members}}}


def removal(path: str) -> list[dict[str, str]]:
    return [{"op": "remove", "path": path}]


POD = "/spec/template/spec"
CONTAINER = "spec.template.spec.containers[0]"
OWNER = {
    "apiVersion": "v1",
    "controller": True,
    "kind": "ConfigMap",
    "name": "other",
    "uid": "other",
}
EDITS = {
    "set image": Edit(
        "Deployment", ("set", "image", "deployment"), [f"{CONTAINER}.image"], ("agent=evil",)
    ),
    "set resources": Edit(
        "Deployment",
        ("set", "resources", "deployment"),
        [f"{CONTAINER}.resources.limits.cpu"],
        ("--limits=cpu=7",),
    ),
    "scale": Edit("Deployment", ("scale", "deployment"), ["spec.replicas"], ("--replicas=0",)),
    "label": Edit(
        "Deployment",
        ("label", "--overwrite", "deployment"),
        ["metadata.labels.universe.ai/role"],
        ("universe.ai/role=boss",),
    ),
    "a label taken away": Edit(
        "Deployment",
        ("label", "deployment"),
        ["metadata.labels.universe.ai/team"],
        ("universe.ai/team-",),
    ),
    "an environment variable": patch(
        "Deployment",
        pod(containers=[{"name": "agent", "env": [{"name": "RYNXS_WORKSPACE", "value": "/x"}]}]),
        f"{CONTAINER}.env[1].value",
    ),
    "a mount taken away": patch(
        "Deployment",
        removal(f"{POD}/containers/0/volumeMounts/1"),
        f"{CONTAINER}.volumeMounts[1]",
    ),
    "a mount that is writable": patch(
        "Deployment",
        removal(f"{POD}/containers/0/volumeMounts/0/readOnly"),
        f"{CONTAINER}.volumeMounts[0].readOnly",
    ),
    "an annotation taken away": patch(
        "Deployment",
        removal("/spec/template/metadata/annotations"),
        "spec.template.metadata.annotations.universe.ai/config-digest",
    ),
    "a capability": patch(
        "Deployment",
        removal(f"{POD}/containers/0/securityContext/capabilities"),
        f"{CONTAINER}.securityContext.capabilities.drop",
    ),
    "may escalate": patch(
        "Deployment",
        pod(containers=[{"name": "agent", "securityContext": {"allowPrivilegeEscalation": True}}]),
        f"{CONTAINER}.securityContext.allowPrivilegeEscalation",
    ),
    "a token": patch(
        "Deployment",
        pod(automountServiceAccountToken=True),
        "spec.template.spec.automountServiceAccountToken",
    ),
    "another volume": patch(
        "Deployment",
        pod(volumes=[{"name": "config", "configMap": {"name": "evil"}}]),
        "spec.template.spec.volumes[0].configMap.name",
    ),
    "one more container": patch("Deployment", pod(containers=[{"name": "b", "image": "b"}])),
    "the same value, and more": patch(
        "Deployment", {"spec": {"replicas": 1, "minReadySeconds": 5}}
    ),
    "a configuration": patch("ConfigMap", {"data": {"spec.json": "{}"}}, "data.spec.json"),
    "a configuration taken away": patch("ConfigMap", removal("/data/spec.json"), "data.spec.json"),
    "no environment": patch("Deployment", removal(f"{POD}/containers/0/env"), f"{CONTAINER}.env"),
    "no ports": patch("Service", removal("/spec/ports"), "spec.ports"),
    "no limits": patch(
        "Deployment",
        removal(f"{POD}/containers/0/resources/limits"),
        f"{CONTAINER}.resources.limits.cpu",
        f"{CONTAINER}.resources.limits.memory",
    ),
    "one more owner": patch("ConfigMap", {"metadata": {"ownerReferences": [OWNER]}}),
    "one more key": patch("ConfigMap", {"data": {"more": "{}"}}),
    "a port": patch(
        "Service",
        [{"op": "replace", "path": "/spec/ports/0", "value": {"name": "evil", "port": 1}}],
        "spec.ports",
    ),
    "a selector": patch("Service", {"spec": {"selector": {"app": "evil"}}}, "spec.selector"),
    "open to all": patch("NetworkPolicy", {"spec": {"ingress": [{}]}}, "spec.ingress"),
    "closed to nobody": patch(
        "NetworkPolicy", {"spec": {"policyTypes": ["Egress"]}}, "spec.policyTypes"
    ),
    "no rule": patch("NetworkPolicy", removal("/spec/egress"), "spec.egress"),
    "other pods": patch(
        "NetworkPolicy",
        {"spec": {"podSelector": {"matchLabels": {"app": "x"}}}},
        "spec.podSelector",
    ),
    "a token for all pods": patch(
        "ServiceAccount", {"automountServiceAccountToken": True}, "automountServiceAccountToken"
    ),
}

ADDED = {
    "a port": ['spec.ports[{"port":1,"protocol":"TCP"}]'],
    "one more container": ['spec.template.spec.containers[{"name":"b"}]'],
    "one more key": ["data.more"],
    "one more owner": ["metadata.ownerReferences"],
    "the same value, and more": ["spec.minReadySeconds"],
}


async def edited(
    client: KubernetesCluster,
    cluster: Cluster,
    manifest: dict[str, Any],
    edit: Edit,
    *,
    is_applied: bool,
) -> Mapping[str, Any]:
    """Make an object, let somebody change it, and return its metadata."""
    metadata = await client.create(manifest)
    if is_applied:
        metadata = await client.apply(over(manifest, metadata), metadata["managedFields"])
    name, namespace = metadata["name"], metadata["namespace"]
    answer = cluster.kubectl.run(*edit.command, name, *edit.after, "--namespace", namespace)
    assert answer.status == 0, answer.err
    found: Mapping[str, Any] = (await client.get(place(manifest)))["metadata"]
    return found


@pytest.mark.parametrize("is_applied", [False, True], ids=["made", "applied"])
@pytest.mark.parametrize("name", EDITS)
def test_what_somebody_changes_is_lost_and_nothing_else_until_it_is_applied_again(
    cluster: Cluster, name: str, is_applied: bool
) -> None:
    edit = EDITS[name]
    namespace = make_namespace(cluster.kubectl)
    (manifest,) = (
        moved(each, namespace) for each in manifests("agent-basic") if each["kind"] == edit.kind
    )

    async def work(client: KubernetesCluster) -> None:
        found = await edited(client, cluster, manifest, edit, is_applied=is_applied)
        assert changed(manifest, found) == edit.lost
        assert more(manifest, found) == ADDED.get(name, [])
        applied = await client.apply(over(manifest, found), found["managedFields"])
        assert (changed(manifest, applied), more(manifest, applied)) == ([], [])

    ask(cluster.apiserver.kubeconfig, work)


@pytest.mark.parametrize("is_applied", [False, True], ids=["made", "applied"])
def test_what_can_not_be_beside_what_is_applied_is_taken_away(
    cluster: Cluster, is_applied: bool
) -> None:
    """Another number for a port: the one that is applied would be a second one of that name."""
    namespace = make_namespace(cluster.kubectl)
    (manifest,) = (
        moved(each, namespace) for each in manifests("agent-basic") if each["kind"] == "Service"
    )
    change = [{"op": "replace", "path": "/spec/ports/0/port", "value": 1}]
    edit = patch("Service", change, "spec.ports")

    async def work(client: KubernetesCluster) -> None:
        found = await edited(client, cluster, manifest, edit, is_applied=is_applied)
        assert changed(manifest, found) == edit.lost
        applied = await client.apply(over(manifest, found), found["managedFields"])
        assert changed(manifest, applied) == []
        (port,) = (await client.get_object(place(manifest)))["spec"]["ports"]
        assert (port["name"], port["port"]) == ("tasks", manifest["spec"]["ports"][0]["port"])

    ask(cluster.apiserver.kubeconfig, work)
