from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from pydantic import Field

from rynxs.engine.composition import Component, Composition
from rynxs.engine.contracts import Reducer, Renderer
from rynxs.engine.event import Event
from rynxs.engine.observation import Actor
from rynxs.engine.pipeline import Pipeline
from rynxs.engine.resource import Resource, SpecModel, Text
from rynxs.engine.state import State
from rynxs.report.timeline import timeline
from rynxs.sources import fixed_sources

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from rynxs.engine.contracts import View
    from rynxs.eventlog.log import Entry

ALICE = Actor("alice")


class NoteSpec(SpecModel):
    text: Text = ""
    tags: list[Text] = Field(default_factory=list)
    size: int = 1


NOTE = Resource("example.org", "Note", "notes", "Namespaced", ("v1",), NoteSpec)


class NoteReducer(Reducer):
    name = "note"
    version = "1"
    decided_by = frozenset({"NoteObserved", "NoteDeleted"})

    @property
    def resources(self) -> Sequence[Resource]:
        return (NOTE,)

    def reduce(
        self, current: Mapping[str, Any] | None, event: Event, view: View
    ) -> Mapping[str, Any] | None:
        if event.kind == "NoteDeleted":
            return None
        if event.kind != "NoteObserved" or "refused" in event.payload:
            return current
        return dict(event.payload["object"]["spec"])


class NoteRenderer(Renderer):
    name = "plain"
    version = "1"

    def render(
        self, subject: str, current: Mapping[str, Any], view: View
    ) -> Sequence[dict[str, Any]]:
        metadata = {"name": subject.rpartition("/")[2], "namespace": "default"}
        data = {"text": str(current.get("text", ""))}
        return [{"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}]


class Story:
    """A history in the making: notes are observed and deleted, other events are put in."""

    def __init__(self, *governors: Reducer) -> None:
        reducers = [Component(each, {}) for each in (NoteReducer(), *governors)]
        self.composition = Composition(reducers, [Component(NoteRenderer(), {})])
        self._pipeline = Pipeline(self.composition, fixed_sources(1_000_000), "log.example")

    def note(self, name: str, actor: Actor = ALICE, **spec: Any) -> None:
        manifest = {
            "apiVersion": "example.org/v1",
            "kind": "Note",
            "metadata": {"name": name, "namespace": "default"},
            "spec": spec,
        }
        self._pipeline.observe(NOTE, manifest, actor)

    def delete(self, name: str) -> None:
        self._pipeline.delete(f"example.org/Note/default/{name}", ALICE)

    def emit(self, kind: str, subject: str, body: Mapping[str, Any], cause: int) -> None:
        self._pipeline._emit(kind, subject, body, cause=cause)

    def entries(self) -> list[Entry]:
        return self._pipeline.take_entries()


def steps(
    composition: Composition, entries: Sequence[Entry], erased: Sequence[int] = ()
) -> Iterator[tuple[Event, State]]:
    """Yield each event with the state after it, the payloads of those `erased` left out."""
    state = State(composition)
    for seq, entry in enumerate(entries):
        payload = None if seq in erased else entry.payload
        event = Event(
            seq, entry.epoch, entry.time_us, entry.kind, entry.subject, payload, entry.cause
        )
        state.fold(event)
        yield event, state


class Kit:
    """What the tests of the report share."""

    story = Story
    steps = staticmethod(steps)

    @staticmethod
    def timeline(story: Story, erased: Sequence[int] = ()) -> list[dict[str, Any]]:
        return list(timeline(steps(story.composition, story.entries(), erased)))

    @staticmethod
    def document(events: list[dict[str, Any]], origin: str = "log.example") -> dict[str, Any]:
        from rynxs.report.document import _epochs, _subjects
        from rynxs.report.findings import findings
        from rynxs.report.verification import Examined, Recomputed, commands, statements

        kinds = [entry["kind"] for entry in events]
        plans, verdicts = (
            Recomputed(kinds.count(kind), kinds.count(kind), 0, [])
            for kind in ("Planned", "Judged")
        )
        examined = Examined(len(events), 0, [], [], 1, plans, verdicts, [])
        return {
            "format": "rynxs report 1",
            "madeBy": "rynxs==0",
            "log": {
                "origin": origin,
                "size": len(events),
                "epoch": 1,
                "head": "00" * 32,
                "root": "AAAA",
                "firstTime": events[0]["time"] if events else None,
                "lastTime": events[-1]["time"] if events else None,
            },
            "verification": {
                "statements": statements(examined),
                "commands": commands(examined),
                "keys": [],
                "checkpoints": [],
                "plans": plans._asdict(),
                "verdicts": verdicts._asdict(),
            },
            "epochs": _epochs(events),
            "findings": findings(events),
            "subjects": _subjects(events),
            "events": events,
        }


@pytest.fixture
def kit() -> Kit:
    return Kit()
