"""Lists, watches and informers, and which kinds are served, on a real API server."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

import pytest

from rynxs.operator import kubernetes
from rynxs.operator.cluster import Bookmark, ClusterError, Place, Seen
from tests.cluster.apiserver import SCHEDULER
from tests.cluster.client import ask, first, status_of
from tests.cluster.control_plane import control_plane
from tests.cluster.objects import agent, config_map, job, make_namespace, over, place

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from rynxs.operator.kubernetes import KubernetesCluster
    from tests.cluster.control_plane import Cluster

AGENT = "universe.ai/v1alpha1/Agent"
CONFIG_MAP = "v1/ConfigMap"


@pytest.fixture
def namespace(cluster: Cluster) -> str:
    return make_namespace(cluster.kubectl)


@pytest.fixture
def own_cluster() -> Iterator[Cluster]:
    """A cluster without CRDs, to be killed."""
    with control_plane() as running:
        yield running


def establish(cluster: Cluster, *paths: Path) -> None:
    """Apply CRDs, and wait until they are served."""
    files = [f"--filename={path}" for path in paths]
    applied = cluster.kubectl.run("apply", "--server-side", *files)
    assert applied.status == 0, applied.err
    waited = cluster.kubectl.run("wait", "--for=condition=Established", "crd", "--all")
    assert waited.status == 0, waited.err


def names(objects: Sequence[Mapping[str, Any]]) -> list[str]:
    return sorted(each["metadata"]["name"] for each in objects)


def test_a_list_has_the_metadata_of_what_rynxs_manages(cluster: Cluster, namespace: str) -> None:
    other = make_namespace(cluster.kubectl)

    async def work(client: KubernetesCluster) -> None:
        await client.create(config_map(namespace, "mine", a="1"))
        foreign = config_map(namespace, "foreign")
        await client.create({**foreign, "metadata": {**foreign["metadata"], "labels": {}}})
        await client.create(config_map(other, "elsewhere"))
        await client.create(job(namespace))
        (mine,) = (await client.list(CONFIG_MAP, namespace)).objects
        assert (set(mine), mine["metadata"]["name"]) == ({"metadata"}, "mine")
        assert mine["metadata"]["managedFields"]
        assert {"mine", "elsewhere"} <= set(names((await client.list(CONFIG_MAP, "")).objects))
        (found,) = (await client.list("batch/v1/Job", namespace)).objects
        assert set(found) == {"metadata", "status"}

    ask(cluster.apiserver.kubeconfig, work, statuses=["batch/v1/Job"])


def test_a_list_of_objects_has_all_of_them_whole(cluster: Cluster, namespace: str) -> None:
    async def work(client: KubernetesCluster) -> None:
        body = config_map(namespace, "foreign", a="1")
        await client.create({**body, "metadata": {**body["metadata"], "labels": {}}})
        (found,) = (await client.list_objects(CONFIG_MAP, namespace)).objects
        assert found["data"] == {"a": "1"}

    ask(cluster.apiserver.kubeconfig, work)


def test_a_list_of_many_pages_is_complete_and_reduced(
    cluster: Cluster, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kubernetes, "_PAGE", 2)

    async def work(client: KubernetesCluster) -> None:
        for number in range(5):
            await client.create(config_map(namespace, f"c{number}"))
        found = await client.list(
            CONFIG_MAP, namespace, lambda each: {"name": each["metadata"]["name"]}
        )
        assert found.objects == [{"name": f"c{number}"} for number in range(5)]

    ask(cluster.apiserver.kubeconfig, work)


def test_a_watch_goes_on_where_a_list_ended(cluster: Cluster, namespace: str) -> None:
    async def work(client: KubernetesCluster) -> None:
        version = (await client.list(CONFIG_MAP, namespace)).version
        body = config_map(namespace, a="1")
        made = await client.create(body)
        applied = await client.apply(
            over(config_map(namespace, a="2"), made), made["managedFields"]
        )
        await client.delete(place(body), made["uid"], applied["resourceVersion"])
        heard = await first(client.watch(CONFIG_MAP, namespace, version), 5)
        assert heard[0] == Bookmark(version)
        seen = [each for each in heard if isinstance(each, Seen)]
        assert [each.is_gone for each in seen] == [False, False, False, True]
        assert [set(each.object) for each in seen] == [{"metadata"}] * 4
        versions = [int(each.object["metadata"]["resourceVersion"]) for each in seen]
        assert [int(version), *versions] == sorted({int(version), *versions})
        whole = await first(client.watch_objects(CONFIG_MAP, namespace, version), 2)
        assert isinstance(whole[1], Seen)
        assert whole[1].object["data"] == {"a": "1"}

    ask(cluster.apiserver.kubeconfig, work)


def test_what_is_no_longer_labelled_is_gone_for_a_watch(cluster: Cluster, namespace: str) -> None:
    async def work(client: KubernetesCluster) -> None:
        await client.create(config_map(namespace))
        version = (await client.list(CONFIG_MAP, namespace)).version
        options = ("--namespace", namespace, "app.kubernetes.io/managed-by-")
        assert cluster.kubectl.run("label", "configmap", "one", *options).status == 0
        heard = await first(client.watch(CONFIG_MAP, namespace, version), 2)
        assert isinstance(heard[1], Seen)
        assert heard[1].is_gone

    ask(cluster.apiserver.kubeconfig, work)


def test_who_may_not_is_told_the_verb_and_the_resource(
    cluster: Cluster, namespace: str, repository: Path
) -> None:
    establish(cluster, repository / "crds")

    async def work(client: KubernetesCluster) -> None:
        for asked in (
            client.list_objects(AGENT, namespace),
            first(client.watch_objects(AGENT, namespace, "1"), 1),
        ):
            with pytest.raises(ClusterError) as refused:
                await asked
            assert (refused.value.status, refused.value.reason) == (403, "Forbidden")
            assert 'resource "agents" in API group "universe.ai"' in str(refused.value)

    ask(cluster.apiserver.kubeconfig_of(SCHEDULER), work)


def test_a_status_is_merged_into_the_object_that_was_read(
    cluster: Cluster, namespace: str, repository: Path
) -> None:
    establish(cluster, repository / "crds")

    async def work(client: KubernetesCluster) -> None:
        body = agent(namespace)
        made = await client.create(body)
        version = made["resourceVersion"]
        status = {"phase": "Active", "ready": True}
        patched = await client.patch_status(place(body), status, version)
        stale = client.patch_status(place(body), {"phase": "Pending"}, version)
        assert await status_of(stale) == (409, "Conflict")
        change = {"phase": None, "log": {"origin": "o", "seq": 1, "leafHash": "a" * 64}}
        await client.patch_status(place(body), change, patched["resourceVersion"])
        found = await client.get_object(place(body))
        assert found["status"] == {"conditions": [], "ready": True, "log": change["log"]}
        assert found["metadata"]["generation"] == made["generation"]

    ask(cluster.apiserver.kubeconfig, work)


def test_a_kind_is_found_once_it_is_served_and_missed_when_it_is_no_longer(
    own_cluster: Cluster, repository: Path
) -> None:
    async def message(client: KubernetesCluster) -> str:
        with pytest.raises(ClusterError) as refused:
            await client.list_objects(AGENT, "")
        assert refused.value.status == 404
        return str(refused.value)

    async def work(client: KubernetesCluster) -> None:
        missing = f"the cluster does not serve {AGENT}; install its CustomResourceDefinition"
        assert missing in await message(client)
        await asyncio.to_thread(establish, own_cluster, repository / "crds")
        await client.create(agent("default"))
        universe = Place("universe.ai/v1alpha1/Universe", "", "main")
        spec = {"namespaces": ["team-*"]}
        group, _, kind = universe.kind.rpartition("/")
        await client.create(
            {"apiVersion": group, "kind": kind, "metadata": {"name": "main"}, "spec": spec}
        )
        assert (await client.get_object(universe))["spec"]["namespaces"] == ["team-*"]
        assert names((await client.list_objects(AGENT, "")).objects) == ["worker"]
        crds = ("delete", "crd", "agents.universe.ai")
        assert (await asyncio.to_thread(own_cluster.kubectl.run, *crds)).status == 0
        await message(client)  # that the path is not there
        assert missing in await message(client)

    ask(own_cluster.apiserver.kubeconfig, work)


def test_a_kubernetes_that_does_not_answer_is_told(own_cluster: Cluster) -> None:
    async def work(client: KubernetesCluster) -> None:
        version = (await client.list(CONFIG_MAP, "default")).version
        told = client.watch(CONFIG_MAP, "default", version)
        async with aclosing(told):
            assert await anext(told) == Bookmark(version)
            own_cluster.apiserver.kill()
            assert await status_of(anext(told)) == (0, "")
        with pytest.raises(ClusterError, match=r"^GET /api/v1/namespaces/default/configmaps: "):
            await client.list(CONFIG_MAP, "default")
        assert await status_of(client.create(config_map("default"))) == (0, "")

    ask(own_cluster.apiserver.kubeconfig, work)
