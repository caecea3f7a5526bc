"""What tests on a running cluster rely on: things happen, and the audit log says who did them."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from tests.cluster.kubectl import Kubectl
from tests.cluster.kwok import LABEL
from tests.cluster.running import running_cluster
from tests.cluster.stages import COMPLETE_AFTER, READY_AFTER
from tests.servers.failing import told_plainly

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from tests.cluster.audit import AuditEvent, ObjectRef
    from tests.cluster.running import RunningCluster

CONTROLLER = "system:serviceaccount:kube-system:{}-controller"


@pytest.fixture(scope="module")
def cluster() -> Iterator[RunningCluster]:
    """A running cluster with two fake nodes, shared: use a namespace of your own."""
    with told_plainly(), running_cluster(nodes=2) as running:
        yield running


@pytest.fixture
def namespace(cluster: RunningCluster) -> str:
    """A new namespace in which pods are admitted, which takes its default service account."""
    name = f"test-{uuid4().hex}"
    _done(cluster.kubectl, "create", "namespace", name)
    _wait(cluster, "create", "serviceaccount/default", namespace=name)
    return name


def _done(kubectl: Kubectl, *arguments: object) -> str:
    answer = kubectl.run(*arguments)
    assert answer.status == 0, answer.err
    return answer.out


def _wait(cluster: RunningCluster, condition: str, *what: str, namespace: str) -> None:
    answer = cluster.kubectl.wait(condition, *what, f"--namespace={namespace}")
    assert answer.status == 0, answer.err


def _apply(cluster: RunningCluster, manifest: dict[str, Any]) -> None:
    answer = cluster.kubectl.apply(manifest)
    assert answer.status == 0, answer.err


def _items(cluster: RunningCluster, kind: str, namespace: str) -> list[dict[str, Any]]:
    answer = cluster.kubectl.run("get", kind, f"--namespace={namespace}", "-o", "json")
    return list(answer.json()["items"])


def _template(restart: str, annotations: dict[str, str] | None = None) -> dict[str, Any]:
    container = {"name": "main", "image": "example.org/worker:v1"}
    return {
        "metadata": {"labels": {"app": "worker"}, "annotations": annotations or {}},
        "spec": {"restartPolicy": restart, "containers": [container]},
    }


def _deployment(
    namespace: str, annotations: dict[str, str] | None = None, *, replicas: int = 1
) -> dict[str, Any]:
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "worker", "namespace": namespace},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": "worker"}},
            "template": _template("Always", annotations),
        },
    }


def _job(
    namespace: str, annotations: dict[str, str] | None = None, *, suspend: bool = False
) -> dict[str, Any]:
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": "worker", "namespace": namespace},
        "spec": {"suspend": suspend, "template": _template("Never", annotations)},
    }


def _config_map(namespace: str, name: str, **metadata: Any) -> dict[str, Any]:
    metadata = {"name": name, "namespace": namespace, **metadata}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata}


def test_a_deployment_becomes_available(cluster: RunningCluster, namespace: str) -> None:
    _apply(cluster, _deployment(namespace, replicas=4))
    _wait(cluster, "condition=Available", "deployment/worker", namespace=namespace)
    pods = _items(cluster, "pods", namespace)
    assert {pod["status"]["phase"] for pod in pods} == {"Running"}
    assert {pod["spec"]["nodeName"] for pod in pods} <= {"fake-0", "fake-1"}
    assert len({pod["status"]["podIP"] for pod in pods}) == 4


def test_a_pod_that_takes_longer_to_get_ready_is_pending_until_then(
    cluster: RunningCluster, namespace: str
) -> None:
    _apply(cluster, _deployment(namespace, {READY_AFTER: "1h"}))
    _wait(cluster, "create", "pod", "--selector=app=worker", namespace=namespace)
    _wait(cluster, "condition=PodScheduled", "pod", "--all", namespace=namespace)
    (pod,) = _items(cluster, "pods", namespace)
    assert pod["status"]["phase"] == "Pending"
    _apply(cluster, _deployment(namespace, {READY_AFTER: "10ms"}))
    _wait(cluster, "condition=Available", "deployment/worker", namespace=namespace)


@pytest.mark.parametrize("annotations", [{}, {COMPLETE_AFTER: "500ms"}], ids=["at-once", "later"])
def test_a_job_completes(
    cluster: RunningCluster, namespace: str, annotations: dict[str, str]
) -> None:
    _apply(cluster, _job(namespace, annotations))
    _wait(cluster, "condition=Complete", "job/worker", namespace=namespace)
    (pod,) = _items(cluster, "pods", namespace)
    assert pod["status"]["phase"] == "Succeeded"
    (container,) = pod["status"]["containerStatuses"]
    assert container["state"]["terminated"]["exitCode"] == 0


def test_a_job_that_takes_longer_runs_until_it_is_suspended(
    cluster: RunningCluster, namespace: str
) -> None:
    _apply(cluster, _job(namespace, {COMPLETE_AFTER: "1h"}))
    _wait(cluster, "jsonpath={.status.ready}=1", "job/worker", namespace=namespace)
    (pod,) = _items(cluster, "pods", namespace)
    assert pod["status"]["phase"] == "Running"
    _apply(cluster, _job(namespace, {COMPLETE_AFTER: "1h"}, suspend=True))
    _wait(cluster, "delete", f"pod/{pod['metadata']['name']}", namespace=namespace)
    (job,) = _items(cluster, "jobs", namespace)
    assert job["status"].get("succeeded", 0) == job["status"].get("failed", 0) == 0


def test_a_suspended_job_has_no_pod_until_it_is_resumed(
    cluster: RunningCluster, namespace: str
) -> None:
    _apply(cluster, _job(namespace, suspend=True))
    _wait(cluster, "condition=Suspended", "job/worker", namespace=namespace)
    assert _items(cluster, "pods", namespace) == []
    _apply(cluster, _job(namespace, suspend=False))
    _wait(cluster, "condition=Complete", "job/worker", namespace=namespace)


def test_a_node_that_is_not_fake_is_left_alone(cluster: RunningCluster, namespace: str) -> None:
    name = f"real-{uuid4().hex}"
    metadata = {"name": name, "labels": {LABEL: "real"}}
    _apply(cluster, {"apiVersion": "v1", "kind": "Node", "metadata": metadata})
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "real", "namespace": namespace},
        "spec": _template("Always")["spec"] | {"nodeName": name},
    }
    _apply(cluster, pod)
    _apply(cluster, _job(namespace))
    _wait(cluster, "condition=Complete", "job/worker", namespace=namespace)
    phases = {
        pod["metadata"]["name"]: pod["status"]["phase"]
        for pod in _items(cluster, "pods", namespace)
    }
    assert phases.pop("real") == "Pending"
    assert list(phases.values()) == ["Succeeded"]
    _done(cluster.kubectl, "delete", "node", name)


def test_what_an_owner_leaves_is_collected_and_nothing_else(
    cluster: RunningCluster, namespace: str
) -> None:
    for name in ("owner", "other"):
        _apply(cluster, _config_map(namespace, name))
    uids = {
        found["metadata"]["name"]: found["metadata"]["uid"]
        for found in _items(cluster, "configmaps", namespace)
    }

    def owned_by(owner: str) -> list[dict[str, str]]:
        return [{"apiVersion": "v1", "kind": "ConfigMap", "name": owner, "uid": uids[owner]}]

    for name, owner in (("owned", "owner"), ("kept", "other")):
        _apply(cluster, _config_map(namespace, name, ownerReferences=owned_by(owner)))
    _done(cluster.kubectl, "delete", "configmap", "owner", f"--namespace={namespace}")
    _wait(cluster, "delete", "configmap/owned", namespace=namespace)
    left = {found["metadata"]["name"] for found in _items(cluster, "configmaps", namespace)}
    assert left - {"kube-root-ca.crt"} == {"kept", "other"}


def test_a_namespace_that_is_deleted_goes_away_with_all_in_it(
    cluster: RunningCluster, namespace: str
) -> None:
    _apply(cluster, _deployment(namespace))
    _wait(cluster, "condition=Available", "deployment/worker", namespace=namespace)
    _done(cluster.kubectl, "delete", "namespace", namespace, "--wait=false")
    _wait(cluster, "delete", f"namespace/{namespace}", namespace=namespace)
    assert _items(cluster, "pods", namespace) == []


def _writer(cluster: RunningCluster, namespace: str, name: str) -> Kubectl:
    """Return the kubectl of a new service account, which may write ConfigMaps and nothing else."""
    kubectl, here = cluster.kubectl, f"--namespace={namespace}"
    _done(kubectl, "create", "serviceaccount", name, here)
    rights = ["--verb=create,patch", "--resource=configmaps"]
    _done(kubectl, "create", "role", name, *rights, here)
    account = f"--serviceaccount={namespace}:{name}"
    _done(kubectl, "create", "rolebinding", name, f"--role={name}", account, here)
    token = _done(kubectl, "create", "token", name, here).strip()
    made = Kubectl(cluster.apiserver.write_kubeconfig(f"{namespace}.{name}", token))
    made.wait_for_right("patch", "configmaps", here)
    return made


def _of(events: Iterable[AuditEvent], namespace: str) -> Iterator[tuple[AuditEvent, ObjectRef]]:
    """Yield the events about objects of a namespace, in their order, with what each is about."""
    for event in events:
        if event.object is not None and event.object.namespace == namespace:
            yield event, event.object


def test_the_audit_log_has_the_writes_of_two_accounts_in_their_order(
    cluster: RunningCluster, namespace: str
) -> None:
    writers = {name: _writer(cluster, namespace, name) for name in ("first", "second")}
    turns = [("first", "a"), ("second", "a"), ("second", "b"), ("first", "b")]
    for turn, (writer, name) in enumerate(turns):
        manifest = _config_map(namespace, name) | {"data": {"turn": str(turn)}}
        assert writers[writer].apply(manifest).status == 0
    secret = _config_map(namespace, "c") | {"kind": "Secret"}
    assert writers["second"].apply(secret).status == 1
    assert writers["first"].apply(_config_map(namespace, "d"), dry_run=True).status == 0
    accounts = {f"system:serviceaccount:{namespace}:{name}": name for name in writers}
    found = [
        (event, ref)
        for event, ref in _of(cluster.audit.events(), namespace)
        if event.user in accounts
    ]
    assert [
        (accounts[event.user], event.verb, ref.resource, ref.name, event.code)
        for event, ref in found
    ] == [
        ("first", "patch", "configmaps", "a", 201),
        ("second", "patch", "configmaps", "a", 200),
        ("second", "patch", "configmaps", "b", 201),
        ("first", "patch", "configmaps", "b", 200),
        ("second", "patch", "secrets", "c", 403),
        ("first", "patch", "configmaps", "d", 201),
    ]
    assert ["dryRun=All" in event.uri for event, _ in found] == [False] * 5 + [True]
    assert all("fieldManager=kubectl" in event.uri for event, _ in found)
    assert all(event.agent.startswith("kubectl/") for event, _ in found)
    assert all(before.ended <= after.received for (before, _), (after, _) in pairwise(found))


def test_the_audit_log_tells_whose_writes_led_to_a_pod_that_runs(
    cluster: RunningCluster, namespace: str
) -> None:
    steps = [
        ("admin", "patch", "deployments", ""),
        (CONTROLLER.format("deployment"), "create", "replicasets", ""),
        (CONTROLLER.format("replicaset"), "create", "pods", ""),
        ("system:kube-scheduler", "create", "pods", "binding"),
        ("kwok", "patch", "pods", "status"),
    ]

    def received(events: list[AuditEvent]) -> dict[tuple[str, str, str, str], datetime]:
        """Return when each of the steps was first asked for."""
        times: dict[tuple[str, str, str, str], datetime] = {}
        for event, ref in _of(events, namespace):
            step = (event.user, event.verb, ref.resource, ref.subresource)
            if step in steps and event.code < 300:
                times[step] = min(event.received, times.get(step, event.received))
        return times

    _apply(cluster, _deployment(namespace))
    times = received(cluster.audit.until(lambda events: len(received(events)) == len(steps)))
    assert sorted(steps, key=lambda step: times[step]) == steps


def test_reads_are_not_in_the_audit_log(cluster: RunningCluster, namespace: str) -> None:
    _items(cluster, "pods", namespace)
    _apply(cluster, _config_map(namespace, "written"))
    verbs = {event.verb for event in cluster.audit.events()}
    assert "patch" in verbs
    assert verbs.isdisjoint({"get", "list", "watch"})
