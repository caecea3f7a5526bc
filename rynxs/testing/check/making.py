"""Making installed reducers and renderers, with the settings that the configuration gives them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from pydantic import ValidationError

from rynxs.config import DEFAULT_FILE, load_config
from rynxs.engine.composition import Component
from rynxs.errors import ConfigError, PluginError, RynxsError
from rynxs.problems import problems_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from rynxs.plugins import Installed, PluginManager


class Made(NamedTuple):
    """An installed reducer or renderer, made of its settings."""

    plugin: Installed
    component: Component

    @property
    def module(self) -> str:
        """The import path of the module with its hook."""
        return module_of(self.plugin)

    def owns(self) -> set[str]:
        """Return the kinds that a reducer owns, as ``group/Kind``."""
        return {resource.group_kind for resource in self.component.plugin.resources}

    def governs(self) -> set[str]:
        """Return the kinds of other reducers that a reducer judges."""
        return set(self.component.plugin.governs)


class Making:
    """Makes plugins.

    Attributes:
        manager: finds what is installed.
        absent: why installed reducers are not at hand, a sentence each.
    """

    def __init__(self, manager: PluginManager, config: Path | None) -> None:
        """Take the settings of a configuration; without one, of ``./rynxs.yaml`` if it is there.

        Raises:
            ConfigError: the configuration is not valid.
            PluginError: a plugin that it picks does not load.
        """
        self.manager = manager
        self.absent: list[str] = []
        self._settings: dict[tuple[str, str], Mapping[str, Any]] = {}
        if config is not None or DEFAULT_FILE.exists():
            picked = load_config(config, manager).composition().as_json()
            self._settings = {
                (family, part["name"]): part["settings"]
                for family in ("reducer", "renderer")
                for part in picked[f"{family}s"]
            }

    def made(self, plugin: Installed) -> Made:
        """Return a reducer or renderer.

        Raises:
            PluginError: it does not load, or fails.
            ConfigError: its settings are not those of the configuration.
        """
        module_of(plugin)
        settings = self._settings.get((plugin.family, plugin.name), {})
        declared = self.manager.load(plugin)
        checked = _checked(plugin, declared.settings, settings)
        try:
            made = Made(plugin, Component(declared.create(checked), settings))
            if plugin.family == "reducer":
                made.owns().union(made.governs())
        except Exception as error:  # its author's code may raise anything
            raise PluginError(f"{plugin} failed: {type(error).__name__}: {error}") from error
        return made

    def reducers(self, first: Iterable[Made] = ()) -> list[Made]:
        """Return the reducers at hand: `first`, those that are picked, then all that fit beside."""
        found = list(first)
        others = [
            plugin
            for plugin in self.manager.installed("reducer")
            if plugin not in [made.plugin for made in found]
        ]
        for plugin in sorted(others, key=lambda each: ("reducer", each.name) not in self._settings):
            try:
                reducer = self.made(plugin)
            except RynxsError as error:
                self.absent.append(str(error))
                continue
            rivals = [
                str(other.plugin)
                for other in found
                if other.owns() & reducer.owns() or other.governs() & reducer.governs()
            ]
            if rivals:
                self.absent.append(f"{plugin} owns or governs what {rivals[0]} does")
            else:
                found.append(reducer)
        return found


def module_of(plugin: Installed) -> str:
    """Return the import path of the module with a plugin's hook.

    Raises:
        PluginError: its entry point names no module.
    """
    module = plugin.entry_point.value
    if ":" in module:
        raise PluginError(f"{plugin}: its entry point is {module!r}, and must be a module")
    return module


def _checked(plugin: Installed, model: Any, settings: Mapping[str, Any]) -> Any:
    try:
        return model.model_validate(settings)
    except ValidationError as error:
        found = "\n".join(f"{plugin}: {each}" for each in problems_of(error, model, ("settings",)))
        raise ConfigError(f"{found}\npick it in rynxs.yaml, with its settings") from None
