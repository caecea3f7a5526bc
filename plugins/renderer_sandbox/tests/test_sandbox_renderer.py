"""What becomes of the manifests of agents and sessions when the sandbox renderer is picked too."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from pydantic import ValidationError

from rynxs.engine.composition import Composition
from rynxs.engine.observation import Actor
from rynxs.engine.pipeline import Pipeline
from rynxs.errors import PluginError
from rynxs.sources import fixed_sources
from rynxs.testing.hooks import Pick
from rynxs_renderer_sandbox.plugin import rynxs_renderer
from rynxs_renderer_sandbox.settings import SandboxSettings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rynxs.engine.composition import Component

AGENT = "universe.ai/Agent/default/worker"
SESSION = "universe.ai/Session/default/run"
VERSIONS = ["agents.x-k8s.io/v1beta1", "agents.x-k8s.io/v1alpha1"]
UID = "00000000-0000-4000-8000-000000000001"


class NoView:
    """A Sandbox depends on no other subject."""

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(name)


def made(family: str, name: str, settings: Mapping[str, Any]) -> Component:
    return Pick(family, f"rynxs_{family}_{name}.plugin", settings).made()


def composition(renderers: Mapping[str, Mapping[str, Any]]) -> Composition:
    return Composition(
        [made("reducer", name, {}) for name in ("agent", "session")],
        [made("renderer", name, settings) for name, settings in renderers.items()],
    )


def agent(**spec: Any) -> dict[str, Any]:
    image = {"repository": "example.org/agent", "tag": "v1"}
    whole = {"image": image, "role": "worker", "workspace": {"size": "1Gi"}} | spec
    return {
        "apiVersion": "universe.ai/v1alpha1",
        "kind": "Agent",
        "metadata": {"name": "worker", "namespace": "default", "uid": UID},
        "spec": whole,
    }


def session() -> dict[str, Any]:
    return {
        "apiVersion": "universe.ai/v1alpha1",
        "kind": "Session",
        "metadata": {"name": "run", "namespace": "default", "uid": UID},
        "spec": {"agentRef": "worker", "input": {"text": "count the files"}},
    }


def planned(subject: str, *objects: dict[str, Any], **renderers: Any) -> list[dict[str, Any]]:
    """Return what a subject asks for once the objects were observed."""
    made_of = composition({"workload": {}, **renderers})
    pipeline = Pipeline(made_of, fixed_sources(0), "log.example")
    for manifest in objects:
        resource = made_of.resource(f"universe.ai/{manifest['kind']}")
        assert resource is not None
        pipeline.observe(resource, manifest, Actor("tester"))
    return [manifest.body for manifest in pipeline.manifests(subject)]


def only(kind: str, manifests: list[dict[str, Any]]) -> dict[str, Any]:
    (found,) = (manifest for manifest in manifests if manifest["kind"] == kind)
    return found


@pytest.mark.parametrize("api_version", VERSIONS)
def test_a_sandbox_stands_where_the_deployment_stood_and_runs_exactly_its_pod(
    api_version: str,
) -> None:
    before = planned(AGENT, agent())
    after = planned(AGENT, agent(), sandbox={"apiVersion": api_version})
    deployment, sandbox = only("Deployment", before), only("Sandbox", after)
    assert (sandbox["apiVersion"], sandbox["kind"]) == (api_version, "Sandbox")
    assert sandbox["spec"]["podTemplate"] == deployment["spec"]["template"]
    assert [sandbox if each == deployment else each for each in before] == after


def test_name_labels_and_owner_are_the_deployments() -> None:
    deployment = only("Deployment", planned(AGENT, agent()))
    sandbox = only("Sandbox", planned(AGENT, agent(), sandbox={}))
    assert sandbox["metadata"] == deployment["metadata"]
    assert sandbox["metadata"]["ownerReferences"][0]["uid"] == UID


def test_network_policies_and_the_service_select_the_sandboxs_pod() -> None:
    manifests = planned(AGENT, agent(team="alpha"), sandbox={})
    labels = only("Sandbox", manifests)["spec"]["podTemplate"]["metadata"]["labels"]
    policy = only("NetworkPolicy", manifests)["spec"]["podSelector"]["matchLabels"]
    service = only("Service", manifests)["spec"]["selector"]
    for selector in (policy, service):
        assert selector
        assert selector.items() <= labels.items()
    # The controller drops labels that begin so, and adds one of its own.
    assert not any(label.startswith("agents.x-k8s.io/") for label in labels)


@pytest.mark.parametrize("suspend", [False, True])
def test_a_suspended_agent_is_a_suspended_sandbox(suspend: bool) -> None:
    newer, older = (
        only("Sandbox", planned(AGENT, agent(suspend=suspend), sandbox={"apiVersion": version}))
        for version in VERSIONS
    )
    assert newer["spec"]["operatingMode"] == ("Suspended" if suspend else "Running")
    assert older["spec"]["replicas"] == (0 if suspend else 1)
    assert set(newer["spec"]) == {"operatingMode", "podTemplate", "service"}
    assert set(older["spec"]) == {"podTemplate", "replicas", "service"}


def test_the_controller_is_told_to_make_no_service_of_the_agents_name() -> None:
    manifests = planned(AGENT, agent(), sandbox={})
    sandbox, service = only("Sandbox", manifests), only("Service", manifests)
    assert sandbox["metadata"]["name"] == service["metadata"]["name"]
    assert sandbox["spec"]["service"] is False


def test_the_workspace_is_the_claim_that_the_workload_renderer_makes() -> None:
    manifests = planned(AGENT, agent(), sandbox={})
    volumes = only("Sandbox", manifests)["spec"]["podTemplate"]["spec"]["volumes"]
    (claim,) = [v["persistentVolumeClaim"] for v in volumes if "persistentVolumeClaim" in v]
    name = only("PersistentVolumeClaim", manifests)["metadata"]["name"]
    assert claim["claimName"] == name


def test_sessions_are_rendered_as_if_there_were_no_sandboxes() -> None:
    before = planned(SESSION, agent(), session())
    assert only("Job", before)
    assert planned(SESSION, agent(), session(), sandbox={}) == before


def test_a_refused_agent_has_no_sandbox() -> None:
    assert planned(AGENT, agent(universeRef="nobody-judges"), sandbox={}) == []
    assert planned(AGENT, agent(role="admiral"), sandbox={}) == []


def test_a_deployment_that_another_renderer_added_stays() -> None:
    rendered = planned(AGENT, agent())
    added = {**only("Deployment", rendered), "metadata": {"name": "proxy", "namespace": "default"}}
    renderer = rynxs_renderer().create(SandboxSettings())
    revised = renderer.revise(AGENT, {}, NoView(), [added, *rendered])
    assert revised[0] == added
    sandbox = only("Sandbox", [dict(each) for each in revised])
    assert sandbox["metadata"]["name"] == "agent-worker"


def test_picked_alone_it_names_what_is_missing() -> None:
    expected = r"sandbox==0\.1\.0 revises what workload renders, which is not picked"
    with pytest.raises(PluginError, match=expected):
        composition({"sandbox": {}})


@pytest.mark.parametrize("api_version", ["v1beta1", "agents.x-k8s.io/v1", 1])
def test_a_version_that_is_not_known_is_refused(api_version: Any) -> None:
    with pytest.raises(ValidationError, match="apiVersion"):
        SandboxSettings(apiVersion=api_version)
