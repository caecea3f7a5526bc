"""What the kits have the kernel ask of plugins: enough, and no more than grows with the samples."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from rynxs.api import Reducer, Renderer, Resource, SpecModel
from rynxs.testing.pure.asking import calls

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from rynxs.engine.contracts import Occasion, View
    from rynxs.engine.event import Event
    from rynxs.testing.pure.calls import Call

GROUP = "acme.example"


class Spec(SpecModel):
    """The spec of any kind here."""


class OfKind(Reducer):
    """Keeps nothing but that an object is there, under some uid."""

    name = "kind"
    version = "1"
    kind = "Thing"

    @property
    def resources(self) -> Sequence[Resource]:
        plural = f"{self.kind.lower()}s"
        return [Resource(GROUP, self.kind, plural, "Namespaced", ["v1"], Spec)]

    def reduce(
        self, current: Mapping[str, Any] | None, event: Event, view: View
    ) -> Mapping[str, Any] | None:
        return None if event.kind.endswith("Deleted") else {"seq": event.seq}


class Concerning(OfKind):
    """Its objects concern the thing called b."""

    name = "concerning"
    kind = "Concern"

    def dependents(self, subject: str, view: View) -> Iterable[str]:
        return ["acme.example/Thing/default/b", "acme.example/Thing/default/never-seen"]


class Reading(OfKind):
    """Its objects read the thing called b."""

    name = "reading"
    kind = "Reader"

    def reads(self, subject: str, current: Mapping[str, Any]) -> Iterable[str]:
        return ["acme.example/Thing/default/b"]


class Governing(OfKind):
    """Governs things; what it says of a makes room for b."""

    name = "governing"
    kind = "Rule"
    governs = frozenset({"acme.example/Thing"})

    def dependents(self, subject: str, view: View) -> Iterable[str]:
        return ["acme.example/Thing/default/b"] if subject.endswith("/a") else []

    def judge(
        self, subject: str, current: Mapping[str, Any] | None, view: View, occasion: Occasion
    ) -> Mapping[str, Any]:
        refused = subject.endswith("/refused")
        return {"conditions": [], "holds": {}, "patch": {}, "refused": refused}


class Raising(OfKind):
    """Raises wherever it may be asked for subjects."""

    def dependents(self, subject: str, view: View) -> Iterable[str]:
        raise KeyError(subject)

    def reads(self, subject: str, current: Mapping[str, Any]) -> Iterable[str]:
        raise KeyError(subject)


class Drawing(Renderer):
    """Renders nothing."""

    name = "drawing"
    version = "1"

    def render(
        self, subject: str, current: Mapping[str, Any], view: View
    ) -> Sequence[dict[str, Any]]:
        return []


class Given(NamedTuple):
    """Plugins and objects, as in a sample."""

    plugins: Sequence[Any]
    objects: Sequence[Mapping[str, Any]]

    def made(self, family: str) -> list[Any]:
        kind = {"reducer": Reducer, "renderer": Renderer}[family]
        return [plugin for plugin in self.plugins if isinstance(plugin, kind)]


def an(kind: str, name: str) -> dict[str, Any]:
    """Return an object."""
    return {"apiVersion": "acme.example/v1", "kind": kind, "metadata": {"name": name}, "spec": {}}


def asked(plugins: Sequence[Any], objects: Sequence[Mapping[str, Any]]) -> list[Call]:
    """Return the calls that are made of plugins and a renderer."""
    return list(calls(Given([*plugins, Drawing()], objects)))  # type: ignore[arg-type]


def subjects(found: Iterable[Call], method: str, occasion: str) -> list[str]:
    """Return whom a method is called for on an occasion, as kind and name."""
    return [
        call.subject.removeprefix(f"{GROUP}/").replace("/default/", " ")
        for call in found
        if call.method == method and call.occasion == occasion
    ]


def test_an_event_has_its_subject_rendered_and_no_other() -> None:
    found = asked([OfKind()], [an("Thing", "a"), an("Thing", "b")])
    assert subjects(found, "render", "after record 6, ThingObserved") == ["Thing b"]
    assert subjects(found, "render", "after record 12, ThingDeleted") == []


@pytest.mark.parametrize(
    ("reducer", "kind", "event", "rendered"),
    [
        (Concerning(), "Concern", "11, ConcernObserved", ["Concern c", "Thing b"]),
        (Concerning(), "Concern", "18, ConcernDeleted", []),
        (Reading(), "Reader", "17, ThingDeleted", ["Reader c"]),
        (Reading(), "Reader", "20, ThingObserved", ["Thing b"]),
    ],
)
def test_an_event_has_those_rendered_whom_it_concerns(
    reducer: OfKind, kind: str, event: str, rendered: list[str]
) -> None:
    samples = [an("Thing", "a"), an("Thing", "b"), an(kind, "c")]
    found = asked([OfKind(), reducer], samples)
    assert subjects(found, "render", f"after record {event}") == rendered


def test_what_a_verdict_concerns_is_judged_and_rendered_too_and_what_it_refuses_is_not() -> None:
    samples = [an("Thing", "b"), an("Thing", "refused"), an("Thing", "a"), an("Rule", "r")]
    found = asked([OfKind(), Governing()], samples)
    occasion = "after record 11, ThingObserved"
    assert subjects(found, "judge", occasion) == ["Thing a", "Thing b"]
    assert subjects(found, "render", occasion) == ["Thing a", "Thing b"]
    assert subjects(found, "judge", "after record 6, ThingObserved") == ["Thing refused"]
    assert subjects(found, "render", "after record 6, ThingObserved") == []


def test_once_all_have_come_gone_and_come_again_everybody_is_judged_and_rendered() -> None:
    samples = [an("Thing", "b"), an("Thing", "a"), an("Rule", "r")]
    found = asked([OfKind(), Governing()], samples)
    everybody = ["Rule r", "Thing a", "Thing b"]
    for seq, rendered in ((15, everybody), (18, []), (21, everybody)):
        occasion = f"anew after record {seq}"
        assert sorted(subjects(found, "render", occasion)) == rendered
        assert sorted(subjects(found, "judge", occasion)) == ["Thing a", "Thing b"]


def test_a_plugin_that_raises_is_asked_on() -> None:
    found = Counter(call.method for call in asked([Raising()], [an("Thing", "a")]))
    assert found["reduce"] == 7
    assert found["dependents"] == 7
    assert found["render"] == 6 + 2


def test_the_calls_grow_with_the_number_of_samples_and_not_with_its_square() -> None:
    things = [an("Thing", f"number-{number}") for number in range(40)]
    few, many = (asked([OfKind(), Governing()], things[:size]) for size in (10, 40))
    assert len(many) == 4 * len(few)


def test_no_samples_are_no_calls() -> None:
    assert asked([OfKind()], []) == []
