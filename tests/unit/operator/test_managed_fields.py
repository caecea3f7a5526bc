"""What an applier no longer owns of what it asked for, from field sets as an API server keeps them.

KEP-555 describes the form.
"""

from __future__ import annotations

import copy
from typing import Any

import pytest

from rynxs.operator.managed_fields import added, lost

WHOLE: dict[str, Any] = {}
POLICY: dict[str, Any] = {
    "apiVersion": "networking.k8s.io/v1",
    "kind": "NetworkPolicy",
    "metadata": {"annotations": {}, "name": "p", "namespace": "default"},
    "spec": {"egress": [], "ingress": [], "podSelector": {}, "policyTypes": ["Ingress"]},
}
CONTAINER = {
    "args": ["serve"],
    "env": [{"name": "X", "value": ""}, {"name": "Y", "value": "y"}],
    "image": "example.org/agent:v1",
    "name": "agent",
    "ports": [{"containerPort": 80}, {"containerPort": 80, "protocol": "UDP"}],
    "resources": {"limits": {}, "requests": {"cpu": "1"}},
}
WORKLOAD: dict[str, Any] = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"labels": {"a": "b"}, "name": "w", "namespace": "default"},
    "spec": {
        "replicas": 0,
        "template": {
            "metadata": {"creationTimestamp": None},
            "spec": {"containers": [CONTAINER], "volumes": [{"emptyDir": {}, "name": "tmp"}]},
        },
    },
}
OF_CONTAINER: dict[str, Any] = {
    ".": {},
    "f:args": {},
    "f:env": {
        'k:{"name":"X"}': {".": {}, "f:name": {}},
        'k:{"name":"Y"}': {".": {}, "f:name": {}, "f:value": {}},
    },
    "f:image": {},
    "f:name": {},
    "f:ports": {
        'k:{"containerPort":80,"protocol":"TCP"}': {".": {}, "f:containerPort": {}},
        'k:{"containerPort":80,"protocol":"UDP"}': {
            ".": {},
            "f:containerPort": {},
            "f:protocol": {},
        },
    },
    "f:resources": {"f:requests": {"f:cpu": {}}},
}
OF_VOLUMES: dict[str, Any] = {'k:{"name":"tmp"}': {".": {}, "f:emptyDir": {}, "f:name": {}}}


def entry(manager: str, fields: dict[str, Any], subresource: str = "") -> dict[str, Any]:
    named = {"subresource": subresource} if subresource else {}
    return {"fieldsV1": fields, "manager": manager, "operation": "Update", **named}


def of_workload(
    replicas: bool = True,
    container: dict[str, Any] | None = None,
    volumes: dict[str, Any] | None = None,
) -> dict[str, Any]:
    containers = {'k:{"name":"agent"}': OF_CONTAINER if container is None else container}
    volumes = OF_VOLUMES if volumes is None else volumes
    spec = {"f:template": {"f:spec": {"f:containers": containers, "f:volumes": volumes}}}
    owned = {"f:replicas": {}, **spec} if replicas else spec
    return {"f:metadata": {"f:labels": {".": {}, "f:a": {}}}, "f:spec": owned}


def of_agent(fields: dict[str, Any]) -> dict[str, Any]:
    containers = {"f:containers": {'k:{"name":"agent"}': fields}}
    return {"f:spec": {"f:template": {"f:spec": containers}}}


AGENT = "spec.template.spec.containers[0]"


def test_what_was_made_is_owned_though_what_is_empty_is_in_no_field_set() -> None:
    made = entry("rynxs", {"f:spec": {"f:policyTypes": {}}})
    assert lost(POLICY, [made], "rynxs") == {}
    assert lost(WORKLOAD, [entry("rynxs", of_workload())], "rynxs") == {}


def test_what_was_applied_is_owned_in_one_entry_or_in_several() -> None:
    spec: dict[str, Any] = {
        "f:egress": {},
        "f:ingress": {},
        "f:podSelector": {},
        "f:policyTypes": {},
    }
    applied = entry("rynxs", {"f:metadata": {"f:annotations": {}}, "f:spec": spec})
    assert lost(POLICY, [applied], "rynxs") == {}
    one = entry("rynxs", of_workload(replicas=False))
    assert lost(WORKLOAD, [one, entry("rynxs", {"f:spec": {"f:replicas": {}}})], "rynxs") == {}


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"f:spec": {"f:egress": {}}}, "spec.egress"),
        ({"f:spec": {"f:ingress": {}}}, "spec.ingress"),
        ({"f:spec": {"f:podSelector": {}}}, "spec.podSelector"),
        ({"f:spec": {"f:policyTypes": {}}}, "spec.policyTypes"),
    ],
)
def test_a_list_or_selector_asked_for_as_empty_is_lost_once_another_owns_it(
    fields: dict[str, Any], path: str
) -> None:
    spec: dict[str, Any] = {
        "f:egress": {},
        "f:ingress": {},
        "f:podSelector": {},
        "f:policyTypes": {},
    }
    left = {name: WHOLE for name in spec if name not in fields["f:spec"]}
    applied = {**entry("rynxs", {"f:spec": left}), "operation": "Apply"}
    made = entry("rynxs", {"f:spec": {name: WHOLE for name in left if name == "f:policyTypes"}})
    for own in (applied, made):
        assert lost(POLICY, [own, entry("foe", fields)], "rynxs") == {path: ["foe"]}


def test_what_others_add_to_an_empty_map_is_not_lost() -> None:
    made = entry("rynxs", {"f:spec": {"f:policyTypes": {}}})
    added = entry("foe", {"f:metadata": {"f:annotations": {".": {}, "f:mine": {}}}})
    assert lost(POLICY, [made, added], "rynxs") == {}


@pytest.mark.parametrize(
    ("own", "others", "found"),
    [
        ({"f:image": None}, {"f:image": {}}, {".image": ["foe"]}),
        ({"f:image": None}, {}, {".image": []}),
        ({"f:args": None}, {"f:args": {}}, {".args": ["foe"]}),
        ({}, {"f:image": {}}, {}),
        ({}, {"f:command": {}}, {}),
        (
            {"f:resources": None},
            {"f:resources": {"f:requests": {"f:cpu": {}}}},
            {".resources.requests.cpu": ["foe"]},
        ),
        ({"f:resources": None}, {}, {".resources.requests.cpu": []}),
        (
            {"f:env": {'k:{"name":"X"}': {".": {}, "f:name": {}}}},
            {},
            {".env[1]": []},
        ),
        (
            {},
            {"f:env": {'k:{"name":"X"}': {"f:value": {}}}},
            {".env[0].value": ["foe"]},
        ),
        (
            {
                "f:ports": {
                    'k:{"containerPort":80,"protocol":"UDP"}': {
                        ".": {},
                        "f:containerPort": {},
                        "f:protocol": {},
                    }
                }
            },
            {},
            {".ports[0]": []},
        ),
        (
            {
                "f:ports": {
                    'k:{"containerPort":80,"protocol":"TCP"}': {
                        ".": {},
                        "f:containerPort": {},
                        "f:protocol": {},
                    }
                }
            },
            {},
            {".ports[1]": []},
        ),
    ],
)
def test_parts_of_an_element_are_lost_one_by_one(
    own: dict[str, Any], others: dict[str, Any], found: dict[str, list[str]]
) -> None:
    merged = {**OF_CONTAINER, **own}
    container = {name: part for name, part in merged.items() if part is not None}
    entries = [entry("rynxs", of_workload(container=container)), entry("foe", of_agent(others))]
    expected = {f"{AGENT}{path}": managers for path, managers in found.items()}
    assert lost(WORKLOAD, entries, "rynxs") == expected


@pytest.mark.parametrize(
    ("name", "value", "path"),
    [
        ("labels", {"a": "1"}, "labels.a"),
        ("env", [{"name": "X", "value": "x"}], "env"),
        ("volumes", [{"name": "v"}], "volumes"),
    ],
)
def test_a_map_or_keyed_list_of_which_all_was_taken_only_looks_owned_as_a_whole(
    name: str, value: Any, path: str
) -> None:
    made = entry("rynxs", {f"f:{name}": {}})
    assert lost({name: value}, [made], "rynxs") == {path: []}
    applied = {**made, "operation": "Apply"}  # which owns no map that is not empty
    assert lost({name: value}, [applied], "rynxs") == {}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("args", ["x"]),
        ("ingress", [{"from": []}]),
        ("selector", {"matchLabels": {"a": "1"}}),
        ("podSelector", {"matchLabels": {"a": "1"}}),
        ("secretKeyRef", {"name": "x"}),
    ],
)
def test_a_list_or_map_that_has_one_owner_is_owned_as_a_whole(name: str, value: Any) -> None:
    assert lost({name: value}, [entry("rynxs", {f"f:{name}": {}})], "rynxs") == {}
    takers = [entry("rynxs", {}), entry("foe", {f"f:{name}": {}})]
    assert lost({name: value}, takers, "rynxs") == {name: ["foe"]}


def test_an_element_that_is_gone_is_lost_as_a_whole() -> None:
    entries = [entry("rynxs", of_workload(volumes={'k:{"name":"other"}': {".": {}}}))]
    assert lost(WORKLOAD, entries, "rynxs") == {"spec.template.spec.volumes[0]": []}
    assert lost(WORKLOAD, [entry("rynxs", of_workload(volumes={".": {}}))], "rynxs") == {
        "spec.template.spec.volumes[0]": []
    }


def test_a_zero_is_lost_to_who_scales_and_a_status_is_nobodys_loss() -> None:
    own = entry("rynxs", of_workload(replicas=False))
    scaled = entry("kubectl", {"f:spec": {"f:replicas": {}}}, "scale")
    assert lost(WORKLOAD, [own, scaled], "rynxs") == {"spec.replicas": ["kubectl"]}
    status = entry("kcm", {"f:spec": {"f:replicas": {}}, "f:status": {"f:replicas": {}}}, "status")
    assert lost(WORKLOAD, [own, status], "rynxs") == {}


def test_an_entry_of_a_subresource_is_not_what_was_applied() -> None:
    entries = [entry("rynxs", of_workload(), "status")]
    assert set(lost(WORKLOAD, entries, "rynxs")) == {
        "metadata.labels.a",
        "spec.template.spec.containers",
        "spec.template.spec.volumes",
    }


def test_names_of_managers_are_those_that_own_what_is_lost_sorted_each_once() -> None:
    own = entry("rynxs", of_workload(replicas=False))
    fields: dict[str, Any] = {"f:spec": {"f:replicas": {}}}
    entries = [own, entry("z", fields), entry("a", fields), entry("z", fields), entry("q", {})]
    assert lost(WORKLOAD, entries, "rynxs") == {"spec.replicas": ["a", "z"]}


def test_what_says_which_object_it_is_is_never_lost() -> None:
    read = {**POLICY, "metadata": {**POLICY["metadata"], "resourceVersion": "7", "uid": "u"}}
    assert lost(read, [], "rynxs") == {"spec.policyTypes": []}


@pytest.mark.parametrize(
    ("value", "fields", "is_owned"),
    [
        (["a.b/c"], {'v:"a.b/c"': {}, ".": {}}, True),
        (["a.b/c"], {'v:"a.b/d"': {}}, False),
        ([1], {"v:1": {}}, True),
        ([1], {"v:true": {}}, False),
        ([True], {"v:1": {}}, False),
        (["x"], {"i:0": {}}, True),
        (["x"], {"i:1": {}}, False),
        ([{"a": "b"}], {"i:0": {"f:a": {}}}, True),
        ([{"a": "b"}], {"i:0": {"f:c": {}}}, False),
    ],
)
def test_elements_of_sets_and_by_place(value: Any, fields: dict[str, Any], is_owned: bool) -> None:
    found = lost(
        {"spec": {"some": value}}, [entry("rynxs", {"f:spec": {"f:some": fields}})], "rynxs"
    )
    path = "spec.some[0].a" if isinstance(value[0], dict) else "spec.some[0]"
    assert found == ({} if is_owned else {path: []})


@pytest.mark.parametrize("entries", [[], [{}], [{"manager": "rynxs"}], [{"fieldsV1": None}]])
def test_nothing_is_owned_where_nothing_is_kept(entries: list[dict[str, Any]]) -> None:
    assert lost({"data": {"a": "1"}}, entries, "rynxs") == {"data.a": []}


def test_an_owner_of_an_object_that_was_made_is_not_lost() -> None:
    owner = {"apiVersion": "v1", "kind": "ConfigMap", "name": "o", "uid": "u"}
    made: dict[str, Any] = {"f:ownerReferences": {".": {}, 'k:{"uid":"u"}': {}}}
    entry = {"manager": "rynxs", "operation": "Update", "fieldsV1": {"f:metadata": made}}
    assert lost({"metadata": {"ownerReferences": [owner]}}, [entry], "rynxs") == {}


def test_what_others_add_is_told_by_its_highest_path_but_in_the_metadata() -> None:
    more = of_agent({"f:livenessProbe": {".": {}, "f:exec": {}}})
    more["f:spec"]["f:template"]["f:spec"] |= {"f:hostNetwork": {}}
    containers = more["f:spec"]["f:template"]["f:spec"]["f:containers"]
    containers['k:{"name":"b"}'] = {".": {}, "f:image": {}, "f:name": {}}
    entries = [
        entry("rynxs", of_workload()),
        entry("kubectl", {**more, "f:metadata": {"f:labels": {"f:x": {}}}}),
        entry("cloud", {"f:spec": {"f:template": {"f:spec": {"f:hostNetwork": {}}}}}),
        entry("deployer", {"f:status": {"f:replicas": {}}}, "status"),
    ]
    pod = "spec.template.spec"
    assert added(WORKLOAD, entries, "rynxs") == {
        f"{pod}.containers[0].livenessProbe": ["kubectl"],
        f'{pod}.containers[{{"name":"b"}}]': ["kubectl"],
        f"{pod}.hostNetwork": ["cloud", "kubectl"],
    }
    assert lost(WORKLOAD, entries, "rynxs") == {}


def test_what_others_share_or_change_is_not_added() -> None:
    shared = entry("friend", {"f:spec": {"f:strategy": {"f:type": {}}, "f:replicas": {}}})
    made = of_workload(replicas=False)
    made["f:spec"]["f:strategy"] = {"f:type": {}}
    assert added(WORKLOAD, [entry("rynxs", made), shared], "rynxs") == {}
    taken = added(WORKLOAD, [entry("rynxs", of_workload()), shared], "rynxs")
    assert taken == {"spec.strategy": ["friend"]}


@pytest.mark.parametrize(
    ("kind", "fields", "found"),
    [
        ("PersistentVolumeClaim", {"f:spec": {"f:volumeName": {}}}, []),
        ("Deployment", {"f:spec": {"f:volumeName": {}}}, ["spec"]),
        ("ServiceAccount", {"f:secrets": {".": {}, 'k:{"name":"s"}': {"f:name": {}}}}, []),
        ("ServiceAccount", {"f:secretsToo": {}}, ["secretsToo"]),
    ],
)
def test_some_fields_are_others_by_their_nature(
    kind: str, fields: dict[str, Any], found: list[str]
) -> None:
    manifest = {"apiVersion": "v1", "kind": kind, "metadata": {"name": "a"}}
    entries = [entry("rynxs", {"f:metadata": {"f:labels": {}}}), entry("other", fields)]
    assert list(added(manifest, entries, "rynxs")) == found


def test_a_restart_by_hand_is_nobodys_addition_whatever_else_it_stands_in() -> None:
    restarted = "f:kubectl.kubernetes.io/restartedAt"
    annotations: dict[str, Any] = {".": {}, restarted: {}}
    template = {"f:template": {"f:metadata": {"f:annotations": annotations}}}
    entries = [entry("rynxs", of_workload()), entry("kubectl-rollout", {"f:spec": template})]
    assert added(WORKLOAD, entries, "rynxs") == {}
    annotations["f:more"] = {}
    assert list(added(WORKLOAD, entries, "rynxs")) == ["spec.template.metadata.annotations"]


def test_another_owner_is_an_addition_and_a_finalizer_is_not() -> None:
    fields: dict[str, Any] = {
        "f:finalizers": {'v:"example.org/kept"': {}},
        "f:ownerReferences": {'k:{"uid":"u"}': {}},
    }
    entries = [entry("rynxs", of_workload()), entry("kubectl", {"f:metadata": fields})]
    assert list(added(WORKLOAD, entries, "rynxs")) == ["metadata.ownerReferences"]
    owned = copy.deepcopy(WORKLOAD)
    owned["metadata"]["ownerReferences"] = [{"uid": "own"}]
    assert list(added(owned, entries, "rynxs")) == ['metadata.ownerReferences[{"uid":"u"}]']
