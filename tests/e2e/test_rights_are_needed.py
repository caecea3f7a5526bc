"""Every right that the chart gives is needed: without it something is refused, and that is named.

Rights are taken away from an operator that runs, one verb at a time, and something is done that
takes each of them. When a step is refused, the operator takes no further one for that agent; so
there is an agent for each kind: `services` is the one whose Service is changed.
"""

from __future__ import annotations

import fcntl
import json
import pickle
from collections import defaultdict
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import uuid4

import pytest

from tests.cluster.conflicts import Conflicts
from tests.cluster.control_plane import Cluster
from tests.cluster.documented_rights import documented
from tests.cluster.etcd import Etcd
from tests.cluster.helm import RELEASE
from tests.cluster.invariants import MANAGED
from tests.cluster.kubectl import Kubectl
from tests.cluster.leftovers import KINDS, leftover
from tests.cluster.operated import establish_crds, is_applied
from tests.cluster.reads_audited import ReadsAudited
from tests.cluster.rights import Right, granted
from tests.cluster.trial import Trial
from tests.servers.failing import told_plainly

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.cluster.leftovers import Kind
    from tests.cluster.operated import Operated
    from tests.cluster.replica import Replica

SELECTIONS = {
    "most": (
        "--set=leaderElection.enabled=true",
        "--set=plugins.settings.reducers.agent.hostNames=cilium",
        "--set=plugins.renderers={workload,sandbox}",
    ),
    "least": ("--set=plugins.reducers={agent}",),
}
"""Options by which the chart gives the most and the least to each resource."""
GROUP = "universe.ai"
OF_OTHERS = ("ciliumnetworkpolicies", "sandboxes")
RENDERED = frozenset(KINDS)
OWN = frozenset({"agents", "sessions", "universes"})
STATUSES = frozenset({f"{each}/status" for each in OWN})
LEASES, EVENTS = "leases", "events"
PART_OF, INSTANCE = "app.kubernetes.io/part-of", "app.kubernetes.io/instance"


def _tried() -> dict[str, list[Right]]:
    """Return what is taken away: once, all that is given to a resource together."""
    found: dict[str, list[Right]] = {}
    known: set[tuple[str, frozenset[str]]] = set()
    for selection, options in SELECTIONS.items():
        given = granted(*options)
        verbs = defaultdict(set)
        for each in given:
            verbs[each.resource].add(each.verb)
        together = {resource: (resource, frozenset(verbs[resource])) for resource in verbs}
        found[selection] = [each for each in given if together[each.resource] not in known]
        known.update(together.values())
    return found


TRIED = _tried()


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """A control plane with all kinds that the chart gives rights to."""
    with told_plainly(), Etcd() as etcd, ReadsAudited(etcd.url) as apiserver:
        running = Cluster(etcd, apiserver, Kubectl(apiserver.kubeconfig))
        establish_crds(running.kubectl)
        definitions = [_definition(plural, KINDS[plural]) for plural in OF_OTHERS]
        made = running.kubectl.apply(*definitions)
        assert made.status == 0, made.err
        names = [each["metadata"]["name"] for each in definitions]
        waited = running.kubectl.wait("condition=Established", "crd", *names)
        assert waited.status == 0, waited.err
        yield running


def _definition(plural: str, of: Kind) -> dict[str, Any]:
    """Return the definition of a kind whose objects may have anything in them."""
    group, _, version = of.api_version.partition("/")
    anything = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    schema = {"openAPIV3Schema": anything}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{group}"},
        "spec": {
            "group": group,
            "names": {"kind": of.kind, "plural": plural},
            "scope": "Namespaced",
            "versions": [{"name": version, "served": True, "storage": True, "schema": schema}],
        },
    }


class Outcome(NamedTuple):
    """What came of it that rights were missing.

    Attributes:
        given: All that the chart gives.
        refused: All that the API server refused, by its audit log.
        named: Where the operator has named each right that was missing.
    """

    given: set[Right]
    refused: set[Right]
    named: dict[Right, set[str]]


@pytest.fixture
def outcome(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, worker_id: str
) -> Outcome:
    """What came of a selection; found out once, by one process for all that run tests."""
    own = tmp_path_factory.getbasetemp()
    run = own if worker_id == "master" else own.parent
    with (run / f"rights-{request.param}.pickle").open("a+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        text = file.read()
        if text:
            known: Outcome = pickle.loads(text)
            return known
        directory = tmp_path_factory.mktemp(request.param)
        found = _lacking_rights(request.param, request.getfixturevalue("cluster"), directory)
        file.write(pickle.dumps(found))
    return found


@pytest.mark.parametrize(
    ("outcome", "right"),
    [
        pytest.param(selection, right, id=f"{selection}-{right}")
        for selection, rights in TRIED.items()
        for right in rights
    ],
    indirect=["outcome"],
)
def test_without_it_something_is_refused_and_the_operator_names_it(
    outcome: Outcome, right: Right
) -> None:
    assert right in outcome.refused, "it was never missing, or nothing that was done takes it"
    assert outcome.named[right] >= documented()[right.resource, right.verb]


@pytest.mark.parametrize("outcome", SELECTIONS, indirect=True)
def test_nothing_is_asked_for_that_the_chart_does_not_give(outcome: Outcome) -> None:
    assert outcome.refused <= outcome.given


def test_each_right_is_explained_and_nothing_besides() -> None:
    given = [right for rights in TRIED.values() for right in rights]
    hooks = {("secrets", "get"), ("secrets", "create")}
    assert documented().keys() == {(each.resource, each.verb) for each in given} | hooks
    assert all(documented().values())


def test_an_operator_of_all_namespaces_is_refused_nothing(cluster: Cluster, tmp_path: Path) -> None:
    options = ("--set=watchNamespaces=null",)
    trial = Trial(cluster, tmp_path, options, granted(*options))
    place = trial.place
    trial.account.has_all_but()
    place.apply(*_wanted(trial))
    with trial.replica("everywhere", namespaces=[]) as replica:
        replica.until_ready()
        replica.until("all is applied", lambda: _is_applied(trial))
        changed = trial.rights("patch", RENDERED)
        _change(place, changed)
        _leave_over(place, changed)
        _change_statuses(place, changed)
        replica.until("it is told", lambda: bool(place.notices("Drifted", "services")))
        place.delete("agents,sessions", "--all")
        replica.until("all is deleted", lambda: _is_deleted(place))
        replica.until_ready()
        _end(replica)
    assert trial.refused() == set()
    place.checked()


def _lacking_rights(selection: str, cluster: Cluster, directory: Path) -> Outcome:
    """Take each right away that is tried, once."""
    trial = Trial(cluster, directory, SELECTIONS[selection], TRIED[selection])
    _write_without_rights(trial, directory)
    _read_without_rights(trial)
    _tidy_up(trial.place)
    return Outcome({*trial.given}, trial.refused(), trial.named)


def _write_without_rights(trial: Trial, directory: Path) -> None:
    """Take away what it takes to change things, from an operator that has nothing left to do."""
    place = trial.place
    trial.account.has_all_but()
    with (
        Conflicts(
            trial.account.user, place.namespace, RENDERED | STATUSES, directory / "tls"
        ) as conflicts,
        trial.replica("writing") as replica,
    ):
        place.apply(conflicts.configuration, *_wanted(trial))
        replica.until_ready()
        replica.until("all is applied", lambda: _is_applied(trial))
        assert trial.refused() == set()
        for verb, resources, late, stir in (
            ("get", RENDERED, RENDERED, partial(_have_written, trial)),
            ("get", {*OWN, LEASES}, STATUSES, partial(_change_statuses, place)),
            ("patch", RENDERED, {}, partial(_change, place)),
            ("delete", RENDERED, {}, partial(_leave_over, place)),
            ("create", {*RENDERED, LEASES}, {}, partial(_delete, place)),
            ("create", {EVENTS}, {}, partial(_cause_events, place)),
            ("patch", STATUSES, {}, partial(_change_statuses, place)),
            ("update", {LEASES}, {}, _wait),
        ):
            missing = trial.rights(verb, resources)
            if missing:
                conflicts.resources = late
                trial.without(missing, replica, stir)
                conflicts.resources = {}
                trial.account.has_all_but()
                replica.until("all is applied", lambda: _is_applied(trial))
        replica.until_ready()
        _end(replica)


def _read_without_rights(trial: Trial) -> None:
    """Take away what it takes to see things, from the start on."""
    others = {*RENDERED, LEASES}
    lists, watches = trial.rights("list", others), trial.rights("watch", others)
    if not lists:
        return
    trial.account.has_all_but(*lists)
    # The Lease is watched only by who stands by, so somebody else has it meanwhile.
    trial.place.delete("lease/rynxs", "--ignore-not-found")
    trial.place.apply(_held_lease(trial.place.namespace))
    with trial.replica("reading") as replica:
        trial.without(lists, replica, _wait)
        trial.without(watches, replica, _wait)
        trial.place.delete("lease/rynxs")
        trial.without(trial.rights("list", OWN), replica, _wait)
        trial.without(trial.rights("watch", OWN), replica, _wait)
        trial.account.has_all_but()
        replica.until_ready()
        _end(replica)


def _held_lease(namespace: str) -> dict[str, Any]:
    """Return a Lease that somebody else has taken for an hour."""
    return {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {"name": "rynxs", "namespace": namespace},
        "spec": {"holderIdentity": "somebody else", "leaseDurationSeconds": 3_600},
    }


def _tidy_up(place: Operated) -> None:
    """Delete what an operator of all namespaces would look after, and what would ask in vain."""
    name = place.namespace
    place.delete("agents,sessions", "--all")
    hook = f"validatingwebhookconfiguration/{name}"
    place.delete(hook, f"universe/{name}", f"universe/{name}-2", "--ignore-not-found")


def _end(replica: Replica) -> None:
    """End an operator, to which nothing has happened that it did not expect."""
    assert replica.terminate() == 0
    said = replica.errors.read_text()
    assert len(replica.lines()) == len(said.splitlines())
    assert "Traceback" not in said


def _wanted(trial: Trial) -> list[dict[str, Any]]:
    """Return an agent for each kind that is tried, a session and a universe if they are picked."""
    place = trial.place
    spec: dict[str, Any] = {"workspace": {"size": "1Gi"}}
    if trial.gives("create", "ciliumnetworkpolicies"):
        spec["network"] = {"allowEgressTo": ["www.example.org:443"]}
    names = {"configmaps", *(each.resource for each in trial.tried)} & RENDERED - {"jobs"}
    wanted = [place.agent(name, **spec) for name in sorted(names)]
    if trial.gives("list", "sessions"):
        wanted.append(_session(place.namespace))
    if trial.gives("list", "universes"):
        wanted.insert(0, _universe(place.namespace, [place.namespace]))
    return wanted


def _session(namespace: str) -> dict[str, Any]:
    return {
        "apiVersion": f"{GROUP}/v1alpha1",
        "kind": "Session",
        "metadata": {"name": "jobs", "namespace": namespace},
        "spec": {"agentRef": "configmaps", "input": {"text": "Count to ten."}},
    }


def _universe(name: str, namespaces: list[str], **allowed: Any) -> dict[str, Any]:
    return {
        "apiVersion": f"{GROUP}/v1alpha1",
        "kind": "Universe",
        "metadata": {"name": name},
        "spec": {"namespaces": namespaces, "allowed": allowed},
    }


def _is_applied(trial: Trial) -> bool:
    return all(map(is_applied, trial.objects()))


def _is_deleted(place: Operated) -> bool:
    """Tell whether nothing is left but claims, which stay until somebody lets them go."""
    return all("deletionTimestamp" in each["metadata"] for each in place.rendered().values())


def _have_written(trial: Trial, rights: list[Right]) -> None:
    """Have the operator write, or delete, an object of each kind."""
    changed = {each.resource for each in trial.rights("patch", RENDERED)}
    removed = {each.resource for each in trial.rights("delete", RENDERED)}
    _change(trial.place, [each for each in rights if each.resource in changed])
    _leave_over(trial.place, [each for each in rights if each.resource in removed - changed])


def _change(place: Operated, rights: list[Right]) -> None:
    """Change what is rendered of some kinds."""
    found = _rendered(place, rights)
    if found:
        place.run("label", *found, f"{PART_OF}={uuid4().hex}", "--overwrite")


def _delete(place: Operated, rights: list[Right]) -> None:
    """Delete what is rendered of some kinds, and the Lease."""
    found = _rendered(place, rights)
    let_go = '{"metadata": {"finalizers": null}}'  # nobody else does it for claims here
    place.run("patch", *found, "--type=merge", f"--patch={let_go}")
    place.delete(*found, f"lease/{RELEASE}", "--ignore-not-found")


def _leave_over(place: Operated, rights: list[Right]) -> None:
    """Make objects of some kinds that look like what an earlier plan asked for."""
    made = []
    for resource in sorted({each.resource for each in rights} & RENDERED):
        subject = f"session-{resource}" if resource == "jobs" else f"agent-{resource}"
        known = place.get(f"/api/v1/namespaces/{place.namespace}/configmaps/{subject}")
        made.append(leftover(resource, known["metadata"]))
    if made:
        place.apply(*made)


def _cause_events(place: Operated, rights: list[Right]) -> None:
    """Change what is rendered for an agent, and have a universe refused."""
    _change(place, [Right("patch", "configmaps")])
    place.apply(_universe(f"{place.namespace}-2", ["none-*"], egress=["no target"]))


def _change_statuses(place: Operated, rights: list[Right]) -> None:
    """Change what the operator says of an agent, a session and the universe."""
    for what in ("agent/configmaps", "session/jobs", f"universe/{place.namespace}"):
        change = '{"status": {"observedGeneration": 0}}'
        place.run("patch", what, "--subresource=status", "--type=merge", f"--patch={change}")


def _wait(rights: list[Right]) -> None:
    """Do nothing: the operator tries again what it could not do."""


def _rendered(place: Operated, rights: list[Right]) -> list[str]:
    """Return of each kind the object of whoever is named after it, as far as it is there."""
    named = {each.resource: each.named for each in rights if each.resource in RENDERED}
    if not named:
        return []
    found = place.run("get", ",".join(named.values()), f"--selector={MANAGED}", "--output=json")
    return [
        f"{named[resource]}/{each['metadata']['name']}"
        for each in json.loads(found)["items"]
        for resource in named
        if (each["apiVersion"], each["kind"]) == KINDS[resource][:2]
        and each["metadata"]["labels"][INSTANCE] in {f"agent-{resource}", f"session-{resource}"}
    ]
