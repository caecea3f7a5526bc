"""The CRDs, the examples, and what they render, judged by a real API server."""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
import yaml

from rynxs.config import Config
from rynxs.embedded.manifests import read_manifests
from rynxs.errors import ManifestError
from rynxs.plugins import PluginManager
from rynxs.settings import RawConfig
from tests.cluster.control_plane import control_plane
from tests.golden.examples import CASES, GOLDEN
from tests.servers.failing import told_plainly

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.cluster.control_plane import Cluster
    from tests.cluster.kubectl import Kubectl

PINNED = f"v1@sha256:{'0' * 64}"
AGENT: dict[str, Any] = {
    "apiVersion": "universe.ai/v1alpha1",
    "kind": "Agent",
    "metadata": {"name": "worker"},
    "spec": {"role": "worker", "image": {"repository": "example.org/agent", "tag": "v1"}},
}
SESSION: dict[str, Any] = {
    "apiVersion": "universe.ai/v1alpha1",
    "kind": "Session",
    "metadata": {"name": "run"},
    "spec": {"agentRef": "worker", "input": {"text": "do it"}},
}
UNIVERSE: dict[str, Any] = {
    "apiVersion": "universe.ai/v1alpha1",
    "kind": "Universe",
    "metadata": {"name": "main"},
    "spec": {"namespaces": ["team-*"]},
}


@pytest.fixture(scope="session")
def own_cluster() -> Iterator[Cluster]:
    """A cluster to which nobody else has applied anything."""
    with told_plainly(), control_plane() as running:
        yield running


@pytest.fixture(scope="session")
def kubectl(own_cluster: Cluster, repository: Path) -> Kubectl:
    """kubectl of a cluster that has the CRDs, applied as the README says."""
    applied = own_cluster.kubectl.run("apply", "-f", repository / "crds")
    assert (applied.status, applied.err) == (0, "")
    waited = own_cluster.kubectl.run("wait", "--for=condition=Established", "crd", "--all")
    assert waited.status == 0, waited.err
    return own_cluster.kubectl


def make_namespace(kubectl: Kubectl, name: str) -> str:
    labels = {"pod-security.kubernetes.io/warn": "restricted"}
    metadata = {"name": name, "labels": labels}
    made = kubectl.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})
    assert made.status == 0, made.err
    return name


@pytest.fixture
def namespace(kubectl: Kubectl) -> str:
    """A new namespace that warns of what the restricted Pod Security standard forbids."""
    return make_namespace(kubectl, f"test-{uuid4().hex}")


def with_spec(manifest: dict[str, Any], **spec: Any) -> dict[str, Any]:
    changed = copy.deepcopy(manifest)
    changed["spec"] |= spec
    return changed


def placed(manifest: dict[str, Any], namespace: str) -> dict[str, Any]:
    return {**manifest, "metadata": {**manifest["metadata"], "namespace": namespace}}


def is_part(asked: Any, stored: Any) -> bool:
    """Tell whether an object holds all that was asked for; defaults may be added."""
    if not isinstance(asked, dict):
        return bool(asked == stored)
    return all(name in stored and is_part(asked[name], stored[name]) for name in asked)


def examples(repository: Path) -> Iterator[dict[str, Any]]:
    for file in sorted((repository / "examples").iterdir()):
        yield from yaml.safe_load_all(file.read_text())


def test_the_examples_are_accepted_without_a_warning(kubectl: Kubectl, repository: Path) -> None:
    found = list(examples(repository))
    for name in {each["metadata"].get("namespace") for each in found} - {None, "default"}:
        make_namespace(kubectl, name)
    for server_side in (True, False):
        answer = kubectl.apply(*found, server_side=server_side, dry_run=True)
        assert (answer.status, answer.err) == (0, "")


def test_the_owners_smallest_agent_applies_unchanged(kubectl: Kubectl, namespace: str) -> None:
    text = """
apiVersion: universe.ai/v1alpha1
kind: Agent
metadata: {name: w}
spec:
  role: worker
  team: t
  manages: []
  permissions: {canAssignTasks: false, canAccessAuditLogs: false, canManageTeam: false}
  image: {repository: ghcr.io/rynxs/agent, tag: v0.1.0, verify: false}
  workspace: {size: 1Gi}
"""
    applied = kubectl.run("apply", "--namespace", namespace, "--validate=strict", "-f-", text=text)
    assert (applied.status, applied.err) == (0, "")
    stored = kubectl.run("get", "agent", "w", "--namespace", namespace, "-o", "json").json()
    assert is_part(yaml.safe_load(text)["spec"], stored["spec"])


@pytest.mark.parametrize("name", sorted(set(CASES) - {"agent-basic-sandbox"}))
def test_what_an_example_renders_is_accepted_without_a_warning(kubectl: Kubectl, name: str) -> None:
    manifests = list(yaml.safe_load_all((GOLDEN / f"{name}.manifests.yaml").read_text()))
    prefix = f"test-{uuid4().hex[:8]}-"
    for namespace in {each["metadata"]["namespace"] for each in manifests}:
        make_namespace(kubectl, prefix + namespace)
    moved = [placed(each, prefix + each["metadata"]["namespace"]) for each in manifests]
    answer = kubectl.apply(*moved, dry_run=True)
    assert (answer.status, answer.err) == (0, "")
    assert len(answer.out.splitlines()) == len(manifests) > 0


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "an unknown role": (with_spec(AGENT, role="boss"), "spec.role"),
    "no image": ({**AGENT, "spec": {"role": "worker"}}, "spec.image"),
    "an unknown field": (with_spec(AGENT, colour="red"), "colour"),
    "a worker that manages": (with_spec(AGENT, manages=["other"]), "a worker manages no agents"),
    "tasks for nobody": (
        with_spec(AGENT, role="manager", permissions={"canAssignTasks": True}),
        "canAssignTasks needs agents in manages",
    ),
    "no team to manage": (
        with_spec(AGENT, role="manager", permissions={"canManageTeam": True}),
        "canManageTeam needs a team",
    ),
    "verify without a digest": (
        with_spec(AGENT, image={"repository": "example.org/a", "tag": "v1", "verify": True}),
        "verify demands a digest",
    ),
    "verify by policy": (
        with_spec(AGENT, image={"repository": "e.org/a", "tag": PINNED, "verify": {"policy": "x"}}),
        "verify",
    ),
    "a tag that is none": (
        with_spec(AGENT, image={"repository": "example.org/a", "tag": "a b"}),
        "spec.image.tag",
    ),
    "a quantity that is none": (
        with_spec(AGENT, workspace={"size": "much"}),
        "spec.workspace.size",
    ),
    "a resource that is none": (
        with_spec(AGENT, resources={"limits": {"CPU!": "1"}}),
        "spec.resources",
    ),
    "a name too long": ({**AGENT, "metadata": {"name": "a" * 58}}, "metadata.name"),
    "a URL that is none": (
        with_spec(AGENT, provider={"kind": "openai", "baseUrl": "ftp://x", "model": "m"}),
        "spec.provider.baseUrl",
    ),
    "no input": (with_spec(SESSION, input={}), "exactly one of text and configMapKeyRef"),
    "two inputs": (
        with_spec(SESSION, input={"text": "x", "configMapKeyRef": {"name": "n", "key": "k"}}),
        "exactly one of text and configMapKeyRef",
    ),
    "a workspace without size": (
        with_spec(SESSION, workspace={"kind": "own"}),
        "a workspace of its own needs size",
    ),
    "a timeout that is none": (with_spec(SESSION, timeout="soon"), "spec.timeout"),
    "too many retries": (with_spec(SESSION, retries=11), "spec.retries"),
    "a long session name": ({**SESSION, "metadata": {"name": "a" * 46}}, "metadata.name"),
    "no namespaces": ({**UNIVERSE, "spec": {"namespaces": []}}, "spec.namespaces"),
    "a bad namespace pattern": (with_spec(UNIVERSE, namespaces=["*-x"]), "spec.namespaces"),
    "a bad image pattern": (
        with_spec(UNIVERSE, allowed={"images": ["a b"]}),
        "spec.allowed.images",
    ),
    "a negative quota": (with_spec(UNIVERSE, quotas={"agents": -1}), "spec.quotas.agents"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_object_is_refused_by_the_server_and_by_the_reducer_alike(
    kubectl: Kubectl, tmp_path: Path, name: str
) -> None:
    manifest, told = BAD[name]
    answer = kubectl.apply(placed(manifest, "default"), dry_run=True)
    assert answer.status == 1
    assert told in answer.err
    file = tmp_path / "bad.json"
    file.write_text(json.dumps(manifest))
    composition = Config(RawConfig(), PluginManager(), "the test").composition()
    with pytest.raises(ManifestError) as refused:
        read_manifests([str(file)], composition, "default")
    assert told in str(refused.value)


def test_a_sessions_spec_stays_as_it_was_save_suspend(kubectl: Kubectl, namespace: str) -> None:
    session = placed(with_spec(SESSION, ttl="1d"), namespace)
    assert kubectl.apply(session).status == 0
    assert kubectl.apply(with_spec(session, suspend=True)).status == 0
    for changed in (
        with_spec(session, timeout="2h"),
        with_spec(session, input={"text": "do something else"}),
        with_spec(session, agentRef="other"),
        with_spec(session, runtimeClassName="gvisor"),
    ):
        answer = kubectl.apply(changed)
        assert answer.status == 1
        assert "a session's spec can't change, save suspend" in answer.err


def test_kubectl_shows_phase_readiness_log_position_and_age(
    kubectl: Kubectl, namespace: str
) -> None:
    log = {"origin": "example.org/log", "seq": 7, "leafHash": "a" * 64}
    statuses: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
        "agents": (
            placed(with_spec(AGENT, team="t"), namespace),
            {"phase": "Active", "ready": True},
        ),
        "sessions": (placed(SESSION, namespace), {"phase": "Running"}),
        "universes": (UNIVERSE, {"phase": "Active", "agents": 3, "sessions": 1}),
    }
    for plural, (manifest, status) in statuses.items():
        assert kubectl.apply(manifest).status == 0
        patch = json.dumps({"status": {**status, "log": log}})
        where = (plural, manifest["metadata"]["name"], "--namespace", namespace)
        options = ("--subresource=status", "--type=merge", "--patch", patch)
        patched = kubectl.run("patch", *where, *options)
        assert patched.status == 0, patched.err
        heading, row = kubectl.run("get", *where).out.splitlines()
        shown = dict(zip(heading.split(), row.split(), strict=True))
        assert shown["SEQ"] == "7"
        assert {"PHASE", "AGE"} <= shown.keys()
        assert all(
            shown[name.upper()].lower() == str(value).lower() for name, value in status.items()
        )
    together = kubectl.run("get", "rynxs", "--namespace", namespace, "-o", "name")
    kinds = {line.partition("/")[0] for line in together.out.splitlines()}
    assert kinds == {f"{plural.removesuffix('s')}.universe.ai" for plural in statuses}


@pytest.mark.parametrize("name", CASES)
def test_every_status_has_the_shape_that_its_crd_states(
    kubectl: Kubectl, namespace: str, name: str
) -> None:
    statuses = yaml.safe_load((GOLDEN / f"{name}.statuses.yaml").read_text())
    bases = {"Agent": AGENT, "Session": SESSION, "Universe": UNIVERSE}
    for subject, status in statuses.items():
        kind, own = subject.split("/")[1], f"test-{uuid4().hex[:12]}"
        base = placed(bases[kind], namespace)
        manifest = {**base, "metadata": {**base["metadata"], "name": own}}
        assert kubectl.apply(manifest).status == 0
        told = {key: value for key, value in status.items() if value is not None}
        patched = kubectl.run(
            *("patch", kind.lower(), own, "--namespace", namespace, "--subresource=status"),
            *("--type=merge", "--patch", json.dumps({"status": told}), "-o", "json"),
        )
        assert (patched.status, patched.err) == (0, "")
        assert patched.json()["status"] == told
