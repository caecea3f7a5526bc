"""One namespace with its operator: the log, its replicas, and what people see of its objects."""

from __future__ import annotations

import json
import ssl
from contextlib import closing
from http.client import HTTPSConnection
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rynxs.documents import dump_documents
from tests.cluster import objects
from tests.cluster.audit import AuditLog
from tests.cluster.invariants import (
    MANAGED,
    RENDERED,
    check_objects_are_logged,
    check_older_epochs_lose,
    verified_events,
)
from tests.cluster.replica import Replica

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tests.cluster.audit import AuditEvent
    from tests.cluster.control_plane import Cluster
    from tests.cluster.invariants import Event
    from tests.cluster.kubectl import Kubectl

CRDS = Path(__file__).parents[2] / "crds"
AGENTS = "agents.universe.ai"
OWN = ("agents", "sessions", "universes")
OBJECTS_OF_AN_AGENT = 5
"""So many are rendered for an agent without a workspace; it takes no controller to delete them."""
_ASK_LIMIT_S = 30.0


def establish_crds(kubectl: Kubectl) -> None:
    """Install our kinds, and wait until they are served."""
    made = kubectl.run("apply", "--server-side", "-f", CRDS)
    assert made.status == 0, made.err
    for kind in OWN:
        waited = kubectl.wait("condition=Established", f"crd/{kind}.universe.ai")
        assert waited.status == 0, waited.err


class Operated:
    """A new namespace of a cluster, and a log that is no other test's.

    Attributes:
        namespace, origin, log: their names, and the log's URL.
        kubectl: speaks for the administrator.
        audit: of the cluster.
    """

    def __init__(self, cluster: Cluster, directory: Path) -> None:
        """Make the namespace; nothing is started.

        Args:
            cluster: With our CRDs and an audit log.
            directory: An empty one, for the log and the replicas.
        """
        self._cluster = cluster
        self._directory = directory
        self.kubectl = cluster.kubectl
        self.audit = AuditLog(cluster.apiserver.audit_log)
        self.namespace = objects.make_namespace(self.kubectl)
        self.origin = f"rynxs.test/{self.namespace}"
        self.log = f"file:{directory / 'log'}"
        self._trust = ssl.create_default_context(cafile=cluster.apiserver.ca_file)

    def replica(
        self,
        name: str,
        *arguments: str,
        kubeconfig: Path | None = None,
        environment: Mapping[str, str] | None = None,
        plugins: Mapping[str, Any] | None = None,
        **operator: Any,
    ) -> Replica:
        """Return a replica that is not started yet.

        Args:
            name: Of its directory.
            arguments: More of the command line.
            kubeconfig: Whose rights it has; the administrator's without it.
            environment: Variables.
            plugins: The section of that name of the configuration.
            operator: That section; its namespaces are this one alone unless it says so.
        """
        made = Replica(
            self._directory / name,
            kubeconfig or self._cluster.apiserver.kubeconfig,
            self.log,
            *arguments,
            environment=environment,
            **{"namespaces": [self.namespace], **operator},
        )
        made.configuration |= {"origin": self.origin}
        if plugins is not None:
            made.configuration |= {"plugins": plugins}
        (made.directory / "rynxs.yaml").write_text(dump_documents([made.configuration]))
        return made

    def agent(self, name: str, **spec: Any) -> dict[str, Any]:
        """Return the manifest of a small agent of this namespace."""
        made = objects.agent(self.namespace, name)
        return {**made, "spec": {**made["spec"], **spec}}

    def apply(self, *manifests: dict[str, Any]) -> None:
        """Let the administrator apply manifests."""
        done = self.kubectl.apply(*manifests)
        assert done.status == 0, done.err

    def run(self, *arguments: object) -> str:
        """Let the administrator run a command in this namespace, and return what it prints."""
        done = self.kubectl.run(*arguments, "--namespace", self.namespace)
        assert done.status == 0, done.err
        return done.out

    def delete(self, *what: object) -> None:
        """Let the administrator delete objects; none is waited for."""
        self.run("delete", "--wait=false", *what)

    def subject(self, name: str, kind: str = "Agent") -> str:
        """Return the subject of an object of ours."""
        return f"universe.ai/{kind}/{self.namespace}/{name}"

    def get(self, path: str) -> Any:
        """Ask the API server for something."""
        apiserver = self._cluster.apiserver
        made = HTTPSConnection(apiserver.endpoint, timeout=_ASK_LIMIT_S, context=self._trust)
        with closing(made) as connection:
            connection.request("GET", path, headers=apiserver.headers)
            return json.load(connection.getresponse())

    def rendered(self, namespace: str = "") -> dict[str, dict[str, Any]]:
        """Return what rynxs has rendered in this or another namespace, by ``Kind/name``."""
        where = namespace or self.namespace
        found = self.kubectl.run("get", RENDERED, "-n", where, f"--selector={MANAGED}", "-o=json")
        assert found.status == 0, found.err
        items = found.json()["items"]
        return {f"{each['kind']}/{each['metadata']['name']}": each for each in items}

    def is_anything_left(self) -> bool:
        """Tell whether anything that rynxs has rendered is in this namespace."""
        return bool(self.run("get", RENDERED, f"--selector={MANAGED}", "--output=name"))

    def agents(self, namespace: str = "") -> dict[str, dict[str, Any]]:
        """Return the agents of this or another namespace, by name."""
        where = namespace or self.namespace
        path = f"/apis/universe.ai/v1alpha1/namespaces/{where}/agents"
        return {each["metadata"]["name"]: each for each in self.get(path)["items"]}

    def condition(self, agent: str, name: str) -> dict[str, Any]:
        """Return a condition of an agent's status; an empty one if it does not have it."""
        return condition_of(self.agents()[agent], name)

    def applied(self, *names: str) -> Callable[[], bool]:
        """Return what tells whether all of these agents are applied, as they are now."""

        def is_so() -> bool:
            found = self.agents()
            return all(each in found and is_applied(found[each]) for each in names)

        return is_so

    def has_objects_of(self, agent: str, count: int) -> Callable[[], bool]:
        """Return what tells whether so many objects of an agent are there."""
        name = f"agent-{agent}"

        def is_so() -> bool:
            return sum(each.partition("/")[2] == name for each in self.rendered()) == count

        return is_so

    def notices(self, reason: str, about: str) -> list[str]:
        """Return the notes of the Kubernetes Events about an object, with a reason."""
        path = f"/apis/events.k8s.io/v1/namespaces/{self.namespace}/events"
        return [
            each["note"]
            for each in self.get(path)["items"]
            if (each["reason"], each["regarding"]["name"]) == (reason, about)
        ]

    def requests(self, namespace: str = "") -> list[AuditEvent]:
        """Return what any rynxs has written in this or another namespace, or tried to."""
        where = namespace or self.namespace
        return [
            each
            for each in self.audit.events()
            if each.agent.startswith("rynxs/")
            and each.object is not None
            and each.object.namespace == where
        ]

    def checked(self, environment: Mapping[str, str] | None = None) -> list[Event]:
        """Verify and replay the log, check the invariants, and return its events."""
        events = verified_events(self.log, environment)
        check_objects_are_logged(self.kubectl, events, self.origin)
        check_older_epochs_lose(self.requests(), events)
        return events


def condition_of(found: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Return a condition of an object's status; an empty one if it does not have it."""
    conditions = found.get("status", {}).get("conditions", ())
    return next((each for each in conditions if each["type"] == name), {})


def is_applied(found: Mapping[str, Any]) -> bool:
    """Tell whether an object's status says that it is applied, as it is now."""
    applied, metadata = condition_of(found, "Applied"), found["metadata"]
    return applied.get("status") == "True" and (
        applied["observedGeneration"] == metadata["generation"]
    )


def kinds(events: list[Event], subject: str) -> list[str]:
    """Return the kinds of the events about a subject, in order."""
    return [event.kind for event in events if event.subject == subject]
