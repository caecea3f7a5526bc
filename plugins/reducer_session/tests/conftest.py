"""What the tests of the Session reducer share: a world of agents and sessions, and its clock."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from rynxs.api import Event, Reducer, Sources
from rynxs.engine.composition import Component, Composition
from rynxs.engine.observation import Actor
from rynxs.engine.pipeline import Pipeline
from rynxs.eventlog import canonical
from rynxs.sources import FixedEntropy
from rynxs.testing.hooks import Pick

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from rynxs.api import Occasion, Resource, View
    from rynxs.eventlog.log import Entry

PICKS = (
    Pick("reducer", "rynxs_reducer_agent.plugin", {}),
    Pick("reducer", "rynxs_reducer_session.plugin", {}),
    Pick("renderer", "rynxs_renderer_workload.plugin", {}),
)
START_US = 1_767_225_600_000_000
"""2026-01-01T00:00:00Z."""
US = 1_000_000


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.at_us = START_US

    def now_us(self) -> int:
        return self.at_us


class Governor(Reducer):
    """Gives the verdicts that a test has set, and has no kind of its own."""

    name = "governor"
    version = "1"
    governs: ClassVar[frozenset[str]] = frozenset({"universe.ai/Agent", "universe.ai/Session"})

    def __init__(self, verdicts: Mapping[str, Mapping[str, Any]]) -> None:
        self._verdicts = verdicts

    @property
    def resources(self) -> Sequence[Resource]:
        return ()

    def reduce(
        self, current: Mapping[str, Any] | None, event: Event, view: View
    ) -> Mapping[str, Any] | None:
        return current

    def judge(
        self, subject: str, current: Mapping[str, Any] | None, view: View, occasion: Occasion
    ) -> Mapping[str, Any] | None:
        name = subject.rpartition("/")[2]
        if current is None or name not in self._verdicts:
            return None
        plain = {"conditions": [], "holds": {}, "patch": {}, "refused": False}
        return {**plain, **self._verdicts[name]}


class World:
    """A pipeline of agents, sessions and what is rendered for them, all in the namespace default.

    Attributes:
        clock: the time that is recorded.
        pipeline: as the operator drives it.
        composition: what it is made of.
    """

    START_US = START_US

    def __init__(self, verdicts: Mapping[str, Mapping[str, Any]] | None = None) -> None:
        made = [(pick.family, pick.made()) for pick in PICKS]
        reducers = [component for family, component in made if family == "reducer"]
        if verdicts:
            reducers.append(Component(Governor(verdicts), {}))
        renderers = [component for family, component in made if family == "renderer"]
        self.composition = Composition(reducers, renderers)
        self.clock = Clock()
        self.pipeline = self.new_pipeline()
        self._entries: list[Entry] = []

    def new_pipeline(self) -> Pipeline:
        """Return the pipeline of another process, at the same time, that has seen nothing yet."""
        sources = Sources(self.clock, FixedEntropy(), "tester@here")
        return Pipeline(self.composition, sources, "log.example")

    def agent(self, name: str = "worker", **spec: Any) -> None:
        """Let an agent be seen; it is a small worker, save for what is given."""
        small = {"image": {"repository": "example.org/agent", "tag": "v1"}, "role": "worker"}
        self._see("Agent", {"name": name}, small | spec)

    def session(self, name: str = "run", *, uid: str | None = None, **spec: Any) -> None:
        """Let a session of the worker be seen."""
        whole = {"agentRef": "worker", "input": {"text": "count the sheep"}} | spec
        self._see("Session", {"name": name, "uid": uid}, whole)

    def delete(self, kind: str, name: str) -> None:
        """Let an object be gone."""
        self.pipeline.delete(f"universe.ai/{kind}/default/{name}", Actor("tester"))

    def saw(self, status: Mapping[str, Any], job: str | None = None) -> None:
        """Let the session's Job, the one that is asked for now or another, have a status."""
        identifier = job or self.job() or "batch/v1/Job/default/session-run-gone"
        self.pipeline.observe_status(self.subject(), identifier, status)

    def passes(self, seconds: float) -> None:
        """Let time pass, and take in the deadlines that are then reached."""
        self.clock.at_us += round(seconds * US)
        self.pipeline.reach_deadlines()

    def running(self, **spec: Any) -> None:
        """Let a worker and a session of it be there, and its Job have a pod."""
        self.agent()
        self.session(**spec)
        self.saw({"active": 1})

    def subject(self, name: str = "run") -> str:
        """Return the subject of a session."""
        return f"universe.ai/Session/default/{name}"

    def slice(self) -> dict[str, Any]:
        """Return the session's slice."""
        current = self.pipeline.state.slices.get(self.subject())
        assert current is not None
        return dict(current)

    def phase(self) -> str:
        """Return the phase of the session's run."""
        return str(self.slice()["run"]["phase"])

    def status(self) -> dict[str, Any]:
        """Return what the status of the session's object says."""
        return self.pipeline.status(self.subject())

    def condition(self, kind: str) -> tuple[str, str, str] | None:
        """Return status, reason and message of one of its conditions, None if it has none."""
        found = [each for each in self.status()["conditions"] if each["type"] == kind]
        assert len(found) <= 1
        return (found[0]["status"], found[0]["reason"], found[0]["message"]) if found else None

    def manifests(self) -> dict[str, dict[str, Any]]:
        """Return by kind what is asked for on behalf of the session."""
        return {each.body["kind"]: each.body for each in self.pipeline.manifests(self.subject())}

    def job(self) -> str:
        """Return the id of its Job, empty if none is asked for."""
        rendered = [each.id for each in self.pipeline.manifests(self.subject())]
        return next((each for each in rendered if each.startswith("batch/v1/Job/")), "")

    def entries(self) -> list[Entry]:
        """Return all that was recorded."""
        self._entries += self.pipeline.take_entries()
        return list(self._entries)

    def events(self) -> list[Event]:
        """Return all that was recorded, as a replay sees it."""
        return [
            Event(seq, e.epoch, e.time_us, e.kind, e.subject, e.payload, e.cause)
            for seq, e in enumerate(self.entries())
        ]

    def told(self) -> list[str]:
        """Return the kinds of what was recorded of the session."""
        return [each.kind for each in self.entries() if each.subject == self.subject()]

    def reduce(self, kind: str, payload: Mapping[str, Any]) -> dict[str, Any]:
        """Return the slice that an event would make of the session's, recorded now."""
        event = Event(99, 1, self.clock.at_us, kind, self.subject(), canonical.encode(payload))
        reducer = self.composition.reducer("universe.ai/Session")
        assert reducer is not None
        after = reducer.reduce(self.slice(), event, self.pipeline.state.slices)
        assert after is not None
        return dict(after)

    def _see(self, kind: str, metadata: Mapping[str, Any], spec: Mapping[str, Any]) -> None:
        resource = self.composition.resource(f"universe.ai/{kind}")
        assert resource is not None
        manifest = {
            "apiVersion": "universe.ai/v1alpha1",
            "kind": kind,
            "metadata": {"namespace": "default", **metadata},
            "spec": spec,
        }
        self.pipeline.observe(resource, manifest, Actor("tester"))


@pytest.fixture
def world() -> World:
    """A world without governors in which nothing has been seen."""
    return World()


@pytest.fixture(scope="session")
def worlds() -> Callable[..., World]:
    """Make a world, with verdicts by the name of the agent or session if they are given."""
    return World
