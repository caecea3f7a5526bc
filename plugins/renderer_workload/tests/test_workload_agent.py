"""What an agent asks for: its order, its pod, and what the pod is told."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from rynxs.api import parse_subject
from rynxs_renderer_workload.plugin import rynxs_renderer
from rynxs_renderer_workload.settings import WorkloadSettings

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import World

PROVIDER = {
    "kind": "openai",
    "baseUrl": "https://models.example.org/v1",
    "model": "large",
    "apiKeySecretRef": {"name": "provider", "key": "api-key"},
}
AUDIT_LOG = {
    "url": "s3://log/rynxs",
    "credentialsSecret": "log-reader",
    "allowEgressTo": ["198.51.100.9:443"],
}
MAY_READ: dict[str, Any] = {"permissions": {"canAccessAuditLogs": True}}


def template_annotations(rendered: dict[str, Any]) -> Any:
    return rendered["Deployment"]["spec"]["template"]["metadata"]["annotations"]


def test_everything_a_pod_needs_and_is_confined_by_comes_before_it(world: World) -> None:
    assert list(world.agent(workspace={"size": "1Gi"})) == [
        "ServiceAccount",
        "ConfigMap",
        "PersistentVolumeClaim",
        "NetworkPolicy",
        "Service",
        "Deployment",
    ]


@pytest.mark.parametrize(
    ("tag", "image"),
    [
        ("v1", "example.org/agent:v1"),
        (f"v1@sha256:{'a' * 64}", f"example.org/agent:v1@sha256:{'a' * 64}"),
        (f"sha256:{'a' * 64}", f"example.org/agent@sha256:{'a' * 64}"),
        (f"@sha256:{'a' * 64}", f"example.org/agent@sha256:{'a' * 64}"),
    ],
)
def test_tags_and_digests_make_an_image_reference(world: World, tag: str, image: str) -> None:
    rendered = world.agent(image={"repository": "example.org/agent", "tag": tag})
    assert world.container(rendered)["image"] == image


@pytest.mark.parametrize("token", [False, True])
def test_a_pod_runs_as_its_own_account_whose_token_it_gets_only_if_asked(
    world: World, token: bool
) -> None:
    rendered = world.agent(serviceAccountToken=token)
    assert rendered["ServiceAccount"]["metadata"]["name"] == "agent-worker"
    assert rendered["ServiceAccount"]["automountServiceAccountToken"] is False
    assert world.pod(rendered)["serviceAccountName"] == "agent-worker"
    assert world.pod(rendered)["automountServiceAccountToken"] is token


@pytest.mark.parametrize(
    ("stated", "filled"),
    [
        ({}, {"limits": ("1", "1Gi"), "requests": ("100m", "256Mi")}),
        (
            {"limits": {"memory": "2Gi"}},
            {"limits": ("1", "2Gi"), "requests": ("100m", "256Mi")},
        ),
        (
            {"limits": {"memory": "1Mi"}},
            {"limits": ("1", "1Mi"), "requests": ("100m", "1Mi")},
        ),
        (
            {"requests": {"cpu": 3}},
            {"limits": ("3", "1Gi"), "requests": ("3", "256Mi")},
        ),
    ],
)
def test_resources_are_always_filled(
    world: World, stated: dict[str, Any], filled: dict[str, tuple[str, str]]
) -> None:
    resources = world.container(world.agent(resources=stated))["resources"]
    assert resources == {
        part: {"cpu": cpu, "memory": memory} for part, (cpu, memory) in filled.items()
    }


def test_the_settings_say_what_resources_are_filled_with(worlds: Callable[..., World]) -> None:
    defaults = {"requests": {"cpu": "1m", "memory": "1Mi"}, "limits": {}}
    world = worlds({"resources": defaults})
    rendered = world.agent()
    assert world.container(rendered)["resources"] == {"requests": {"cpu": "1m", "memory": "1Mi"}}


def test_an_image_that_does_not_tell_its_health_is_not_asked(world: World) -> None:
    assert not [name for name in world.container(world.agent()) if name.endswith("Probe")]


def test_an_image_that_tells_its_health_is_asked_and_has_five_minutes_to_start(
    world: World,
) -> None:
    image = {"repository": "example.org/agent", "tag": "v1", "health": {"port": 8081}}
    container = world.container(world.agent(image=image))
    for kind in ("livenessProbe", "readinessProbe", "startupProbe"):
        assert container[kind]["httpGet"] == {"path": "/healthz", "port": 8081}
    start = container["startupProbe"]
    assert start["failureThreshold"] * start["periodSeconds"] == 300


def test_the_api_key_is_a_reference_and_never_a_value(world: World) -> None:
    reference = {"secretKeyRef": {"key": "api-key", "name": "provider"}}
    environment = world.environment(world.agent(provider=PROVIDER))
    assert environment["RYNXS_PROVIDER_API_KEY"] == reference


@pytest.mark.parametrize("provider", [None, {**PROVIDER, "apiKeySecretRef": None}])
def test_without_a_key_there_is_none(world: World, provider: dict[str, Any] | None) -> None:
    assert set(world.environment(world.agent(provider=provider))) == {
        "RYNXS_AGENT_SPEC",
        "RYNXS_WORKSPACE",
    }


def test_the_permission_to_read_the_audit_log_gives_its_url_and_credentials(
    worlds: Callable[..., World],
) -> None:
    world = worlds({"auditLog": AUDIT_LOG})
    rendered = world.agent(**MAY_READ)
    assert world.environment(rendered)["RYNXS_LOG"] == "s3://log/rynxs"
    assert world.container(rendered)["envFrom"] == [{"secretRef": {"name": "log-reader"}}]


def test_an_audit_log_may_need_no_credentials(worlds: Callable[..., World]) -> None:
    offered = {"url": "file:/var/log/rynxs"}
    world = worlds({"auditLog": offered})
    rendered = world.agent(**MAY_READ)
    assert world.environment(rendered)["RYNXS_LOG"] == "file:/var/log/rynxs"
    assert "envFrom" not in world.container(rendered)


def test_without_the_permission_nothing_is_told_of_the_audit_log(
    worlds: Callable[..., World],
) -> None:
    world = worlds({"auditLog": AUDIT_LOG})
    rendered = world.agent()
    assert "RYNXS_LOG" not in world.environment(rendered)
    assert "envFrom" not in world.container(rendered)
    assert "log" not in json.dumps(rendered["NetworkPolicy"])


def test_the_permission_is_refused_where_there_is_no_audit_log(world: World) -> None:
    assert world.agent(**MAY_READ) == {}


def test_the_files_are_where_the_environment_says(world: World) -> None:
    rendered = world.agent()
    mounts = {each["name"]: each for each in world.container(rendered)["volumeMounts"]}
    volumes = {each["name"]: each for each in world.pod(rendered)["volumes"]}
    assert set(mounts) == set(volumes)
    environment = world.environment(rendered)
    folder, _, file = environment["RYNXS_AGENT_SPEC"].rpartition("/")
    assert mounts["config"] == {"mountPath": folder, "name": "config", "readOnly": True}
    assert volumes["config"]["configMap"] == {"name": rendered["ConfigMap"]["metadata"]["name"]}
    assert file in rendered["ConfigMap"]["data"]
    assert environment["RYNXS_WORKSPACE"] == mounts["workspace"]["mountPath"]


def test_volumes_are_the_users_and_other_services_are_not_told(
    worlds: Callable[..., World],
) -> None:
    world = worlds(None, {"runAsUser": 1_234})
    pod = world.pod(world.agent(workspace={"size": "1Gi"}))
    names = ("runAsUser", "runAsGroup", "fsGroup")
    assert [pod["securityContext"][name] for name in names] == [1_234] * 3
    assert pod["enableServiceLinks"] is False


def test_the_config_map_holds_the_spec_and_a_change_of_it_rolls_the_pod(world: World) -> None:
    first = world.agent()
    second = world.agent(tools={"allow": ["files"]})
    assert json.loads(second["ConfigMap"]["data"]["spec.json"])["tools"] == {"allow": ["files"]}
    assert template_annotations(first) != template_annotations(second)
    assert template_annotations(world.agent()) == template_annotations(first)


def test_a_suspended_agent_keeps_all_but_its_pod_and_is_resumed_as_it_was(world: World) -> None:
    active, suspended = world.agent(), world.agent(suspend=True)
    assert list(suspended) == list(active)
    assert (
        active["Deployment"]["spec"]["replicas"],
        suspended["Deployment"]["spec"]["replicas"],
    ) == (1, 0)
    assert suspended["ConfigMap"] == active["ConfigMap"]
    assert suspended["Deployment"]["spec"]["template"] == active["Deployment"]["spec"]["template"]


def test_the_service_is_headless_and_finds_the_pods_on_the_task_port(
    worlds: Callable[..., World],
) -> None:
    world = worlds(None, {"taskPort": 9090})
    rendered = world.agent()
    spec = rendered["Service"]["spec"]
    assert spec["clusterIP"] == "None"
    assert spec["ports"] == [{"name": "tasks", "port": 9090, "protocol": "TCP"}]
    assert spec["selector"] == rendered["Deployment"]["spec"]["selector"]["matchLabels"]


@pytest.mark.parametrize(
    "refused",
    [{"role": "boss"}, {"network": {"allowEgressTo": ["a.b.example"]}}, {"universeRef": "main"}],
)
def test_a_refused_agent_gets_nothing(world: World, refused: dict[str, Any]) -> None:
    world.agent()
    assert world.agent(**refused) == {}


def test_kinds_of_others_get_nothing(world: World) -> None:
    world.agent()
    subject = "universe.ai/Agent/default/worker"
    view = world.pipeline.state.slices
    current = view.get(subject)
    assert current is not None
    renderer = rynxs_renderer().create(WorkloadSettings())
    assert renderer.render(subject, current, view)
    for foreign in ({"group": "example.org"}, {"kind": "Universe"}):
        other = str(parse_subject(subject)._replace(**foreign))
        assert list(renderer.render(other, current, view)) == []
