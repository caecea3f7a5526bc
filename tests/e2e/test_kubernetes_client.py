"""The requests of the operator's client, answered by a real API server."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from rynxs.operator.cluster import ClusterError
from tests.cluster.client import ask, status_of
from tests.cluster.objects import (
    LABELS,
    config_map,
    deployment,
    job,
    make_namespace,
    over,
    place,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from rynxs.operator.kubernetes import KubernetesCluster
    from tests.cluster.control_plane import Cluster

CANARY = "canary-7f3a91"


@pytest.fixture
def namespace(cluster: Cluster) -> str:
    return make_namespace(cluster.kubectl)


def owners(metadata: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [(each["manager"], each["operation"]) for each in metadata["managedFields"]]


def test_an_object_is_made_once(cluster: Cluster, namespace: str) -> None:
    async def work(client: KubernetesCluster) -> None:
        made = await client.create(config_map(namespace, a="1"))
        assert (made["name"], owners(made)) == ("one", [("rynxs", "Update")])
        again = client.create(config_map(namespace, a="2"))
        assert await status_of(again) == (409, "AlreadyExists")
        stored = await client.get_object(place(config_map(namespace)))
        assert (stored["data"], stored["metadata"]["uid"]) == ({"a": "1"}, made["uid"])

    ask(cluster.apiserver.kubeconfig, work)


def test_a_field_that_is_no_longer_applied_is_gone(cluster: Cluster, namespace: str) -> None:
    """Of what was made, too, and of what was applied over it."""

    async def work(client: KubernetesCluster) -> None:
        body = config_map(namespace, keep="1", first="1", second="1")
        made = await client.create(body)
        del body["data"]["first"]
        applied = await client.apply(over(body, made), made["managedFields"])
        assert (await client.get_object(place(body)))["data"] == {"keep": "1", "second": "1"}
        assert owners(applied) == [("rynxs", "Apply")]
        del body["data"]["second"]
        applied = await client.apply(over(body, applied), applied["managedFields"])
        assert (await client.get_object(place(body)))["data"] == {"keep": "1"}
        assert owners(applied) == [("rynxs", "Apply")]
        assert applied["uid"] == made["uid"]

    ask(cluster.apiserver.kubeconfig, work)


def test_an_element_of_a_list_that_is_no_longer_applied_is_gone(
    cluster: Cluster, namespace: str
) -> None:
    async def work(client: KubernetesCluster) -> None:
        made = await client.create(deployment(namespace, "a", "b", minReadySeconds=5))
        body = deployment(namespace, "b")
        await client.apply(over(body, made), made["managedFields"])
        spec = (await client.get_object(place(body)))["spec"]
        assert [each["name"] for each in spec["template"]["spec"]["containers"]] == ["b"]
        assert "minReadySeconds" not in spec

    ask(cluster.apiserver.kubeconfig, work)


def test_what_others_have_added_or_changed_does_not_stay_but_in_the_metadata(
    cluster: Cluster, namespace: str
) -> None:
    async def work(client: KubernetesCluster) -> None:
        body = config_map(namespace, a="1")
        await client.create(body)
        patch = '{"data": {"a": "2", "b": "2"}, "metadata": {"annotations": {"c": "2"}}}'
        options = ("--namespace", namespace, "--type=merge", "--patch", patch)
        assert cluster.kubectl.run("patch", "configmap", "one", *options).status == 0
        found = (await client.get(place(body)))["metadata"]
        applied = await client.apply(over(body, found), found["managedFields"])
        stored = await client.get_object(place(body))
        assert (stored["data"], stored["metadata"]["annotations"]) == ({"a": "1"}, {"c": "2"})
        assert owners(applied) == [("rynxs", "Apply"), ("kubectl-patch", "Update")]

    ask(cluster.apiserver.kubeconfig, work)


@pytest.mark.parametrize("is_applied", [False, True], ids=["made", "applied"])
def test_nothing_is_applied_over_what_was_not_read(
    cluster: Cluster, namespace: str, is_applied: bool
) -> None:
    """It has changed since, is gone, or another one has taken its place."""

    async def work(client: KubernetesCluster) -> None:
        body = config_map(namespace, a="1")
        known = await client.create(body)
        if is_applied:
            known = await client.apply(over(body, known), known["managedFields"])
        late = over(config_map(namespace, a="too late"), known)
        newer = await client.apply(
            over(config_map(namespace, a="2"), known), known["managedFields"]
        )
        assert await status_of(client.apply(late, known["managedFields"])) == (409, "Conflict")
        await client.delete(place(body), newer["uid"], newer["resourceVersion"])
        status, _ = await status_of(client.apply(late, known["managedFields"]))
        assert status in {404, 409}
        assert await status_of(client.get(place(body))) == (404, "NotFound")
        await client.create(config_map(namespace, a="3"))
        assert await status_of(client.apply(late, known["managedFields"])) == (409, "Conflict")
        assert (await client.get_object(place(body)))["data"] == {"a": "3"}

    ask(cluster.apiserver.kubeconfig, work)


def test_only_what_was_read_is_deleted(cluster: Cluster, namespace: str) -> None:
    async def work(client: KubernetesCluster) -> None:
        body = config_map(namespace, a="1")
        made = await client.create(body)
        changed = await client.apply(
            over(config_map(namespace, a="2"), made), made["managedFields"]
        )
        stale = client.delete(place(body), made["uid"], made["resourceVersion"])
        assert await status_of(stale) == (409, "Conflict")
        other = client.delete(place(body), str(uuid4()), changed["resourceVersion"])
        assert await status_of(other) == (409, "Conflict")
        await client.delete(place(body), made["uid"], changed["resourceVersion"])
        again = client.delete(place(body), made["uid"], changed["resourceVersion"])
        assert await status_of(again) == (404, "NotFound")

    ask(cluster.apiserver.kubeconfig, work)


@pytest.mark.parametrize("make", [job, lambda namespace: deployment(namespace, "a")])
def test_a_deletion_waits_for_nobody_and_orphans_nobody(
    cluster: Cluster, namespace: str, make: Callable[[str], dict[str, Any]]
) -> None:
    """By default a Job is kept until its pods are orphaned, which here nobody would do."""

    async def work(client: KubernetesCluster) -> None:
        body = make(namespace)
        made = await client.create(body)
        await client.delete(place(body), made["uid"], made["resourceVersion"])
        assert await status_of(client.get(place(body))) == (404, "NotFound")

    ask(cluster.apiserver.kubeconfig, work)


def test_an_object_is_read_as_metadata_and_with_its_status_where_that_is_wanted(
    cluster: Cluster, namespace: str
) -> None:
    async def work(client: KubernetesCluster) -> None:
        await client.create(config_map(namespace, a="1"))
        await client.create(job(namespace))
        found = await client.get(place(config_map(namespace)))
        assert (set(found), found["metadata"]["labels"]) == ({"metadata"}, LABELS)
        assert set(await client.get(place(job(namespace)))) == {"metadata", "status"}

    ask(cluster.apiserver.kubeconfig, work, statuses=["batch/v1/Job"])


def test_a_lease_goes_to_one_of_two(cluster: Cluster, namespace: str) -> None:
    async def work(client: KubernetesCluster) -> None:
        body: dict[str, Any] = {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": {"name": "rynxs", "namespace": namespace},
            "spec": {"holderIdentity": "a", "renewTime": "2026-01-01T00:00:00.000000Z"},
        }
        assert await status_of(client.get_object(place(body))) == (404, "NotFound")
        made = await client.create(body)
        assert await status_of(client.create(body)) == (409, "AlreadyExists")
        found = dict(await client.get_object(place(body)))
        assert found["spec"] == body["spec"]
        taken = await client.replace({**found, "spec": {**found["spec"], "holderIdentity": "b"}})
        assert taken["resourceVersion"] != made["resourceVersion"]
        assert await status_of(client.replace(found)) == (409, "Conflict")
        assert (await client.get_object(place(body)))["spec"]["holderIdentity"] == "b"

    ask(cluster.apiserver.kubeconfig, work)


def test_an_event_is_there_for_people(cluster: Cluster, namespace: str) -> None:
    async def work(client: KubernetesCluster) -> None:
        made = await client.create(config_map(namespace))
        about = {"apiVersion": "v1", "kind": "ConfigMap", "name": "one", "namespace": namespace}
        await client.create(
            {
                "apiVersion": "events.k8s.io/v1",
                "kind": "Event",
                "metadata": {"name": "one.1", "namespace": namespace},
                "eventTime": "2026-01-01T00:00:00.000000Z",
                "type": "Warning",
                "reason": "ApplyFailed",
                "action": "Apply",
                "note": "see here",
                "regarding": {**about, "uid": made["uid"]},
                "reportingController": "rynxs",
                "reportingInstance": "rynxs-0",
            }
        )

    ask(cluster.apiserver.kubeconfig, work)
    told = cluster.kubectl.run("describe", "configmap", "one", "--namespace", namespace)
    assert "ApplyFailed" in told.out
    assert "see here" in told.out


@pytest.mark.parametrize("is_applied", [False, True], ids=["made", "applied"])
def test_a_manifest_that_does_not_fit_is_refused_and_the_field_is_named(
    cluster: Cluster, namespace: str, is_applied: bool
) -> None:
    async def message(client: KubernetesCluster, body: dict[str, Any]) -> str:
        asked = client.create(body)
        if is_applied:
            asked.close()
            known = (await client.get(place(body)))["metadata"]
            asked = client.apply(over(body, known), known["managedFields"])
        with pytest.raises(ClusterError) as refused:
            await asked
        assert refused.value.status in {400, 422, 500}
        return str(refused.value)

    async def work(client: KubernetesCluster) -> None:
        if is_applied:
            await client.create(config_map(namespace))
            await client.create(deployment(namespace, "a"))
        unknown = {**config_map(namespace), "dota": {"a": CANARY}}
        assert "dota" in await message(client, unknown)
        wrong = {**config_map(namespace), "data": {"a": [CANARY]}}
        assert "data" in await message(client, wrong)
        negative = deployment(namespace, "a", replicas=-1)
        told = await message(client, negative)
        assert "spec.replicas: Invalid value (not shown): must be greater than or equal to" in told
        canary = deployment(namespace, "a")
        canary["spec"]["template"]["spec"]["restartPolicy"] = CANARY
        told = await message(client, canary)
        assert "spec.template.spec.restartPolicy: Unsupported value (not shown)" in told
        assert CANARY not in told

    ask(cluster.apiserver.kubeconfig, work)


def test_no_body_is_logged(
    cluster: Cluster,
    namespace: str,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    async def work(client: KubernetesCluster) -> None:
        body = config_map(namespace, a=CANARY)
        made = await client.create(body)
        applied = await client.apply(over(body, made), made["managedFields"])
        await client.get_object(place(body))
        await client.list_objects("v1/ConfigMap", namespace)
        await status_of(client.create({**body, "data": {"a": [CANARY]}}))
        await client.delete(place(body), made["uid"], applied["resourceVersion"])

    with caplog.at_level(logging.DEBUG):
        ask(cluster.apiserver.kubeconfig, work)
    assert CANARY not in caplog.text + "".join(capfd.readouterr())
