"""What the tests share: the real agent, session and universe reducers in one pipeline."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from rynxs.engine.composition import Composition
from rynxs.engine.event import Event
from rynxs.engine.observation import Actor
from rynxs.engine.pipeline import Pipeline
from rynxs.engine.plan import digest_of
from rynxs.engine.replay import Replay
from rynxs.sources import fixed_sources
from rynxs.testing.hooks import Pick

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rynxs.eventlog.log import Entry

ACTOR = Actor("tester")
NAMESPACE = "team-a"
IMAGE = {"repository": "ghcr.io/acme/agent", "tag": "v1"}
REDUCERS = ("agent", "session", "universe")
SEEN = ("Observed", "Deleted")
NEVER = -1


def compose(agent: Mapping[str, Any]) -> Composition:
    settings: dict[str, Mapping[str, Any]] = {"agent": agent}
    picks = [Pick("reducer", f"rynxs_reducer_{n}.plugin", settings.get(n, {})) for n in REDUCERS]
    workload = Pick("renderer", "rynxs_renderer_workload.plugin", {})
    return Composition([pick.made() for pick in picks], [workload.made()])


class World:
    """A pipeline, with all that was recorded, and the objects that it was last shown."""

    def __init__(self, settings: Mapping[str, Any] | None = None) -> None:
        """`settings` are those of the agent reducer."""
        self._settings = settings or {}
        self.composition = compose(self._settings)
        self.pipeline = self._pipeline()
        self.history: list[Entry] = []
        self.objects: dict[str, tuple[str, str, Any, str | None]] = {}
        self._told = 0

    def _pipeline(self) -> Pipeline:
        return Pipeline(self.composition, fixed_sources(1_000_000), "log.example")

    def universe(self, name: str = "main", **spec: Any) -> str:
        """Observe a universe of all namespaces that are called team-*."""
        return self.observe("Universe", name, {"namespaces": ["team-*"], **spec}, None)

    def agent(self, name: str = "worker", namespace: str = NAMESPACE, **spec: Any) -> str:
        return self.observe("Agent", name, {"role": "worker", "image": IMAGE, **spec}, namespace)

    def session(
        self, name: str = "run", agent: str = "worker", namespace: str = NAMESPACE, **spec: Any
    ) -> str:
        whole = {"agentRef": agent, "input": {"text": "hello"}, **spec}
        return self.observe("Session", name, whole, namespace)

    def observe(
        self, kind: str, name: str, spec: Any, namespace: str | None, **metadata: Any
    ) -> str:
        """Observe an object; return its subject."""
        metadata |= {"name": name, **({"namespace": namespace} if namespace else {})}
        version = "universe.ai/v1alpha1"
        manifest = {"apiVersion": version, "kind": kind, "metadata": metadata, "spec": spec}
        resource = self.composition.resource(f"universe.ai/{kind}")
        assert resource is not None
        self.pipeline.observe(resource, manifest, ACTOR)
        self._take()
        scope = f"{namespace}/" if namespace else ""
        subject = f"universe.ai/{kind}/{scope}{name}"
        self.objects[subject] = (kind, name, spec, namespace)
        return subject

    def delete(self, subject: str) -> None:
        self.pipeline.delete(subject, ACTOR)
        self._take()
        self.objects.pop(subject, None)

    def sync(self, objects: Mapping[str, tuple[str, str, Any, str | None]]) -> None:
        """Observe what is there, and that all else is gone, as after a new list."""
        for subject in [each for each in self.pipeline.state.live() if each not in objects]:
            self.delete(subject)
        for each in objects.values():
            self.observe(*each)

    def job(self, session: str, **status: Any) -> None:
        """See a session's Job with a status."""
        (job,) = (each for each in self.ids(session) if each.startswith("batch/v1/Job/"))
        self.pipeline.observe_status(session, job, status)
        self._take()

    def end(self, session: str) -> None:
        self.job(session, conditions=[{"type": "Complete", "status": "True"}])

    def told(self) -> list[tuple[str, str]]:
        """Return kind and name of what was recorded since this was last asked."""
        entries = self.history[self._told :]
        self._told = len(self.history)
        return [(entry.kind, entry.subject.rpartition("/")[2]) for entry in entries]

    def count(self, kind: str) -> int:
        """Return how many records of a kind were made since `told` or this was last asked."""
        return sum(each == kind for each, _ in self.told())

    def ids(self, subject: str) -> list[str]:
        """Return the ids of the manifests that a subject asks for."""
        return [manifest.id for manifest in self.pipeline.manifests(subject)]

    def body(self, subject: str, kind: str) -> Any:
        """Return a subject's manifest of a kind."""
        found = (manifest.body for manifest in self.pipeline.manifests(subject))
        (body,) = (each for each in found if each["kind"] == kind)
        return body

    def runs(self, *subjects: str) -> list[bool]:
        """Return of each subject whether anything is rendered for it."""
        return [bool(self.ids(subject)) for subject in subjects]

    def status(self, subject: str) -> Any:
        return self.pipeline.status(subject)

    def condition(self, subject: str, kind: str = "Accepted") -> tuple[str, str, str]:
        """Return status, reason and message of a condition."""
        (found,) = (c for c in self.status(subject)["conditions"] if c["type"] == kind)
        return found["status"], found["reason"], found["message"]

    def total(self, universe: str) -> dict[str, int]:
        return dict(self.pipeline.state.slices.total(universe))

    def plans(self) -> dict[str, str]:
        """Return the digest of what each live subject was last planned, as the log has it.

        What stays of a plan before, though nothing asks for it, is left out: a volume is there only
        if there was an agent that had one.
        """
        state = self.pipeline.state
        found = {}
        for subject in state.live():
            planned = state.plans.get(subject)
            kept = state.kept(subject, self.pipeline.manifests(subject))
            lines = planned.entries.values() if planned else ()
            found[subject] = digest_of(line for line in lines if line["id"] not in kept)
        return found

    def events(self) -> list[Event]:
        return [
            Event(seq, e.epoch, e.time_us, e.kind, e.subject, e.payload, e.cause)
            for seq, e in enumerate(self.history)
        ]

    def check(self) -> None:
        """Recompute every plan and verdict by replay."""
        replay = Replay(compose(self._settings))
        for event in self.events():
            replay.check(event, nothing_recorded)
        made = [entry for entry in self.history if entry.kind in {"Planned", "Judged"}]
        assert replay.compared + replay.verdicts == len(made)
        assert replay.state.digest() == self.pipeline.state.digest()

    def cut(self, size: int) -> World:
        """Return a later process that finds the first records only, and goes on from them."""
        later = World(self._settings)
        later.history = self.history[:size]
        later.resume()
        return later

    def resume(self) -> None:
        """Go on as another process would from what is recorded."""
        self.pipeline = self._pipeline()
        for event in self.events():
            self.pipeline.fold(event)
        self._told = len(self.history)
        self.pipeline.resume()
        self._take()

    def last_seen(self) -> int:
        """Return the position of the last record of something that was seen."""
        seen = [seq for seq, entry in enumerate(self.history) if entry.kind.endswith(SEEN)]
        return max(seen, default=NEVER)

    def _take(self) -> None:
        entries = self.pipeline.take_entries()
        self.history += entries
        self.pipeline.acknowledge(len(self.history))


def nothing_recorded(subject: str, identifier: str, seq: int) -> None:
    """Explain no difference."""


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture(scope="session")
def make_world() -> type[World]:
    """Make more worlds than one, or one with settings."""
    return World
