from __future__ import annotations

import copy
import itertools
import json
from typing import TYPE_CHECKING, Any

import pytest

from rynxs_renderer_workload.plugin import rynxs_renderer
from rynxs_renderer_workload.settings import WorkloadSettings

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


class NoView:
    """An agent's manifests depend on no other subject."""

    def get(self, subject: str) -> Mapping[str, Any] | None:
        raise AssertionError(subject)

    def of_kind(self, group_kind: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
        raise AssertionError(group_kind)


def slice_of(name: str = "worker", namespace: str = "default", **spec: Any) -> dict[str, Any]:
    whole = {
        "image": {"repository": "example.org/agent", "tag": "v1", "verify": False},
        "manages": [],
        "network": {"allowEgressTo": []},
        "permissions": {},
        "provider": None,
        "resources": {"limits": {}, "requests": {}},
        "role": "worker",
        "suspend": False,
        "team": None,
        "tools": {"allow": []},
        "universeRef": None,
        "workspace": None,
    } | spec
    metadata = {"name": name, "namespace": namespace, "uid": None}
    return {"conditions": [], "deleting": False, "egress": [], "metadata": metadata, "spec": whole}


def render(current: dict[str, Any], **settings: Any) -> dict[str, dict[str, Any]]:
    renderer = rynxs_renderer().create(WorkloadSettings(**settings))
    before = copy.deepcopy(current)
    metadata = current["metadata"]
    subject = f"universe.ai/Agent/{metadata['namespace']}/{metadata['name']}"
    manifests = renderer.render(subject, current, NoView())
    assert current == before
    assert len({manifest["kind"] for manifest in manifests}) == len(manifests)
    return {manifest["kind"]: manifest for manifest in manifests}


WORKSPACE = {"retain": False, "size": "1Gi", "storageClassName": None}


def pod_labels(rendered: dict[str, dict[str, Any]]) -> dict[str, str]:
    labels: dict[str, str] = rendered["Deployment"]["spec"]["template"]["metadata"]["labels"]
    return labels


def selects(selector: dict[str, Any], labels: dict[str, str]) -> bool:
    wanted = selector["matchLabels"]
    assert wanted
    assert set(selector) == {"matchLabels"}
    return all(labels.get(key) == value for key, value in wanted.items())


def test_the_network_policy_selects_the_agents_pods_and_those_of_no_other_agent() -> None:
    names = ["worker", "worker-1", "work", "other"]
    rendered = {name: render(slice_of(name, team="t")) for name in names}
    for one, other in itertools.product(names, names):
        policy = rendered[one]["NetworkPolicy"]["spec"]["podSelector"]
        deployment = rendered[one]["Deployment"]["spec"]["selector"]
        labels = pod_labels(rendered[other])
        assert selects(policy, labels) is (one == other)
        assert selects(deployment, labels) is (one == other)


def test_the_policy_comes_before_the_pods_that_it_confines() -> None:
    assert list(render(slice_of(workspace=WORKSPACE))) == [
        "ConfigMap",
        "PersistentVolumeClaim",
        "NetworkPolicy",
        "Deployment",
    ]


def test_nothing_comes_in_and_only_dns_goes_out_unless_allowed() -> None:
    spec = render(slice_of())["NetworkPolicy"]["spec"]
    assert spec["policyTypes"] == ["Ingress", "Egress"]
    assert spec["ingress"] == []
    (dns,) = spec["egress"]
    assert [(port["port"], port["protocol"]) for port in dns["ports"]] == [(53, "UDP"), (53, "TCP")]
    (peer,) = dns["to"]
    assert peer["podSelector"] == {"matchLabels": {"k8s-app": "kube-dns"}}
    assert peer["namespaceSelector"] == {
        "matchLabels": {"kubernetes.io/metadata.name": "kube-system"}
    }


def test_every_allowed_target_is_a_rule_of_its_own() -> None:
    current = slice_of()
    current["egress"] = [
        {"cidr": "198.51.100.0/24", "port": None},
        {"cidr": "10.0.0.1/32", "port": 443},
        {"namespace": "inference", "port": 8080, "service": "models"},
    ]
    _, network, address, service = render(current)["NetworkPolicy"]["spec"]["egress"]
    assert network == {"to": [{"ipBlock": {"cidr": "198.51.100.0/24"}}]}
    assert address["ports"] == [{"port": 443, "protocol": "TCP"}]
    (peer,) = service["to"]
    assert peer["podSelector"]["matchLabels"] == {"app.kubernetes.io/name": "models"}
    assert peer["namespaceSelector"]["matchLabels"] == {"kubernetes.io/metadata.name": "inference"}


def test_a_suspended_agent_has_no_pod_and_a_closed_network() -> None:
    current = slice_of(suspend=True)
    current["egress"] = [{"cidr": "198.51.100.0/24", "port": None}]
    rendered = render(current)
    assert rendered["Deployment"]["spec"]["replicas"] == 0
    assert rendered["NetworkPolicy"]["spec"]["egress"] == []


def test_pods_meet_the_restricted_pod_security_standard() -> None:
    pod = render(slice_of(), runAsUser=1234)["Deployment"]["spec"]["template"]["spec"]
    assert pod["automountServiceAccountToken"] is False
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["runAsUser"] == 1234
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    (container,) = pod["containers"]
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "readOnlyRootFilesystem": True,
    }
    assert {volume["name"] for volume in pod["volumes"]} == {
        mount["name"] for mount in container["volumeMounts"]
    }


def test_the_api_key_is_a_reference_and_never_a_value() -> None:
    provider = {
        "apiKeySecretRef": {"key": "api-key", "name": "model"},
        "baseUrl": "http://m",
        "kind": "openai",
        "model": "x",
    }
    rendered = render(slice_of(provider=provider))
    (container,) = rendered["Deployment"]["spec"]["template"]["spec"]["containers"]
    (entry,) = [e for e in container["env"] if e["name"] == "RYNXS_PROVIDER_API_KEY"]
    assert entry["valueFrom"] == {"secretKeyRef": {"key": "api-key", "name": "model"}}


@pytest.mark.parametrize(
    ("tag", "image"),
    [
        ("v1", "example.org/agent:v1"),
        ("v1@sha256:ab", "example.org/agent:v1@sha256:ab"),
        ("sha256:ab", "example.org/agent@sha256:ab"),
        ("@sha256:ab", "example.org/agent@sha256:ab"),
    ],
)
def test_tags_and_digests_make_an_image_reference(tag: str, image: str) -> None:
    current = slice_of(image={"repository": "example.org/agent", "tag": tag, "verify": False})
    pod = render(current)["Deployment"]["spec"]["template"]["spec"]
    assert pod["containers"][0]["image"] == image


def test_the_config_map_holds_the_spec_and_a_change_of_it_rolls_the_pod() -> None:
    first, second = (render(slice_of(tools={"allow": allow})) for allow in ([], ["files"]))
    assert json.loads(second["ConfigMap"]["data"]["spec.json"])["tools"] == {"allow": ["files"]}
    digests = [
        rendered["Deployment"]["spec"]["template"]["metadata"]["annotations"]
        for rendered in (first, second)
    ]
    assert digests[0] != digests[1]


def test_a_workspace_to_retain_has_no_owner_and_says_so() -> None:
    for retain in (False, True):
        current = slice_of(workspace=WORKSPACE | {"retain": retain})
        current["metadata"]["uid"] = "1234"
        rendered = render(current)
        claim = rendered.pop("PersistentVolumeClaim")["metadata"]
        assert ("ownerReferences" in claim) is not retain
        assert (claim.get("annotations") == {"universe.ai/retain": "true"}) is retain
        for manifest in rendered.values():
            (owner,) = manifest["metadata"]["ownerReferences"]
            assert (owner["kind"], owner["name"], owner["uid"]) == ("Agent", "worker", "1234")


def test_without_a_cluster_there_is_no_owner() -> None:
    for manifest in render(slice_of(workspace=WORKSPACE)).values():
        assert "ownerReferences" not in manifest["metadata"]


def test_a_storage_class_is_named_only_when_asked_for() -> None:
    plain = render(slice_of(workspace=WORKSPACE))["PersistentVolumeClaim"]["spec"]
    fast = render(slice_of(workspace=WORKSPACE | {"storageClassName": "fast"}))
    assert "storageClassName" not in plain
    assert fast["PersistentVolumeClaim"]["spec"]["storageClassName"] == "fast"


def test_team_and_universe_are_labels_within_their_length() -> None:
    labels = pod_labels(render(slice_of(team="research", universeRef="a" * 62 + ".b" * 20)))
    assert labels["universe.ai/team"] == "research"
    assert labels["universe.ai/universe"] == "a" * 62
    assert all(len(value) <= 63 for value in labels.values())


def test_resources_are_passed_on_when_given() -> None:
    current = slice_of(resources={"limits": {"memory": "1Gi"}, "requests": {}})
    (container,) = render(current)["Deployment"]["spec"]["template"]["spec"]["containers"]
    assert container["resources"] == {"limits": {"memory": "1Gi"}}


def test_refused_agents_and_other_kinds_render_nothing() -> None:
    refused = slice_of()
    del refused["spec"]
    assert render(refused) == {}
    renderer = rynxs_renderer().create(WorkloadSettings())
    assert list(renderer.render("universe.ai/Universe/u", slice_of(), NoView())) == []
