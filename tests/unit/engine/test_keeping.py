"""What holds data stays as long as its subject is there, though nothing is rendered for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from rynxs.engine.event import Event
from rynxs.engine.plan import RETAIN_ANNOTATION
from rynxs.engine.replay import Replay
from rynxs.engine.upgrade import Upgrade

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rynxs.engine.composition import Composition
    from rynxs.engine.contracts import View
    from rynxs.engine.pipeline import Pipeline
    from tests.unit.engine.conftest import Kit

A = "example.org/Thing/default/a"
CLAIM, POD = "v1/PersistentVolumeClaim/default/a", "v1/ConfigMap/default/a"


def composed(kit: Kit, retain: str = "live") -> Composition:
    class Keeping(kit.Renderer):  # type: ignore[name-defined, misc]
        def render(
            self, subject: str, current: Mapping[str, Any], view: View
        ) -> Sequence[dict[str, Any]]:
            if current.get("colour") == "refused":
                return []
            metadata = {
                "annotations": {RETAIN_ANNOTATION: retain},
                "name": current["name"],
                "namespace": "default",
            }
            claim = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": metadata}
            return [claim, *super().render(subject, current, view)]

    return kit.composition(renderer=Keeping())


def lines(pipeline: Pipeline) -> list[str]:
    return list(pipeline.state.plans[A].entries)


@pytest.mark.parametrize("retain", ["live", "true"])
def test_a_refused_subject_keeps_its_data_and_has_it_again_unchanged(kit: Kit, retain: str) -> None:
    pipeline = kit.pipeline(composed(kit, retain))
    kit.observe(pipeline, "a")
    (first,) = pipeline.acknowledge(9)
    kit.observe(pipeline, "a", colour="refused")
    (refused,) = pipeline.acknowledge(9)
    assert (refused.removed, refused.retained, lines(pipeline)) == ([POD], [], [CLAIM])
    assert pipeline.state.kept(A, []) == [CLAIM]
    kit.observe(pipeline, "a")
    (again,) = pipeline.acknowledge(9)
    assert again.changed == [POD]
    assert lines(pipeline) == [CLAIM, POD] == [each.id for each in first.manifests]


@pytest.mark.parametrize(("retain", "removed"), [("live", [CLAIM]), ("true", [])])
def test_what_was_kept_goes_with_its_subject_unless_it_is_to_outlive_it(
    kit: Kit, retain: str, removed: list[str]
) -> None:
    pipeline = kit.pipeline(composed(kit, retain))
    kit.observe(pipeline, "a")
    kit.observe(pipeline, "a", colour="refused")
    pipeline.acknowledge(9)
    pipeline.delete(A, kit.actor)
    (gone,) = pipeline.acknowledge(9)
    assert (gone.removed, lines(pipeline)) == (removed, [])


def test_what_is_kept_replays_and_is_no_difference_to_an_upgrade(kit: Kit) -> None:
    pipeline = kit.pipeline(composed(kit))
    for colour in ("red", "refused", "blue", "refused"):
        kit.observe(pipeline, "a", colour=colour)
    pipeline.delete(A, kit.actor)
    replay, upgrade = Replay(composed(kit)), Upgrade(composed(kit))
    for seq, e in enumerate(pipeline.take_entries()):
        event = Event(seq, e.epoch, e.time_us, e.kind, e.subject, e.payload, e.cause)
        for each in (replay, upgrade):
            each.check(event, lambda *_: None)
    upgrade.finish()
    assert replay.compared == 5
    assert upgrade.differences == []
