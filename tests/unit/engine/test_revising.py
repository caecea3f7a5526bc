"""The second stage of rendering: renderers that revise what all of them have rendered."""

from __future__ import annotations

from itertools import permutations
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from rynxs.engine.composition import Component, Composition
from rynxs.engine.contracts import Renderer
from rynxs.engine.event import Event
from rynxs.engine.replay import Replay
from rynxs.errors import NondeterminismError, PluginError
from rynxs.eventlog import canonical

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rynxs.engine.contracts import View
    from rynxs.engine.pipeline import Pipeline
    from tests.unit.engine.conftest import Kit

A = "example.org/Thing/default/a"


def config_map(name: str) -> dict[str, Any]:
    metadata = {"name": name, "namespace": "default"}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {}}


class Signing(Renderer):
    """Renders nothing, and adds its name to those that have revised a manifest before it."""

    name: ClassVar[str] = "signing"
    version: ClassVar[str] = "1"

    def render(
        self, subject: str, current: Mapping[str, Any], view: View
    ) -> Sequence[dict[str, Any]]:
        return ()

    def revise(
        self,
        subject: str,
        current: Mapping[str, Any],
        view: View,
        manifests: Sequence[Mapping[str, Any]],
    ) -> Sequence[Mapping[str, Any]]:
        return [self.signed(each) for each in manifests]

    def signed(self, manifest: Mapping[str, Any]) -> dict[str, Any]:
        names = [*manifest["data"].get("signed", "").split(), self.name]
        return {**manifest, "data": {**manifest["data"], "signed": " ".join(names)}}


class Early(Signing):
    """Its name sorts before that of the renderer of things, which is plain."""

    name: ClassVar[str] = "early"


class Late(Signing):
    """It renders, too: a ConfigMap of its own."""

    name: ClassVar[str] = "zealous"

    def render(
        self, subject: str, current: Mapping[str, Any], view: View
    ) -> Sequence[dict[str, Any]]:
        return [config_map(f"{current['name']}-late")]


class Replacing(Signing):
    """What the renderer of things makes a ConfigMap it makes a Secret, and adds another."""

    name: ClassVar[str] = "replacing"
    revises: ClassVar[frozenset[str]] = frozenset({"plain"})

    def revise(self, *arguments: Any) -> Sequence[Mapping[str, Any]]:
        (manifest,) = arguments[-1]
        secret = {**manifest, "kind": "Secret"}
        other = {**secret, "metadata": {**secret["metadata"], "name": "other"}}
        return [secret, other]


def composed(kit: Kit, *renderers: Renderer) -> Composition:
    return Composition(
        [Component(kit.Reducer(), {})],
        [Component(each, {}) for each in (kit.Renderer(), *renderers)],
    )


def observed(kit: Kit, *renderers: Renderer, size: int = 1) -> Pipeline:
    pipeline = kit.pipeline(composed(kit, *renderers))
    kit.observe(pipeline, "a", size=size)
    return pipeline


def events_of(pipeline: Pipeline) -> list[Event]:
    return [
        Event(seq, e.epoch, e.time_us, e.kind, e.subject, e.payload, e.cause)
        for seq, e in enumerate(pipeline.take_entries())
    ]


def replayed(kit: Kit, pipeline: Pipeline, *renderers: Renderer) -> Replay:
    replay = Replay(composed(kit, *renderers))
    for event in events_of(pipeline):
        replay.check(event, lambda *_: None)
    return replay


def test_renderers_revise_in_the_order_of_their_names_what_the_one_before_returned(
    kit: Kit,
) -> None:
    for renderers in permutations([Early(), Signing(), Late()]):
        manifests = observed(kit, *renderers).manifests(A)
        names = {manifest.body["data"]["signed"] for manifest in manifests}
        assert names == {"early signing zealous"}


def test_all_have_rendered_before_the_first_revises(kit: Kit) -> None:
    manifests = observed(kit, Early(), Late()).manifests(A)
    signed = {each.id: each.body["data"]["signed"] for each in manifests}
    assert signed == {
        "v1/ConfigMap/default/a": "early zealous",
        "v1/ConfigMap/default/a-late": "early zealous",
    }


def test_a_plan_is_what_the_last_one_returned_in_its_order(kit: Kit) -> None:
    pipeline = observed(kit, Replacing())
    plan = canonical.decode(pipeline.take_entries()[-1].payload)
    ids = [entry["id"] for entry in plan["manifests"]]
    assert ids == ["v1/Secret/default/a", "v1/Secret/default/other"]
    assert [body["kind"] for body in plan["changed"]] == ["Secret", "Secret"]
    assert plan["renderers"] == ["plain==1", "replacing==1"]


def test_who_is_picked_later_replaces_what_is_there(kit: Kit) -> None:
    pipeline = kit.pipeline(composed(kit, Replacing()))
    for event in events_of(observed(kit)):
        pipeline.fold(event)
    pipeline.resume()
    started, planned = pipeline.take_entries()
    assert (started.kind, planned.kind) == ("EpochStarted", "Planned")
    assert canonical.decode(planned.payload)["removed"] == ["v1/ConfigMap/default/a"]


def test_a_subject_that_is_gone_is_not_revised(kit: Kit) -> None:
    class Adding(Signing):
        def revise(self, *_: Any) -> Sequence[Mapping[str, Any]]:
            return [config_map("added")]

    pipeline = observed(kit, Adding())
    assert [manifest.id for manifest in pipeline.manifests(A)] == ["v1/ConfigMap/default/added"]
    pipeline.delete(A, kit.actor)
    assert pipeline.manifests(A) == []


def test_two_manifests_of_one_id_are_refused(kit: Kit) -> None:
    class Doubling(Signing):
        def revise(self, *arguments: Any) -> Sequence[Mapping[str, Any]]:
            return [*arguments[-1], *arguments[-1]]

    expected = f"v1/ConfigMap/default/a of {A} is rendered twice"
    with pytest.raises(PluginError, match=expected):
        observed(kit, Doubling())


def test_a_revise_that_raises_is_named_with_its_version_and_the_subject(kit: Kit) -> None:
    class Raising(Signing):
        def revise(self, *arguments: Any) -> Sequence[Mapping[str, Any]]:
            raise ValueError("no idea")

    expected = f"renderer signing==1 failed on {A}: ValueError: no idea"
    with pytest.raises(PluginError, match=expected):
        observed(kit, Raising())


@pytest.mark.parametrize(
    ("returned", "fault"),
    [([{"kind": "ConfigMap"}], "apiVersion"), ([{"data": 1}], "metadata")],
)
def test_what_is_no_manifest_is_told_of_the_one_that_revised_it(
    kit: Kit, returned: list[Any], fault: str
) -> None:
    class Breaking(Signing):
        def revise(self, *_: Any) -> Sequence[Mapping[str, Any]]:
            return returned

    expected = f"renderer signing==1 returned for {A} what is not a manifest: .*{fault}"
    with pytest.raises(PluginError, match=expected):
        observed(kit, Breaking())


def test_a_revise_that_changes_the_slice_is_refused(kit: Kit) -> None:
    class Changing(Signing):
        def revise(self, *arguments: Any) -> Sequence[Mapping[str, Any]]:
            arguments[1]["size"] += 1
            manifests: Sequence[Mapping[str, Any]] = arguments[-1]
            return manifests

    with pytest.raises(PluginError, match=rf"plain==1, signing==1 changed the slice of {A}"):
        observed(kit, Changing())


def test_a_revised_plan_replays(kit: Kit) -> None:
    replay = replayed(kit, observed(kit, Early(), Replacing()), Early(), Replacing())
    assert (replay.compared, replay.incomparable()) == (1, [])


def test_a_plan_that_is_revised_differently_is_caught(kit: Kit) -> None:
    class Forging(Signing):
        def signed(self, manifest: Mapping[str, Any]) -> dict[str, Any]:
            return {**manifest, "data": {**manifest["data"], "size": "1000"}}

    with pytest.raises(NondeterminismError) as caught:
        replayed(kit, observed(kit, Signing()), Forging())
    assert (caught.value.seq, caught.value.subject) == (2, A)


def test_a_plan_that_was_revised_needs_the_one_that_did_it(kit: Kit) -> None:
    (incomparable,) = replayed(kit, observed(kit, Signing())).incomparable()
    assert incomparable.needs == ("signing==1",)


def test_who_revises_what_nobody_renders_is_refused_and_says_what_to_pick(kit: Kit) -> None:
    component = Component(Replacing(), {})
    expected = (
        r"renderer replacing==1 revises what plain renders, which is not picked; add it to "
        r"plugins\.renderers"
    )
    with pytest.raises(PluginError, match=expected):
        Composition([], [component])
    assert Composition([], [component, Component(kit.Renderer(), {})]).renderers


def test_a_composition_names_all_kinds_that_its_renderers_make(kit: Kit) -> None:
    class Plain(kit.Renderer):  # type: ignore[name-defined, misc]
        kinds = ("v1/ConfigMap",)

    class Adding(Renderer):
        name = "adding"
        version = "1"
        kinds = ("v1/Service", "v1/ConfigMap")

        def render(self, *_: Any) -> Sequence[dict[str, Any]]:
            return []

    parts = [Component(Plain(), {}), Component(Adding(), {})]
    assert Composition([], parts).kinds() == ["v1/ConfigMap", "v1/Service"]
    with pytest.raises(PluginError, match="renderer plain==1 does not say which kinds it makes"):
        kit.composition().kinds()
