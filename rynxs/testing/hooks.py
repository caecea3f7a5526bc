"""Loading a plugin by its module, as the plugin manager does by its entry point."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any, NamedTuple

import pluggy

from rynxs import extension, hookspecs
from rynxs.engine.composition import Component
from rynxs.errors import PluginError

if TYPE_CHECKING:
    from collections.abc import Mapping

_DECLARATIONS: dict[str, Any] = {
    "sink": extension.SinkPlugin,
    "reducer": extension.ReducerPlugin,
    "renderer": extension.RendererPlugin,
    "signer": extension.SignerPlugin,
}


@cache
def declared(module: str, family: str) -> Any:
    """Import a module and return what its hook declares; the hook fires once.

    Args:
        module: import path of the module that implements the hook.
        family: ``sink``, ``reducer``, ``renderer`` or ``signer``.

    Raises:
        PluginError: it implements another hook, more than one or none, or declares something else.
    """
    if not module:
        raise PluginError(
            "plugin_module is not set; it is the import path of the module with the hook"
        )
    plugin = import_module(module)
    manager = pluggy.PluginManager(extension.ENTRY_POINT_GROUP)
    manager.add_hookspecs(hookspecs)
    try:
        manager.register(plugin)
        manager.check_pending()
    except (ValueError, pluggy.PluginValidationError) as error:
        raise PluginError(f"{module} does not fit the hooks: {error}") from error
    found = sorted(caller.name for caller in manager.get_hookcallers(plugin) or ())
    if found != [f"rynxs_{family}"]:
        listed = ", ".join(found) or "none"
        raise PluginError(f"{module} implements {listed}; it must be rynxs_{family} and no other")
    (declaration,) = getattr(manager.hook, f"rynxs_{family}")() or (None,)
    if not isinstance(declaration, _DECLARATIONS[family]):
        wanted = _DECLARATIONS[family].__name__
        raise PluginError(
            f"{module}: rynxs_{family}() returned {type(declaration).__name__}, not a {wanted}"
        )
    return declaration


def installed_names(module: str) -> list[str]:
    """Return the names of the installed entry points that point to a module."""
    points = entry_points(group=extension.ENTRY_POINT_GROUP)
    return sorted(point.name for point in points if point.value == module)


class Pick(NamedTuple):
    """A reducer or renderer to be made; can be sent to another process as JSON.

    Attributes:
        family: ``reducer`` or ``renderer``.
        module: import path of the module with the hook.
        settings: raw settings, as in the configuration.
    """

    family: str
    module: str
    settings: Mapping[str, Any]

    def made(self) -> Component:
        """Return a new one."""
        plugin = declared(self.module, self.family)
        checked = plugin.settings.model_validate(self.settings)
        return Component(plugin.create(checked), checked.model_dump(mode="json", by_alias=True))
