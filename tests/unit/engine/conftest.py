from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import pytest
from pydantic import Field

from rynxs.engine.composition import Component, Composition
from rynxs.engine.contracts import Reducer, Renderer
from rynxs.engine.observation import Actor
from rynxs.engine.pipeline import Pipeline
from rynxs.engine.plan import RETAIN_ANNOTATION
from rynxs.engine.resource import Personal, Resource, SpecModel, Text
from rynxs.sources import fixed_sources

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from rynxs.engine.contracts import View
    from rynxs.engine.event import Event

ACTOR = Actor("tester")


class ThingSpec(SpecModel):
    size: int = Field(1, ge=0)
    colour: Text | None = None
    uses: list[Text] = Field(default_factory=list)
    keep: bool = False
    diary: Annotated[Text | None, Personal()] = None


THING = Resource("example.org", "Thing", "things", "Namespaced", ("v1",), ThingSpec)


class ThingReducer(Reducer):
    """A thing's slice is its spec; a thing depends on the things it uses."""

    name = "thing"
    version = "1"
    decided_by = frozenset({"ThingObserved", "ThingDeleted"})

    @property
    def resources(self) -> Sequence[Resource]:
        return (THING,)

    def reduce(
        self, current: Mapping[str, Any] | None, event: Event, view: View
    ) -> Mapping[str, Any] | None:
        if event.kind == "ThingDeleted":
            return None
        if event.kind != "ThingObserved" or "refused" in event.payload:
            return current
        observed = event.payload["object"]
        return {"name": observed["metadata"]["name"], **observed["spec"]}

    def dependents(self, subject: str, view: View) -> Iterable[str]:
        name = subject.rpartition("/")[2]
        return [
            other
            for other, current in view.of_kind("example.org/Thing")
            if name in current.get("uses", ())
        ]


class ThingRenderer(Renderer):
    """A thing is a ConfigMap of its size and the sizes of what it uses."""

    name = "plain"
    version = "1"

    def render(
        self, subject: str, current: Mapping[str, Any], view: View
    ) -> Sequence[dict[str, Any]]:
        if not subject.startswith("example.org/Thing/"):
            return []
        used = [
            view.get(f"example.org/Thing/default/{name}") or {} for name in current.get("uses", ())
        ]
        annotations = {RETAIN_ANNOTATION: "true"} if current.get("keep") else {}
        metadata = {"annotations": annotations, "name": current["name"], "namespace": "default"}
        data = {
            "colour": current.get("colour") or "none",
            "size": str(current.get("size", 1)),
            "used": ",".join(str(other.get("size", 1)) for other in used),
        }
        return [{"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}]


def thing(name: str, **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "example.org/v1",
        "kind": "Thing",
        "metadata": {"name": name, "namespace": "default"},
        "spec": spec,
    }


def composition(
    reducer: Reducer | None = None,
    renderer: Renderer | None = None,
    settings: Mapping[str, Any] | None = None,
) -> Composition:
    return Composition(
        [Component(reducer or ThingReducer(), {})],
        [Component(renderer or ThingRenderer(), settings or {})],
    )


class Kit:
    """What the tests of the engine share."""

    actor = ACTOR
    resource = THING
    Reducer = ThingReducer
    Renderer = ThingRenderer
    thing = staticmethod(thing)
    composition = staticmethod(composition)

    @staticmethod
    def pipeline(made_of: Composition | None = None) -> Pipeline:
        return Pipeline(made_of or composition(), fixed_sources(1_000_000), "log.example")

    @staticmethod
    def observe(pipeline: Pipeline, name: str, **spec: Any) -> bool:
        return pipeline.observe(THING, thing(name, **spec), ACTOR)


@pytest.fixture
def kit() -> Kit:
    return Kit()
