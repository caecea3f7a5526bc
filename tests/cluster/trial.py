"""A release whose rights are taken away, one after the other, to see what becomes of it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import yaml

from rynxs.documents import dump_documents
from tests.cluster.documented_rights import CONDITION, EVENT, LOG_LINE, READYZ, documented
from tests.cluster.elections import terms
from tests.cluster.helm import RELEASE, template, the
from tests.cluster.operated import Operated
from tests.cluster.rights import EVERYWHERE, OWN, Account, Right, granted

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from pathlib import Path

    from tests.cluster.control_plane import Cluster
    from tests.cluster.replica import Replica

_LONG_TERMS = {"leaseDuration": "120s", "renewDeadline": "90s"}
"""Who may not renew the Lease goes on leading meanwhile."""
_LIMIT_S = 30.0
_POLL_S = 0.2


class Trial:
    """The release, the namespace that it looks after, and what was seen.

    Attributes:
        place: The namespace.
        account: Of the operator.
        given: All that the chart gives it.
        tried: What of that is taken away at some time.
        named: Where it has named a right while that was missing.
    """

    def __init__(
        self,
        cluster: Cluster,
        directory: Path,
        options: Collection[str],
        tried: Collection[Right] = (),
    ) -> None:
        """Make the release, whose operator has no rights yet.

        Args:
            cluster: With our CRDs, and an audit log of all that service accounts ask.
            directory: An empty one, for the log and the operator.
            options: Of the chart.
            tried: What is taken away at some time.
        """
        self.place = Operated(cluster, directory)
        self.account = Account(cluster, self.place.namespace, *options)
        self.given = granted(*options)
        self.tried = tried
        self._places = documented()
        self.named: dict[Right, set[str]] = {each: set() for each in tried}
        text = the(template(*options), "ConfigMap", RELEASE)["data"]["rynxs.yaml"]
        self._configuration: dict[str, Any] = yaml.safe_load(text)

    def gives(self, verb: str, resource: str) -> bool:
        """Tell whether the chart gives a right."""
        return any((each.verb, each.resource) == (verb, resource) for each in self.given)

    def rights(self, verb: str, resources: Collection[str]) -> list[Right]:
        """Return of what is tried the rights with a verb to some resources."""
        return [each for each in self.tried if each.verb == verb and each.resource in resources]

    def replica(self, name: str, **operator: Any) -> Replica:
        """Return an operator with the plugins of the release, not started yet.

        Args:
            name: Of its directory.
            operator: That section of its configuration, as for `Operated.replica`.
        """
        if self.gives("update", "leases"):
            operator["leaderElection"] = {**terms(self.place.namespace), **_LONG_TERMS}
        made = self.place.replica(name, kubeconfig=self.account.kubeconfig, **operator)
        settings = self._configuration["settings"]
        own = {name: settings[name] for name in ("reducers", "renderers") if name in settings}
        made.configuration |= {"plugins": self._configuration["plugins"], "settings": own}
        (made.directory / "rynxs.yaml").write_text(dump_documents([made.configuration]))
        return made

    def is_named(self, right: Right) -> bool:
        """Tell whether a right was named wherever the documentation says."""
        return self._places[right.resource, right.verb] <= self.named[right]

    def without(
        self, missing: list[Right], replica: Replica, stir: Callable[[list[Right]], object]
    ) -> None:
        """Take rights away, do what takes them, and look where they are named, if they are soon.

        Args:
            missing: What to take away; all else is given.
            replica: The operator.
            stir: Does what takes them; it is given what is missing.
        """
        self.account.has_all_but(*missing)
        stir(missing)
        deadline = time.monotonic() + _LIMIT_S
        while not all(map(self.is_named, missing)):
            if time.monotonic() > deadline:
                return
            time.sleep(_POLL_S)
            said = self._said(replica)
            for right in missing:
                refusal = right.refusal(self.place.namespace)
                self.named[right] |= {where for where, text in said.items() if refusal in text}

    def objects(self) -> list[dict[str, Any]]:
        """Return the agents and sessions of the namespace, as they are."""
        path = f"/apis/universe.ai/v1alpha1/namespaces/{self.place.namespace}"
        kinds = [kind for kind in ("agents", "sessions") if self.gives("list", kind)]
        return [each for kind in kinds for each in self.place.get(f"{path}/{kind}")["items"]]

    def refused(self) -> set[Right]:
        """Return what the API server has refused the operator so far, by its audit log."""
        found = set()
        for each in self.place.audit.events():
            if each.user == self.account.user and each.code == 403:
                assert each.object is not None, each
                group, resource, subresource, namespace, _ = each.object
                what = f"{resource}/{subresource}" if subresource else resource
                where = {"": EVERYWHERE, self.place.namespace: OWN}.get(namespace, namespace)
                found.add(Right(each.verb, what, group, where))
        return found

    def _said(self, replica: Replica) -> dict[str, str]:
        """Return what the operator says, by where it does."""
        events = f"/apis/events.k8s.io/v1/namespaces/{self.place.namespace}/events"
        conditions = [
            each
            for found in self.objects()
            for each in found.get("status", {}).get("conditions", ())
        ]
        lines = [str(member) for line in replica.lines() for member in line.values()]
        return {
            LOG_LINE: "\n".join(lines),
            READYZ: replica.ready(),
            CONDITION: "\n".join(each["message"] for each in conditions),
            EVENT: "\n".join(each["note"] for each in self.place.get(events)["items"]),
        }
