"""What is in a spec stays out of the operator's log lines, its metrics and its Events."""

from __future__ import annotations

import re
from contextlib import suppress
from copy import deepcopy
from secrets import token_hex
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
import yaml

from rynxs.eventlog import canonical
from rynxs.operator.cluster import ClusterError
from tests.cluster.client import ask
from tests.cluster.operated import CRDS, OBJECTS_OF_AN_AGENT, Operated, condition_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from rynxs.operator.kubernetes import KubernetesCluster
    from tests.cluster.control_plane import Cluster
    from tests.cluster.replica import Replica

PLURALS = {"Agent": "agents", "Session": "sessions", "Universe": "universes"}
PROVIDER = {
    "kind": "openai",
    "model": "m",
    "baseUrl": "https://models.example.org/v1",
    "apiKeySecretRef": {"name": "secret", "key": "key"},
}
RESOURCES = {"requests": {"cpu": "10m"}, "limits": {"memory": "64Mi"}}
WHOLE: dict[str, dict[str, Any]] = {
    "Agent": {
        "role": "director",
        "team": "team",
        "manages": ["other"],
        "image": {
            "repository": "example.org/agent",
            "tag": "v1",
            "health": {"path": "/healthz"},
        },
        "workspace": {"size": "1Gi", "storageClassName": "slow"},
        "provider": PROVIDER,
        "tools": {"allow": ["files"]},
        "network": {"allowEgressTo": ["198.51.100.1:80"]},
        "resources": RESOURCES,
    },
    "Session": {
        "agentRef": "other",
        "input": {"text": "Count."},
        "timeout": "30m",
        "ttl": "7d",
        "runtimeClassName": "slow",
        "workspace": {"kind": "own", "size": "1Gi", "storageClassName": "slow"},
    },
    "Universe": {
        "namespaces": ["nowhere"],
        "defaults": {"provider": PROVIDER, "resources": RESOURCES, "storageClassName": "slow"},
        "allowed": {
            "images": ["example.org/*"],
            "tools": ["files"],
            "secrets": ["secret"],
            "egress": ["198.51.100.0/24"],
            "permissions": [],
            "runtimeClasses": ["slow"],
        },
        "quotas": {"cpu": "1", "memory": "1Gi"},
    },
}
REFERENCE = {"configMapKeyRef": {"name": "questions", "key": "key"}}
"""The other kind of a session's input; there may be but one."""
KEY = "*"
FRACTION = "500m"
"""A quantity that a cluster refuses where it counts things."""
FORMS = ("{}", "/{}", "https://{}.example.org/v1")
"""One of these is what each pattern allows of a word, if it allows any."""
UNBOUND = ("example.org/{}", "kubernetes.io/{}", "{0} {0}!")
"""What else a schema takes where it has no pattern; the reducer may refuse it, or the cluster."""
NO_WORDS = re.compile(r"^\^(\[0-9\]|\(\[0-9\])")
"""Patterns of quantities and durations, which begin with digits."""


class Case(NamedTuple):
    """An object with a word in one place of its spec."""

    kind: str
    path: tuple[str | int, ...]
    word: str
    text: str


def words(kind: str) -> Iterator[Case]:
    """Yield cases for each place of a kind's spec that takes free text, by its schema."""
    crd = yaml.safe_load((CRDS / f"universe.ai_{PLURALS[kind]}.yaml").read_text())
    schema = crd["spec"]["versions"][-1]["schema"]["openAPIV3Schema"]["properties"]["spec"]
    for path, leaf in leaves(schema):
        pattern = leaf.get("pattern", "")
        forms = [each for each in FORMS if re.search(pattern, each.format("a0"))]
        forms = forms[:1] if pattern else [FORMS[0], *UNBOUND]
        assert forms or NO_WORDS.match(pattern), (kind, path)
        for form in forms:
            word = f"canary{token_hex(6)}"
            yield Case(kind, path, word, form.format(word))


def leaves(
    schema: Mapping[str, Any], path: tuple[str | int, ...] = ()
) -> Iterator[tuple[tuple[str | int, ...], Mapping[str, Any]]]:
    """Yield the place and the schema of each text; a name in a map is a text, too."""
    if schema.get("type") == "string" and "enum" not in schema:
        yield path, schema
    for name, below in schema.get("properties", {}).items():
        yield from leaves(below, (*path, name))
    if "items" in schema:
        yield from leaves(schema["items"], (*path, 0))
    if "additionalProperties" in schema:
        yield (*path, KEY), {}


def spec_of(case: Case) -> dict[str, Any]:
    """Return a whole spec with the text of a case in its place."""
    spec = deepcopy(WHOLE[case.kind])
    if case.path[:2] == ("input", "configMapKeyRef"):
        spec["input"] = deepcopy(REFERENCE)
    *above, last = case.path
    at: Any = spec
    for name in above:
        at = at[name]
    if last == KEY:
        at[case.text] = FRACTION
    elif isinstance(last, int):
        at[:] = [case.text]
    else:
        at[last] = case.text
    return spec


def made(place: Operated, number: int, case: Case) -> dict[str, Any]:
    """Return the object of a case."""
    metadata = {"name": f"{case.kind.lower()}-{number}", "namespace": place.namespace}
    spec = spec_of(case)
    if case.kind == "Universe":
        metadata = {"name": f"{place.namespace}-{number}"}
        if case.path[0] != "namespaces":
            spec["namespaces"] = [place.namespace]
    return {
        "apiVersion": "universe.ai/v1alpha1",
        "kind": case.kind,
        "metadata": metadata,
        "spec": spec,
    }


@pytest.fixture
def place(operated: Cluster, tmp_path: Path) -> Iterator[Operated]:
    """A namespace, of whose universes none is left for other tests."""
    here = Operated(operated, tmp_path)
    yield here
    delete_universes(operated, here)


def delete_universes(cluster: Cluster, place: Operated) -> None:
    """Delete the universes that were made for a namespace."""
    found = cluster.kubectl.run("get", "universes", "--output=name").out.split()
    if mine := [each for each in found if place.namespace in each]:
        done = cluster.kubectl.run("delete", *mine)
        assert done.status == 0, done.err


def make(cluster: Cluster, place: Operated, cases: Sequence[Case], kinds: set[str]) -> list[Case]:
    """Make the objects of cases of some kinds; return the cases that the API server takes."""

    async def work(client: KubernetesCluster) -> list[Case]:
        taken = []
        for number, case in enumerate(cases):
            if case.kind in kinds:
                with suppress(ClusterError):
                    await client.create(made(place, number, case))
                    taken.append(case)
        return taken

    return ask(cluster.apiserver.kubeconfig, work)


def until_all_is_told(place: Operated, replica: Replica) -> None:
    """Wait until all is done and told, for Events are told in the order of what happened."""

    def is_settled() -> bool:
        found = place.agents().values()
        return all(
            "log" in each.get("status", {})
            and condition_of(each, "Applied").get("reason") != "Applying"
            for each in found
        )

    replica.until("all is settled", is_settled)
    before = len(place.notices("Drifted", "other"))
    place.delete("configmap", "agent-other")
    replica.until("it is told", lambda: len(place.notices("Drifted", "other")) > before)


def test_no_word_of_a_spec_gets_into_a_log_line_a_metric_or_an_event(
    operated: Cluster, place: Operated
) -> None:
    cases = [case for kind in WHOLE for case in words(kind)]
    with place.replica("a") as replica:
        replica.until_leading()
        place.apply(place.agent("other", **WHOLE["Agent"]))
        taken = make(operated, place, cases, {"Agent", "Session"})
        until_all_is_told(place, replica)
        taken += make(operated, place, cases, {"Universe"})
        replica.until("all is taken away", place.has_objects_of("other", 0))
        delete_universes(operated, place)
        replica.until("it is back", place.has_objects_of("other", OBJECTS_OF_AN_AGENT))
        until_all_is_told(place, replica)
        metrics = replica.get("/metrics")[1]
        assert replica.terminate() == 0
    assert {case.path for case in taken} == {case.path for case in cases}
    recorded = b"".join(canonical.encode(event.payload) for event in place.checked())
    assert [case for case in taken if case.word.encode() in recorded]
    told = {
        "a log line": replica.errors.read_text(),
        "standard output": replica.output.read_text(),
        "a metric": metrics,
        "an Event": place.kubectl.run("get", "events", "-A", "-o", "json").out,
    }
    assert "must be an integer" in told["an Event"]  # what the cluster refuses is told, too
    leaks = [(case, where) for case in taken for where, text in told.items() if case.word in text]
    assert leaks == []
