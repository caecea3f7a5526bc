"""Reducers and renderers with the sample objects that they are judged by."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from pydantic import ValidationError

from rynxs.config import DEFAULT_FILE, load_config
from rynxs.embedded.manifests import read_manifests
from rynxs.engine.composition import Component, Composition
from rynxs.errors import ConfigError, PluginError, RynxsError, UsageError
from rynxs.problems import problems_of
from rynxs.testing.check.promise import Order

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from rynxs.plugins import Installed, PluginManager

    Settings = Mapping[tuple[str, str], Mapping[str, Any]]

_NAMESPACE = "default"


class _Reducer(NamedTuple):
    """An installed reducer, made."""

    plugin: Installed
    component: Component

    def owns(self) -> set[str]:
        """Return the kinds that it owns, as ``group/Kind``."""
        return {resource.group_kind for resource in self.component.plugin.resources}


def sampled(
    plugin: Installed, manager: PluginManager, manifests: Sequence[str], config: Path | None
) -> Order:
    """Return the order for a reducer or renderer.

    Raises:
        ManifestError: a manifest can't be read, or is not valid.
        UsageError: none is of a kind that a reducer at hand owns.
        ConfigError: the settings of the plugin are not those of the configuration.
        PluginError: the plugin, or one that the configuration picks, does not load.
    """
    settings = _configured(manager, config)
    mine = settings.get((plugin.family, plugin.name), {})
    if plugin.family == "reducer":
        reducers = [_made(plugin, manager, mine)]
    else:
        _checked(plugin, manager, mine)
        reducers = list(_at_hand(manager, settings))
    composition = Composition([reducer.component for reducer in reducers], [])
    reading = read_manifests(manifests, composition, _NAMESPACE)
    if not reading.found:
        raise UsageError("\n".join(["none of the manifests is a sample:", *reading.unowned]))
    kinds = {found.resource.group_kind for found in reading.found}
    return Order(
        plugin.family,
        plugin.entry_point.value,
        settings=mine,
        objects=[found.manifest for found in reading.found],
        reducers=[
            (reducer.plugin.entry_point.value, reducer.component.settings)
            for reducer in reducers
            if reducer.owns() & kinds
        ],
    )


def _configured(manager: PluginManager, config: Path | None) -> Settings:
    """Return the settings of what a configuration picks, by family and name; without one, none."""
    if config is None and not DEFAULT_FILE.exists():
        return {}
    picked = load_config(config, manager).composition().as_json()
    return {
        (family, part["name"]): part["settings"]
        for family in ("reducer", "renderer")
        for part in picked[f"{family}s"]
    }


def _at_hand(manager: PluginManager, settings: Settings) -> Iterator[_Reducer]:
    """Yield the reducers that are picked, then others whose kinds nobody owns yet."""
    installed = manager.installed("reducer")
    owned: set[str] = set()
    for plugin in sorted(installed, key=lambda each: ("reducer", each.name) not in settings):
        try:
            reducer = _made(plugin, manager, settings.get(("reducer", plugin.name), {}))
        except RynxsError:  # one that does not load is not at hand
            continue
        if not owned & reducer.owns():
            owned |= reducer.owns()
            yield reducer


def _made(plugin: Installed, manager: PluginManager, settings: Mapping[str, Any]) -> _Reducer:
    checked = _checked(plugin, manager, settings)
    try:
        reducer = _Reducer(plugin, Component(manager.load(plugin).create(checked), settings))
        reducer.owns()
    except Exception as error:  # its author's code may raise anything
        raise PluginError(f"{plugin} failed: {type(error).__name__}: {error}") from error
    return reducer


def _checked(plugin: Installed, manager: PluginManager, settings: Mapping[str, Any]) -> Any:
    model = manager.load(plugin).settings
    try:
        return model.model_validate(settings)
    except ValidationError as error:
        found = "\n".join(f"{plugin}: {each}" for each in problems_of(error, model, ("settings",)))
        raise ConfigError(f"{found}\npick it in rynxs.yaml, with its settings") from None
