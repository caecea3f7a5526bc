"""A kind for simulations, small enough that thousands of worlds can have some of it.

A Thing asks for ConfigMaps: as many as its size, each of which tells of the Things that it uses.
One that lives for a time asks for none once that is over.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import Field

from rynxs.engine.composition import Component, Composition
from rynxs.engine.contracts import Reducer, Renderer
from rynxs.engine.resource import Resource, SpecModel, Text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from rynxs.engine.contracts import View
    from rynxs.engine.event import Event

NAMESPACE = "default"
CONFIG_MAP = "v1/ConfigMap"
GROUP = "simulation.rynxs"
_LABELS = {"app.kubernetes.io/managed-by": "rynxs"}


class ThingSpec(SpecModel):
    """``spec`` of a Thing."""

    size: int = Field(1, ge=0, description="How many ConfigMaps it has.")
    colour: Text = Field("none", description="What they say.")
    uses: list[Text] = Field(default_factory=list, description="Names of other Things.")
    ends_us: int | None = Field(None, description="When it ends, in POSIX microseconds.")
    fails: Text = Field("", description="Which plugin fails on it: reducer or renderer.")


THING = Resource(GROUP, "Thing", "things", "Namespaced", ("v1",), ThingSpec)


class ThingReducer(Reducer):
    """A Thing's slice is its spec, and whether it has ended."""

    name = "thing"
    version = "1"

    @property
    def resources(self) -> Sequence[Resource]:
        """Things."""
        return (THING,)

    def reduce(
        self, current: Mapping[str, Any] | None, event: Event, view: View
    ) -> Mapping[str, Any] | None:
        """Return the slice."""
        if event.kind == "ThingDeleted":
            return None
        if event.kind == "DeadlineReached":
            return None if current is None else {**current, "isOver": True}
        if event.kind != "ThingObserved" or "refused" in event.payload:
            return current
        observed = event.payload["object"]
        spec = observed["spec"]
        if spec.get("fails") == "reducer":
            raise ValueError("the reducer fails")
        return {**spec, "isOver": False, "name": observed["metadata"]["name"]}

    def deadline(self, subject: str, current: Mapping[str, Any]) -> int | None:
        """Return when it ends."""
        return None if current["isOver"] else current.get("endsUs")

    def dependents(self, subject: str, view: View) -> Iterable[str]:
        """Return the Things that use it."""
        name = subject.rpartition("/")[2]
        kind = f"{GROUP}/Thing"
        return [other for other, current in view.of_kind(kind) if name in current.get("uses", ())]


class ThingRenderer(Renderer):
    """Renders the ConfigMaps of a Thing."""

    name = "maps"
    version = "1"
    kinds = (CONFIG_MAP,)

    def render(
        self, subject: str, current: Mapping[str, Any], view: View
    ) -> Sequence[dict[str, Any]]:
        """Return the ConfigMaps."""
        if not subject.startswith(f"{GROUP}/Thing/") or current["isOver"]:
            return []
        if current.get("fails") == "renderer":
            raise ValueError("the renderer fails")
        prefix = subject.rpartition("/")[0]
        others = [view.get(f"{prefix}/{name}") for name in current.get("uses", ())]
        used = [None if other is None else other.get("colour", "none") for other in others]
        return config_maps(current["name"], current, used)


def config_maps(
    name: str, spec: Mapping[str, Any], used: Sequence[str | None]
) -> list[dict[str, Any]]:
    """Return the ConfigMaps that a Thing asks for.

    Args:
        name: of the Thing.
        spec: of it.
        used: colours of the Things that it uses, None for one that is not there.
    """
    return [
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"labels": _LABELS, "name": f"{name}-{number}", "namespace": NAMESPACE},
            "data": {
                "colour": spec.get("colour", "none"),
                "used": ",".join(colour or "missing" for colour in used),
            },
        }
        for number in range(spec.get("size", 1))
    ]


def thing(name: str, generation: int, spec: Mapping[str, Any]) -> dict[str, Any]:
    """Return a Thing, as a user applies it."""
    metadata = {"generation": generation, "name": name, "namespace": NAMESPACE}
    return {
        "apiVersion": f"{GROUP}/v1",
        "kind": "Thing",
        "metadata": metadata,
        "spec": dict(spec),
    }


def composition() -> Composition:
    """Return the composition of simulations."""
    return Composition([Component(ThingReducer(), {})], [Component(ThingRenderer(), {})])
