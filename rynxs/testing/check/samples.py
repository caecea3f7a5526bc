"""Reducers and renderers with the sample objects that they are judged by."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from rynxs.embedded.manifests import read_manifests
from rynxs.engine.composition import Composition
from rynxs.errors import UsageError
from rynxs.testing.check.making import Making
from rynxs.testing.check.partners import needed_kinds, neighbours, revised
from rynxs.testing.check.promise import Order

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence
    from pathlib import Path

    from rynxs.embedded.manifests import Found, Reading
    from rynxs.plugins import Installed, PluginManager
    from rynxs.testing.check.making import Made

SAMPLES_MAX = 40
"""So many objects are judged by; what a kit has to do grows with the square of their number."""
_NAMESPACE = "default"


def sampled(
    plugin: Installed, manager: PluginManager, manifests: Sequence[str], config: Path | None
) -> Order:
    """Return the order for a reducer or renderer.

    Raises:
        ManifestError: a manifest can't be read, or is not valid.
        UsageError: none is of a kind that a reducer at hand owns.
        ConfigError: the settings of the plugin are not those of the configuration.
        PluginError: the plugin, or one that the configuration picks, does not load; or one that it
            can't do without is not installed.
    """
    making = Making(manager, config)
    made = making.made(plugin)
    if plugin.family == "reducer":
        return _of_reducer(made, making, manifests)
    return _of_renderer(made, making, manifests)


def _of_reducer(reducer: Made, making: Making, manifests: Sequence[str]) -> Order:
    at_hand = making.reducers([reducer])
    reading = _read(manifests, at_hand)
    own = _of_kinds(reading.found, reducer.owns())
    if not own:
        raise _none(reading)
    kinds = needed_kinds(reducer, own)
    partners = neighbours(reducer, kinds, at_hand, making.absent)
    found = _of_kinds(reading.found, reducer.owns() | kinds.keys())
    kept = _bounded(found)
    sampled_kinds = {each.resource.group_kind for each in kept}
    lacking = [
        f"no manifest is of {kind}, which it {does}, so that is not judged"
        for kind, does in kinds.items()
        if kind not in sampled_kinds
    ]
    return Order(
        "reducer",
        reducer.module,
        settings=reducer.component.settings,
        objects=[each.manifest for each in _of_kinds(kept, reducer.owns())],
        neighbours=[each.manifest for each in _of_kinds(kept, kinds.keys())],
        reducers=[(each.module, each.component.settings) for each in partners],
        notes=[*lacking, *_omitted(kept, found)],
    )


def _of_renderer(renderer: Made, making: Making, manifests: Sequence[str]) -> Order:
    partners = revised(renderer, making)
    at_hand = making.reducers()
    reading = _read(manifests, at_hand)
    if not reading.found:
        raise _none(reading)
    kept = _bounded(reading.found)
    kinds = {each.resource.group_kind for each in kept}
    return Order(
        "renderer",
        renderer.module,
        settings=renderer.component.settings,
        objects=[each.manifest for each in kept],
        reducers=[
            (each.module, each.component.settings) for each in at_hand if each.owns() & kinds
        ],
        renderers=[(each.module, each.component.settings) for each in partners],
        notes=_omitted(kept, reading.found),
    )


def _read(manifests: Sequence[str], reducers: Sequence[Made]) -> Reading:
    composition = Composition([reducer.component for reducer in reducers], [])
    return read_manifests(manifests, composition, _NAMESPACE)


def _of_kinds(found: Iterable[Found], kinds: Collection[str]) -> list[Found]:
    return [each for each in found if each.resource.group_kind in kinds]


def _none(reading: Reading) -> UsageError:
    others = [
        f"{each.place}: {each.resource.kind} {each.manifest['metadata']['name']} is of another "
        "reducer"
        for each in reading.found
    ]
    return UsageError("\n".join(["none of the manifests is a sample:", *reading.unowned, *others]))


def _bounded(found: Sequence[Found]) -> list[Found]:
    """Return as many samples as are judged by, the first of each kind."""
    before: Counter[str] = Counter()
    ranks = []
    for each in found:
        ranks.append(before[each.resource.group_kind])
        before[each.resource.group_kind] += 1
    kept = sorted(range(len(found)), key=ranks.__getitem__)[:SAMPLES_MAX]
    return [found[place] for place in sorted(kept)]


def _omitted(kept: Sequence[Found], found: Sequence[Found]) -> list[str]:
    if len(kept) == len(found):
        return []
    return [f"judged by {len(kept)} of the {len(found)} sample objects, the first of each kind"]
