"""The API server in memory does what a real one does where the operator relies on it.

The field sets are those that kube-apiserver 1.36 keeps.
"""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from rynxs.operator.cluster import Bookmark, ClusterError, Place, Seen
from tests.unit.operator.fake_cluster import FakeCluster
from tests.unit.operator.virtual_time import run

MAP = Place("v1/ConfigMap", "default", "a")


def config(**data: str) -> dict[str, Any]:
    labels = {"app.kubernetes.io/managed-by": "rynxs"}
    metadata = {"labels": labels, "name": "a", "namespace": "default"}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}


def read(cluster: FakeCluster, body: dict[str, Any]) -> dict[str, Any]:
    """Return a body with the preconditions of the object that is there."""
    metadata = cluster.show(MAP.id)["metadata"]
    known = {name: metadata[name] for name in ("uid", "resourceVersion")}
    return {**body, "metadata": {**body["metadata"], **known}}


def owned(cluster: FakeCluster, identifier: str = MAP.id) -> list[tuple[str, str, Any]]:
    entries = cluster.show(identifier)["metadata"]["managedFields"]
    return [(each["manager"], each["operation"], each["fieldsV1"]) for each in entries]


def test_an_object_is_made_once_and_owned_as_if_edited() -> None:
    async def scenario() -> None:
        cluster = FakeCluster()
        metadata = await cluster.create(config(a="1"))
        assert (metadata["uid"], metadata["resourceVersion"]) == ("uid-1", "101")
        fields = {
            "f:data": {".": {}, "f:a": {}},
            "f:metadata": {"f:labels": {".": {}, "f:app.kubernetes.io/managed-by": {}}},
        }
        assert owned(cluster) == [("rynxs", "Update", fields)]
        with pytest.raises(ClusterError, match="409 AlreadyExists"):
            await cluster.create(config(a="2"))
        assert cluster.show(MAP.id)["data"] == {"a": "1"}

    run(scenario())


def test_applying_takes_fields_from_others_and_takes_away_what_is_no_longer_asked_for() -> None:
    async def scenario() -> None:
        cluster = FakeCluster()
        await cluster.create(config(a="1", b="1"))
        cluster.edit(MAP.id, lambda body: body["data"].update(a="2", c="2"))
        assert ("kubectl", "Update", {"f:data": {"f:a": {}, "f:c": {}}}) in owned(cluster)
        entries = cluster.show(MAP.id)["metadata"]["managedFields"]
        assert {"f:data": {".": {}, "f:b": {}}}.items() <= owned(cluster)[0][2].items()
        await cluster.apply(read(cluster, config(a="3")), entries)
        assert cluster.show(MAP.id)["data"] == {"a": "3"}
        assert [who for who, *_ in owned(cluster)] == ["rynxs"]

    run(scenario())


def test_a_map_of_which_all_was_taken_looks_as_if_it_was_owned_as_a_whole() -> None:
    async def scenario() -> None:
        cluster = FakeCluster()
        await cluster.create(config(a="1"))
        cluster.edit(MAP.id, lambda body: body["data"].update(a="2"))
        assert owned(cluster)[0][2]["f:data"] == {}
        entries = cluster.show(MAP.id)["metadata"]["managedFields"]
        await cluster.apply(read(cluster, config(a="3")), entries)
        assert [fields["f:data"] for _, _, fields in owned(cluster)] == [{"f:a": {}}]

    run(scenario())


def test_what_is_empty_is_dropped_and_owned_only_by_who_applied_it() -> None:
    async def scenario() -> None:
        cluster = FakeCluster()
        body: dict[str, Any] = {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "NetworkPolicy",
            "metadata": {"annotations": {}, "name": "a", "namespace": "default"},
            "spec": {"podSelector": {}, "ingress": [], "policyTypes": ["Ingress"]},
        }
        metadata = await cluster.create(body)
        identifier = "networking.k8s.io/v1/NetworkPolicy/default/a"
        assert owned(cluster, identifier) == [
            ("rynxs", "Update", {"f:spec": {"f:policyTypes": {}}})
        ]
        cluster.edit(identifier, lambda found: found["spec"].update(ingress=[{}]))
        metadata = cluster.show(identifier)["metadata"]
        known = {name: metadata[name] for name in ("uid", "resourceVersion")}
        over = {**body, "metadata": {**body["metadata"], **known}}
        await cluster.apply(over, metadata["managedFields"])
        assert cluster.show(identifier)["spec"] == {"policyTypes": ["Ingress"]}
        everything: dict[str, Any] = {"f:ingress": {}, "f:podSelector": {}, "f:policyTypes": {}}
        fields = {"f:metadata": {"f:annotations": {}}, "f:spec": everything}
        assert owned(cluster, identifier) == [("rynxs", "Apply", fields)]

    run(scenario())


def test_elements_of_lists_are_owned_by_their_keys() -> None:
    cluster = FakeCluster()
    port = {"containerPort": 80}
    container = {"name": "c", "image": "i", "args": ["x"], "ports": [port]}
    metadata = {"finalizers": ["a.b/c"], "name": "p", "namespace": "default"}
    body = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": metadata,
        "spec": {"containers": [container]},
    }
    identifier = cluster.make(body)
    shown = cluster.show(identifier)
    assert shown["spec"] == body["spec"]
    assert shown["metadata"]["finalizers"] == ["a.b/c"]
    ports: dict[str, Any] = {
        'k:{"containerPort":80,"protocol":"TCP"}': {".": {}, "f:containerPort": {}}
    }
    fields = {".": {}, "f:args": {}, "f:image": {}, "f:name": {}, "f:ports": ports}
    whole = {
        "f:metadata": {"f:finalizers": {'v:"a.b/c"': {}}},
        "f:spec": {"f:containers": {'k:{"name":"c"}': fields}},
    }
    assert owned(cluster, identifier) == [("kubectl", "Update", whole)]


def test_whoever_read_another_version_or_another_object_changes_nothing() -> None:
    async def scenario() -> None:
        cluster = FakeCluster()
        await cluster.create(config(a="1"))
        stale = read(cluster, config(a="2"))
        cluster.edit(MAP.id, lambda body: body["data"].update(a="3"))
        before = cluster.show(MAP.id)
        with pytest.raises(ClusterError, match="409 Conflict"):
            await cluster.apply(stale, ())
        with pytest.raises(ClusterError, match="409 Conflict"):
            await cluster.delete(MAP, "uid-1", stale["metadata"]["resourceVersion"])
        with pytest.raises(ClusterError, match="409 Conflict"):
            await cluster.delete(MAP, "uid-9", before["metadata"]["resourceVersion"])
        with pytest.raises(ClusterError, match="409 Conflict"):
            await cluster.replace(stale)
        with pytest.raises(ClusterError, match="409 Conflict"):
            await cluster.patch_status(MAP, {"a": 1}, stale["metadata"]["resourceVersion"])
        assert cluster.show(MAP.id) == before
        assert [each.verb for each in cluster.writes] == ["create"]

    run(scenario())


def test_an_object_with_finalizers_is_on_its_way_out_until_it_is_let_go() -> None:
    async def scenario() -> None:
        cluster = FakeCluster()
        body = config(a="1")
        body["metadata"]["finalizers"] = ["a.b/c"]
        metadata = await cluster.create(body)
        await cluster.delete(MAP, metadata["uid"], metadata["resourceVersion"])
        assert "deletionTimestamp" in cluster.show(MAP.id)["metadata"]
        cluster.finish(MAP.id)
        with pytest.raises(ClusterError, match="404 NotFound"):
            await cluster.get(MAP)

    run(scenario())


@pytest.mark.parametrize("persisted", [False, True])
def test_a_failure_comes_once_before_or_after_the_effect(persisted: bool) -> None:
    async def scenario() -> None:
        cluster = FakeCluster()
        cluster.fail("create", ClusterError(0, "", "connection lost"), persisted=persisted)
        with pytest.raises(ClusterError, match="connection lost"):
            await cluster.create(config(a="1"))
        assert cluster.ids() == ([MAP.id] if persisted else [])
        assert len(cluster.writes) == persisted

    run(scenario())


def test_a_status_is_merged_and_owned_apart() -> None:
    async def scenario() -> None:
        cluster = FakeCluster()
        cluster.make(config(a="1"))
        for status in ({"a": 1, "b": {"c": 2}}, {"a": None, "b": {"d": [3]}}):
            version = cluster.show(MAP.id)["metadata"]["resourceVersion"]
            await cluster.patch_status(MAP, status, version)
        assert (await cluster.get(MAP))["status"] == {"b": {"c": 2, "d": [3]}}
        entry = (await cluster.get_object(MAP))["metadata"]["managedFields"][-1]
        assert (entry["manager"], entry["subresource"]) == ("rynxs", "status")

    run(scenario())


def test_a_watch_goes_on_where_the_list_ends_and_tells_what_it_selects() -> None:
    async def scenario() -> None:
        cluster = FakeCluster()
        cluster.make(config(a="1"))
        foreign = config(a="1")
        foreign["metadata"] = {"name": "b", "namespace": "default"}
        cluster.make(foreign)
        listed = await cluster.list("v1/ConfigMap", "default")
        assert [each["metadata"]["name"] for each in listed.objects] == ["a"]
        assert len((await cluster.list_objects("v1/ConfigMap", "")).objects) == 2
        watch = cluster.watch("v1/ConfigMap", "", listed.version)
        whole = cluster.watch_objects("v1/ConfigMap", "other", listed.version)
        assert await anext(watch) == await anext(whole) == Bookmark(listed.version)
        cluster.edit(MAP.id, lambda body: body["data"].update(a="2"))
        cluster.edit(MAP.id, lambda body: body["metadata"].pop("labels"))
        cluster.edit(MAP.id, lambda body: body["data"].update(a="3"))
        seen = [await anext(watch) for _ in range(2)]
        assert [isinstance(each, Seen) and each.is_gone for each in seen] == [False, True]
        cluster.end_watches()
        assert [each async for each in watch] == [each async for each in whole] == []

    run(scenario())


def test_a_watch_from_before_what_is_forgotten_must_list_anew() -> None:
    async def scenario() -> None:
        cluster = FakeCluster()
        listed = await cluster.list("v1/ConfigMap", "")
        cluster.make(config(a="1"))
        cluster.expire()
        with pytest.raises(ClusterError, match="410 Expired"):
            await anext(cluster.watch("v1/ConfigMap", "", listed.version))

    run(scenario())


def test_it_waits_where_it_is_told_to() -> None:
    async def scenario() -> None:
        cluster = FakeCluster()
        pause = cluster.pause("create")
        task = asyncio.create_task(cluster.create(config(a="1")))
        await pause.entered.wait()
        assert cluster.ids() == []
        pause.resume.set()
        await task
        assert cluster.ids() == [MAP.id]

    run(scenario())
