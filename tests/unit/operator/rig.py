"""An applier on a cluster in memory, and a cache that hears what happens when the test says so."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from rynxs.engine.plan import RETAIN_ANNOTATION, Manifest, digest_of_manifest, manifest_id
from rynxs.operator.applier import Applier, Done, Doubted, Drifted, NotDone
from rynxs.operator.present import Present
from rynxs.operator.reconciling import Asked
from rynxs.simulation.answers import told_of
from tests.unit.operator.fake_cluster import FakeCluster
from tests.unit.operator.virtual_time import now_s

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from rynxs.operator.applier import Outcome

ORIGIN = "log.example"
SUBJECT = "example.org/Thing/default/a"
LABELS = {"app.kubernetes.io/managed-by": "rynxs"}
CONFIG = "v1/ConfigMap/default/a"
POLICY = "networking.k8s.io/v1/NetworkPolicy/default/a"
_SETTLED_S = 7_200.0
_STEP_S = 0.25


def config(name: str = "a", *, retain: bool = False, **data: str) -> dict[str, Any]:
    annotations = {RETAIN_ANNOTATION: "true"} if retain else {}
    metadata = {
        "annotations": annotations,
        "labels": LABELS,
        "name": name,
        "namespace": "default",
    }
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}


def policy(name: str = "a", *egress: dict[str, Any]) -> dict[str, Any]:
    metadata = {"labels": LABELS, "name": name, "namespace": "default"}
    spec = {"egress": list(egress), "podSelector": {}, "policyTypes": ["Egress"]}
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": metadata,
        "spec": spec,
    }


def manifest(body: dict[str, Any]) -> Manifest:
    annotations = body["metadata"].get("annotations") or {}
    retain = annotations.get(RETAIN_ANNOTATION) == "true"
    return Manifest(manifest_id(body), digest_of_manifest(body), body, retain)


def asked(
    seq: int,
    *bodies: dict[str, Any],
    subject: str = SUBJECT,
    epoch: int = 1,
    kept: frozenset[str] = frozenset(),
) -> Asked:
    return Asked(ORIGIN, subject, seq, epoch, [manifest(body) for body in bodies], kept)


def sets(**data: str) -> Callable[[dict[str, Any]], None]:
    """Return an edit that sets members of `data`."""
    return lambda body: body["data"].update(data)


class Rig:
    """What the tests of the applier share.

    Attributes:
        told: what the applier has told.
        fence: raised when the applier asks whether it may write, if there is one.
    """

    def __init__(self, cluster: FakeCluster | None = None, concurrency: int = 4) -> None:
        self.cluster = cluster or FakeCluster()
        self.present = Present(ORIGIN)
        self.told: list[Outcome] = []
        self.fence: Exception | None = None
        self.applier = Applier(self.cluster, self.present, self._may_write, self._tell, concurrency)
        self._plans: dict[str, set[str]] = {}
        self._delivered = 0

    def want(self, plan: Asked, applied: int | None = None) -> None:
        self._plans[plan.subject] = {each.id for each in plan.manifests}
        self.applier.want(plan, applied)

    async def bring_about(self, plan: Asked) -> None:
        """Apply a plan, and forget what was told and asked of it."""
        self.want(plan)
        await self.settle()
        self.told.clear()
        self.cluster.asked.clear()

    def deliver(self) -> None:
        """Let the cache know of all that has happened, and the applier look at it."""
        for change in self.cluster.happened[self._delivered :]:
            seen = told_of(change)
            if seen is None:
                continue
            concerned = {self.present.subject_of(change.id)}
            metadata: Mapping[str, Any] = seen.object["metadata"]
            put = self.present.drop if seen.is_gone else self.present.put
            if put(change.id, metadata):
                concerned.add(self.present.subject_of(change.id))
                concerned |= {subject for subject, ids in self._plans.items() if change.id in ids}
                for subject in sorted(concerned):
                    self.applier.look(subject)
        self._delivered = len(self.cluster.happened)

    async def settle(self, *, hears: bool = True) -> None:
        """Wait until there is nothing left to do; the cache hears what happens, or it does not."""
        until_s = now_s() + _SETTLED_S
        while True:
            if hears:
                self.deliver()
            if not self.applier.busy:
                return
            assert now_s() < until_s, "it does not come to rest"
            await asyncio.sleep(_STEP_S)

    async def pass_time(self, seconds: float) -> None:
        """Wait, and let the cache know of what happens."""
        until_s = now_s() + seconds
        while now_s() < until_s:
            self.deliver()
            await asyncio.sleep(min(_STEP_S, until_s - now_s()))
        self.deliver()

    def done(self) -> list[tuple[int, list[tuple[str, str]]]]:
        """Return of each plan that was done its seq, and what was taken."""
        return [
            (each.asked.seq, [(taken.id, taken.action) for taken in each.taken])
            for each in self.told
            if isinstance(each, Done)
        ]

    def not_done(self) -> list[NotDone]:
        return [each for each in self.told if isinstance(each, NotDone)]

    def doubted(self) -> list[Doubted]:
        return [each for each in self.told if isinstance(each, Doubted)]

    def drifted(self) -> list[Drifted]:
        return [each for each in self.told if isinstance(each, Drifted)]

    def written(self) -> list[tuple[str, str]]:
        return [(each.verb, each.id) for each in self.cluster.writes]

    def _may_write(self) -> None:
        if self.fence is not None:
            raise self.fence

    async def _tell(self, outcome: Outcome) -> None:
        self.told.append(outcome)
