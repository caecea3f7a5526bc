"""A release on a running cluster: hooks end, pods are placed, what should go is gone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.cluster import objects
from tests.cluster.helm import CHART, RELEASE, helm_on
from tests.cluster.running import running_cluster
from tests.servers.failing import told_plainly

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.cluster.running import RunningCluster

HOOK = "rynxs-make-signing-key"
RIGHTS = "serviceaccount,role,rolebinding,job"
HA = f"--values={CHART / 'ci/ha-values.yaml'}"
S3 = f"--values={CHART / 'ci/s3-values.yaml'}"


@pytest.fixture(scope="module")
def cluster() -> Iterator[RunningCluster]:
    """A running cluster with three fake nodes, shared: use a namespace of your own."""
    with told_plainly(), running_cluster(nodes=3) as running:
        yield running


@pytest.fixture
def namespace(cluster: RunningCluster) -> str:
    """A new namespace that holds pods to the restricted Pod Security level, and has a volume."""
    name = objects.make_namespace(cluster.kubectl)
    level = "pod-security.kubernetes.io/enforce=restricted"
    assert cluster.kubectl.run("label", "namespace", name, level).status == 0
    assert cluster.kubectl.wait("create", "serviceaccount/default", "-n", name).status == 0
    made = cluster.kubectl.apply(_volume(name))
    assert made.status == 0, made.err
    return name


def test_replicas_that_share_a_volume_share_a_node_and_the_rights_to_make_the_key_are_gone(
    cluster: RunningCluster, namespace: str
) -> None:
    done = helm_on(cluster, namespace, "install", RELEASE, CHART, HA, "--wait")
    assert done.status == 0, done.err
    pods = _pods(cluster, namespace)
    assert len(pods) == 3
    assert len({pod["spec"]["nodeName"] for pod in pods}) == 1
    assert HOOK not in _names(cluster, namespace, RIGHTS)
    assert RELEASE in _names(cluster, namespace, RIGHTS)
    jobs = [each for each in cluster.audit.events() if _is_about(each, namespace, "jobs", HOOK)]
    assert {"create", "delete"} <= {each.verb for each in jobs}


def test_replicas_on_s3_spread_over_nodes(cluster: RunningCluster, namespace: str) -> None:
    done = helm_on(cluster, namespace, "install", RELEASE, CHART, HA, S3, "--wait")
    assert done.status == 0, done.err
    pods = _pods(cluster, namespace)
    assert len({pod["spec"]["nodeName"] for pod in pods}) == len(pods) == 3
    assert _names(cluster, namespace, "persistentvolumeclaim") == set()


def test_a_release_is_upgraded_on_its_volume_tested_and_uninstalled(
    cluster: RunningCluster, namespace: str
) -> None:
    for command, changed in (("install", ()), ("upgrade", ("--set=operator.batch=50",))):
        done = helm_on(cluster, namespace, command, RELEASE, CHART, *changed, "--wait")
        assert done.status == 0, done.err
        (pod,) = _pods(cluster, namespace)
    tested = helm_on(cluster, namespace, "test", RELEASE)
    assert tested.status == 0, tested.err
    assert "Phase:          Succeeded" in tested.out
    assert "rynxs-test" not in _names(cluster, namespace, "service")
    done = helm_on(cluster, namespace, "uninstall", RELEASE, "--wait")
    assert done.status == 0, done.err
    assert pod["metadata"]["name"] not in _names(cluster, namespace, "pod")
    assert _names(cluster, namespace, "persistentvolumeclaim") == {RELEASE}


def test_a_hook_that_does_not_end_keeps_no_rights(cluster: RunningCluster, namespace: str) -> None:
    nowhere = "--set=nodeSelector.example\\.org/none=here"
    done = helm_on(cluster, namespace, "install", RELEASE, CHART, nowhere, "--timeout=3s")
    assert done.status != 0
    assert "failed pre-install: 1 error occurred" in done.err
    assert HOOK not in _names(cluster, namespace, "serviceaccount,role,rolebinding")
    assert RELEASE not in _names(cluster, namespace, "deployment")


def _volume(namespace: str) -> dict[str, Any]:
    """Return a volume for the claim of the release in a namespace."""
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": namespace},
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "capacity": {"storage": "10Gi"},
            "claimRef": {"name": RELEASE, "namespace": namespace},
            "hostPath": {"path": f"/{namespace}"},
        },
    }


def _pods(cluster: RunningCluster, namespace: str) -> list[dict[str, Any]]:
    """Return the operator's pods that are there and not about to go, as its users select them."""
    selector = "--selector=app.kubernetes.io/name=rynxs"
    found = cluster.kubectl.run("get", "pods", selector, "-o=json", "-n", namespace)
    assert found.status == 0, found.err
    items: list[dict[str, Any]] = found.json()["items"]
    return [each for each in items if "deletionTimestamp" not in each["metadata"]]


def _names(cluster: RunningCluster, namespace: str, kinds: str) -> set[str]:
    found = cluster.kubectl.run("get", kinds, "-o=name", "-n", namespace)
    assert found.status == 0, found.err
    return {line.rpartition("/")[2] for line in found.out.split()}


def _is_about(event: Any, namespace: str, resource: str, name: str) -> bool:
    about = event.object
    return about is not None and (about.namespace, about.resource, about.name) == (
        namespace,
        resource,
        name,
    )
