"""What tests on a cluster rely on, asked of the real API server."""

from __future__ import annotations

import json
import re
import socket
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from rynxs.documents import dump_documents
from tests.cluster.control_plane import control_plane

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cluster.control_plane import Cluster

HARDENED_POD = {
    "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
}
HARDENED_CONTAINER = {
    "securityContext": {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
    }
}


@pytest.fixture
def namespace(cluster: Cluster) -> str:
    """A new namespace that warns of what the restricted Pod Security standard forbids."""
    name = f"test-{uuid4().hex}"
    labels = {"pod-security.kubernetes.io/warn": "restricted"}
    metadata = {"name": name, "labels": labels}
    made = cluster.kubectl.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})
    assert (made.status, made.err) == (0, "")
    return name


def _deployment(namespace: str, *, hardened: bool, **spec: Any) -> dict[str, Any]:
    labels = {"app": "worker"}
    container = {"name": "worker", "image": "example.org/worker:v1"}
    pod: dict[str, Any] = {
        "containers": [container | HARDENED_CONTAINER if hardened else container]
    }
    template = {"metadata": {"labels": labels}, "spec": pod | HARDENED_POD if hardened else pod}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "worker", "namespace": namespace},
        "spec": {"selector": {"matchLabels": labels}, "template": template, **spec},
    }


def test_server_and_kubectl_are_of_the_version_that_go_mod_names(
    cluster: Cluster, repository: Path
) -> None:
    module = (repository / "tests/tools/shared/go.mod").read_text()
    named = re.findall(r"^\tk8s\.io/kubernetes (v\S+)", module, flags=re.MULTILINE)
    answer = cluster.kubectl.run("version", "-o", "json")
    assert answer.status == 0, answer.err
    found = answer.json()
    assert [found["serverVersion"]["gitVersion"]] == named
    assert [found["clientVersion"]["gitVersion"]] == named


def test_what_is_applied_is_there_and_a_dry_run_keeps_nothing(
    cluster: Cluster, namespace: str
) -> None:
    kubectl = cluster.kubectl
    names = ["one", "two"]
    config_maps = [
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": name, "namespace": namespace},
            "data": {"key": name},
        }
        for name in names
    ]

    def found() -> list[str]:
        listed = kubectl.run("get", "configmaps", "--namespace", namespace, "-o", "json").json()
        return [item["data"]["key"] for item in listed["items"]]

    for server_side in (True, False):
        dry = kubectl.apply(*config_maps, server_side=server_side, dry_run=True)
        assert (dry.status, dry.out.count("server dry run")) == (0, 2)
        assert found() == []
    assert kubectl.apply_text(dump_documents(config_maps)).status == 0
    assert found() == names


@pytest.mark.parametrize("server_side", [True, False], ids=["server-side", "client-side"])
def test_a_dry_run_warns_of_a_pod_that_is_not_hardened_and_of_no_other(
    cluster: Cluster, namespace: str, server_side: bool
) -> None:
    def applied(*, hardened: bool) -> tuple[int, list[str]]:
        deployment = _deployment(namespace, hardened=hardened)
        answer = cluster.kubectl.apply(deployment, server_side=server_side, dry_run=True)
        return answer.status, answer.warnings

    status, (warning,) = applied(hardened=False)
    assert status == 0
    assert warning.startswith('would violate PodSecurity "restricted:latest"')
    assert applied(hardened=True) == (0, [])


def test_a_field_that_the_server_does_not_know_is_refused(cluster: Cluster, namespace: str) -> None:
    kubectl = cluster.kubectl
    unknown = _deployment(namespace, hardened=True, replica=1)
    as_the_operator = kubectl.apply(unknown, dry_run=True)
    assert as_the_operator.status == 1
    assert ".spec.replica: field not declared in schema" in as_the_operator.err
    as_a_user = kubectl.apply(unknown, server_side=False, dry_run=True)
    assert as_a_user.status == 1
    assert 'strict decoding error: unknown field "spec.replica"' in as_a_user.err
    lax = ["--validate=ignore", "--dry-run=server", "--filename=-"]
    assert kubectl.run("create", *lax, text=json.dumps(unknown)).status == 0


def test_who_has_no_token_may_ask_for_health_and_for_nothing_else(cluster: Cluster) -> None:
    connection = cluster.apiserver.connection()
    try:
        statuses = []
        for path in ("/livez", "/api/v1/namespaces/default"):
            connection.request("GET", path)
            answer = connection.getresponse()
            answer.read()
            statuses.append(answer.status)
    finally:
        connection.close()
    assert statuses == [200, 403]


def test_a_cluster_survives_a_kill_and_leaves_nothing_when_it_ends() -> None:
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "kept"}}
    with control_plane() as cluster:
        assert cluster.kubectl.apply(namespace).status == 0
        cluster.apiserver.kill()
        assert cluster.kubectl.run("get", "namespace", "kept").status == 1
        cluster.etcd.restart()
        cluster.apiserver.start()
        assert cluster.kubectl.run("get", "namespace", "kept").status == 0
    for component in (cluster.etcd, cluster.apiserver):
        assert not component.directory.exists()
        host, port = component.endpoint.split(":")
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection((host, int(port)))
