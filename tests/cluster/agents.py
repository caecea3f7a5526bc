"""Agents of one namespace: handled as users do, and compared with what was made of them."""

from __future__ import annotations

import json
from contextlib import closing
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlencode

from rynxs.operator.stamp import stamp_of
from tests.cluster import objects
from tests.cluster.invariants import MANAGED

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from tests.cluster.apiserver import KubeApiserver

AGENTS = "apis/universe.ai/v1alpha1"
RENDERED = {
    "configmaps": "api/v1",
    "serviceaccounts": "api/v1",
    "services": "api/v1",
    "deployments": "apis/apps/v1",
    "networkpolicies": "apis/networking.k8s.io/v1",
}
"""The kinds that a small agent becomes, one object each, with the paths of their groups."""
_MERGE = "application/merge-patch+json"


class Refused(Exception):
    """The API server did not do what a user asked."""


class Asked(NamedTuple):
    """A live agent.

    Attributes:
        uid: of the object.
        generation: of its spec.
        tag: of its image, which its Deployment must run.
        status: as it is.
    """

    uid: str
    generation: int
    tag: str
    status: Mapping[str, Any]


class Agents:
    """The agents of a namespace, over the API server's own interface; threads may share it."""

    def __init__(self, apiserver: KubeApiserver, namespace: str) -> None:
        """Take a namespace that is there."""
        self._apiserver = apiserver
        self.namespace = namespace

    def create(self, name: str, tag: str = "v1") -> str:
        """Create an agent, and return its uid."""
        body = objects.agent(self.namespace, name)
        body["spec"]["image"]["tag"] = tag
        made = self._ask("POST", self._path(AGENTS, "agents"), body)
        return str(made["metadata"]["uid"])

    def edit(self, name: str, tag: str) -> None:
        """Have an agent run another image."""
        body = {"spec": {"image": {"tag": tag}}}
        self._ask("PATCH", f"{self._path(AGENTS, 'agents')}/{name}", body)

    def delete(self, name: str) -> None:
        """Delete an agent."""
        self._ask("DELETE", f"{self._path(AGENTS, 'agents')}/{name}")

    def live(self) -> dict[str, Asked]:
        """Return the agents that are there, by name."""
        found = self._ask("GET", self._path(AGENTS, "agents"))["items"]
        return {
            each["metadata"]["name"]: Asked(
                each["metadata"]["uid"],
                each["metadata"]["generation"],
                each["spec"]["image"]["tag"],
                each.get("status") or {},
            )
            for each in found
        }

    def unsettled(self, names: Collection[str] | None = None) -> str:
        """Tell what is not yet as the newest specs ask for; empty if all is.

        Args:
            names: The agents that count, be they live or not; None for all.
        """
        return next(self._complaints(names), "")

    def is_settled(self, names: Collection[str] | None = None) -> bool:
        """Tell whether all is as the newest specs ask for, and said to be."""
        return not self.unsettled(names)

    def rendered(self, plural: str) -> list[dict[str, Any]]:
        """Return the objects of a kind that rynxs manages."""
        path = self._path(RENDERED[plural], plural)
        found = self._ask("GET", f"{path}?{urlencode({'labelSelector': MANAGED})}")
        return list(found["items"])

    def _complaints(self, names: Collection[str] | None) -> Iterator[str]:
        live = self.live()
        if names is not None:
            live = {name: agent for name, agent in live.items() if name in names}
        for name, agent in live.items():
            yield from _complaints_of_status(name, agent)
        for plural in RENDERED:
            made = {}
            for each in self.rendered(plural):
                stamp = stamp_of(each["metadata"])
                if stamp is None:
                    yield f"{plural}/{each['metadata']['name']} has lost its stamp"
                    return
                name = stamp.subject.rpartition("/")[2]
                if names is None or name in names:
                    made[name] = each
            for name in live.keys() ^ made.keys():
                yield f"{plural} of agent {name}: there is one of the two only"
            for name in live.keys() & made.keys():
                yield from _complaints_of_object(plural, name, live[name], made[name])

    def _path(self, group: str, plural: str) -> str:
        return f"/{group}/namespaces/{self.namespace}/{plural}"

    def _ask(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        kind = _MERGE if method == "PATCH" else "application/json"
        headers = {**self._apiserver.headers, "Content-Type": kind}
        with closing(self._apiserver.connection()) as connection:
            text = None if body is None else json.dumps(body)
            connection.request(method, path, body=text, headers=headers)
            answer = connection.getresponse()
            found = json.loads(answer.read())
        if answer.status >= 300:
            raise Refused(f"{method} {path}: {found['message']}")
        return found


def _complaints_of_status(name: str, agent: Asked) -> Iterator[str]:
    conditions = {each["type"]: each["status"] for each in agent.status.get("conditions", ())}
    if agent.status.get("observedGeneration") != agent.generation:
        yield f"agent {name}: generation {agent.generation} is not observed"
    if conditions.get("Applied") != "True":
        yield f"agent {name}: its conditions are {conditions}"


def _complaints_of_object(
    plural: str, name: str, agent: Asked, found: Mapping[str, Any]
) -> Iterator[str]:
    owners = [each["uid"] for each in found["metadata"].get("ownerReferences", ())]
    if owners != [agent.uid]:
        yield f"{plural} of agent {name}: owned by {owners}, and the agent is {agent.uid}"
    if plural == "deployments":
        containers = found["spec"]["template"]["spec"]["containers"]
        tags = {each["image"].rpartition(":")[2] for each in containers}
        if tags != {agent.tag}:
            yield f"agent {name}: runs {sorted(tags)}, and should run {agent.tag}"
