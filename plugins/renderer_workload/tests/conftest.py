"""What the tests of the workload renderer share: agents and sessions, and what is made of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from rynxs.api import Sources
from rynxs.engine.composition import Composition
from rynxs.engine.observation import Actor
from rynxs.engine.pipeline import Pipeline
from rynxs.sources import FixedEntropy
from rynxs.testing.hooks import Pick
from tests.network import Network, Pod

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

DNS = Pod("dns", "kube-system", {"k8s-app": "kube-dns"}, "10.96.0.10")

Manifest = dict[str, Any]


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.at_us = 1_767_225_600_000_000

    def now_us(self) -> int:
        return self.at_us


class World:
    """Agents and sessions as they are observed, through the reducers and the renderer.

    Attributes:
        pipeline: as the operator drives it.
    """

    def __init__(
        self, agents: Mapping[str, Any] | None = None, workload: Mapping[str, Any] | None = None
    ) -> None:
        """`agents` and `workload` are raw settings of the agents' reducer and of the renderer."""
        reducers = [
            Pick("reducer", "rynxs_reducer_agent.plugin", agents or {}),
            Pick("reducer", "rynxs_reducer_session.plugin", {}),
        ]
        renderer = Pick("renderer", "rynxs_renderer_workload.plugin", workload or {})
        self._composition = Composition([each.made() for each in reducers], [renderer.made()])
        self._clock = Clock()
        sources = Sources(self._clock, FixedEntropy(), "tester@here")
        self.pipeline = Pipeline(self._composition, sources, "log.example")

    def agent(
        self, name: str = "worker", namespace: str = "default", uid: str | None = None, **spec: Any
    ) -> dict[str, Manifest]:
        """Let an agent be seen, a small worker save for what is given; return what it asks for."""
        small = {"image": {"repository": "example.org/agent", "tag": "v1"}, "role": "worker"}
        return self._see("Agent", {"name": name, "namespace": namespace, "uid": uid}, small | spec)

    def session(
        self, name: str = "run", namespace: str = "default", uid: str | None = None, **spec: Any
    ) -> dict[str, Manifest]:
        """Let a session of the worker be seen; return what it asks for."""
        whole = {"agentRef": "worker", "input": {"text": "count the sheep"}} | spec
        metadata = {"name": name, "namespace": namespace, "uid": uid}
        return self._see("Session", metadata, whole)

    def saw(self, status: Mapping[str, Any], name: str = "run", namespace: str = "default") -> None:
        """Let the Job of a session have a status."""
        subject = f"universe.ai/Session/{namespace}/{name}"
        rendered = [each.id for each in self.pipeline.manifests(subject)]
        (job,) = [each for each in rendered if each.startswith("batch/v1/Job/")]
        self.pipeline.observe_status(subject, job, status)

    def passes(self, seconds: int) -> None:
        """Let time pass, and take in the deadlines that are then reached."""
        self._clock.at_us += seconds * 1_000_000
        self.pipeline.reach_deadlines()

    def delete(self, kind: str, name: str, namespace: str = "default") -> None:
        """Let an object be gone."""
        self.pipeline.delete(f"universe.ai/{kind}/{namespace}/{name}", Actor("tester"))

    def of_agent(self, name: str = "worker", namespace: str = "default") -> dict[str, Manifest]:
        """Return by kind, in the order to apply them, what an agent asks for now."""
        return self._by_kind(f"universe.ai/Agent/{namespace}/{name}")

    def of_session(self, name: str = "run", namespace: str = "default") -> dict[str, Manifest]:
        """Return by kind, in the order to apply them, what a session asks for now."""
        return self._by_kind(f"universe.ai/Session/{namespace}/{name}")

    @staticmethod
    def pod(rendered: Mapping[str, Manifest]) -> Manifest:
        """Return the spec of the pod that a Deployment or a Job among manifests makes."""
        (workload,) = [each for kind, each in rendered.items() if kind in {"Deployment", "Job"}]
        pod: Manifest = workload["spec"]["template"]["spec"]
        return pod

    @staticmethod
    def container(rendered: Mapping[str, Manifest]) -> Manifest:
        """Return the only container of that pod."""
        (container,) = World.pod(rendered)["containers"]
        found: Manifest = container
        return found

    @staticmethod
    def environment(rendered: Mapping[str, Manifest]) -> dict[str, Any]:
        """Return the environment of that container: values, or where they come from."""
        entries = World.container(rendered)["env"]
        found = {entry["name"]: entry.get("value", entry.get("valueFrom")) for entry in entries}
        assert len(found) == len(entries)
        return found

    def manifests(self) -> list[Manifest]:
        """Return all that is asked for."""
        live = self.pipeline.state.live()
        return [each.body for subject in live for each in self.pipeline.manifests(subject)]

    def network(self, pods: Iterable[Pod] = ()) -> Network:
        """Return the network of all that is asked for, of the cluster's DNS, and of more pods.

        Policies of Cilium are left out: they only ever add to what is allowed.
        """
        known = [each for each in self.manifests() if each["kind"] != "CiliumNetworkPolicy"]
        return Network.of(known, pods=[DNS, *pods])

    def _see(
        self, kind: str, metadata: Mapping[str, Any], spec: Mapping[str, Any]
    ) -> dict[str, Manifest]:
        resource = self._composition.resource(f"universe.ai/{kind}")
        assert resource is not None
        head = {"apiVersion": "universe.ai/v1alpha1", "kind": kind, "metadata": metadata}
        self.pipeline.observe(resource, {**head, "spec": spec}, Actor("tester"))
        return self._by_kind(f"universe.ai/{kind}/{metadata['namespace']}/{metadata['name']}")

    def _by_kind(self, subject: str) -> dict[str, Manifest]:
        bodies = [each.body for each in self.pipeline.manifests(subject)]
        by_kind = {each["kind"]: each for each in bodies}
        assert len(by_kind) == len(bodies)
        return by_kind


@pytest.fixture
def world() -> World:
    """A world with the default settings in which nothing has been seen."""
    return World()


@pytest.fixture(scope="session")
def worlds() -> Callable[..., World]:
    """Make a world with settings."""
    return World


@pytest.fixture(scope="session")
def dns() -> Pod:
    """The cluster's DNS, as it is by default."""
    return DNS
