"""The plugin manager: what is installed, and loading what is picked by name, nothing else."""

from __future__ import annotations

from functools import cached_property
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any, NamedTuple

import pluggy

from rynxs import extension, hookspecs
from rynxs.errors import PluginError
from rynxs.problems import nearest

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

    from rynxs.extension import ReducerPlugin, RendererPlugin, SignerPlugin, SinkPlugin

_DECLARATIONS: dict[str, Any] = {
    "sink": extension.SinkPlugin,
    "reducer": extension.ReducerPlugin,
    "renderer": extension.RendererPlugin,
    "signer": extension.SignerPlugin,
}


class Installed(NamedTuple):
    """A plugin that an installed distribution offers; not imported yet.

    Attributes:
        family, name: from its entry point, ``family.name``.
        distribution, version: of the distribution that offers it.
    """

    family: str
    name: str
    distribution: str
    version: str
    entry_point: EntryPoint

    def __str__(self) -> str:
        return f"{self.family} '{self.name}' of {self.distribution} {self.version}"


class PluginManager:
    """Finds plugins by entry point, and imports each on first use."""

    def __init__(self) -> None:
        self._manager = pluggy.PluginManager(extension.ENTRY_POINT_GROUP)
        self._manager.add_hookspecs(hookspecs)
        self._loaded: dict[tuple[str, str], Any] = {}

    def installed(self, family: str | None = None) -> list[Installed]:
        """Return what is installed, of one family or of all, sorted by family and name."""
        return [plugin for plugin in self._installed if family in {None, plugin.family}]

    @cached_property
    def _installed(self) -> list[Installed]:
        found = []
        for entry_point in entry_points(group=extension.ENTRY_POINT_GROUP):
            family, _, name = entry_point.name.partition(".")
            distribution = entry_point.dist
            assert distribution is not None, "an entry point found by group has a distribution"
            found.append(
                Installed(family, name, distribution.name, distribution.version, entry_point)
            )
        return sorted(found, key=lambda plugin: plugin[:4])

    def sink(self, name: str) -> SinkPlugin:
        """Return the sink of that name; see `_load` for what it raises."""
        return self._load("sink", name)  # type: ignore[no-any-return]

    def reducer(self, name: str) -> ReducerPlugin:
        """Return the reducer of that name; see `_load` for what it raises."""
        return self._load("reducer", name)  # type: ignore[no-any-return]

    def renderer(self, name: str) -> RendererPlugin:
        """Return the renderer of that name; see `_load` for what it raises."""
        return self._load("renderer", name)  # type: ignore[no-any-return]

    def signer(self, name: str) -> SignerPlugin:
        """Return the signature scheme of that name; see `_load` for what it raises."""
        return self._load("signer", name)  # type: ignore[no-any-return]

    def load(self, plugin: Installed) -> Any:
        """Import an installed plugin and return what its hook declares.

        Raises:
            PluginError: it does not import, or does not fit its family.
        """
        return self._load(plugin.family, plugin.name)

    def _load(self, family: str, name: str) -> Any:
        """Return the declaration of a plugin.

        Raises:
            PluginError: it is not installed, offered twice, does not import, or does not fit.
        """
        if (family, name) not in self._loaded:
            self._loaded[family, name] = self._declaration(self._find(family, name))
        return self._loaded[family, name]

    def _find(self, family: str, name: str) -> Installed:
        installed = self.installed(family)
        found = [plugin for plugin in installed if plugin.name == name]
        if not found:
            names = sorted({plugin.name for plugin in installed})
            listed = ", ".join(names) or "none"
            raise PluginError(
                f"{family} '{name}' is not installed; installed are: {listed}{nearest(name, names)}"
            )
        if len(found) > 1:
            offers = " and ".join(f"{plugin.distribution} {plugin.version}" for plugin in found)
            raise PluginError(f"{family} '{name}' is offered by {offers}; uninstall one of them")
        return found[0]

    def _declaration(self, plugin: Installed) -> Any:
        if plugin.family not in extension.FAMILIES:
            families = ", ".join(extension.FAMILIES)
            raise PluginError(
                f"entry point '{plugin.entry_point.name}' of {plugin.distribution} "
                f"{plugin.version} is not called family.name; families are: {families}"
            )
        try:
            module = plugin.entry_point.load()
        # A plugin's import runs its author's code, which may raise anything, or try to exit.
        except (Exception, SystemExit) as error:
            raise PluginError(
                f"{plugin} does not import: {type(error).__name__}: {error}"
            ) from error
        try:
            self._manager.register(module, name=plugin.entry_point.name)
            self._manager.check_pending()
        except (ValueError, pluggy.PluginValidationError) as error:
            raise PluginError(f"{plugin} does not fit the hooks: {error}") from error
        return self._call_hook(plugin, module)

    def _call_hook(self, plugin: Installed, module: object) -> Any:
        hook = f"rynxs_{plugin.family}"
        others = self._manager.get_plugins() - {module}
        try:
            declared: list[Any] = self._manager.subset_hook_caller(hook, others)()
        # So does its hook.
        except Exception as error:
            raise PluginError(f"{plugin} failed: {type(error).__name__}: {error}") from error
        wanted = _DECLARATIONS[plugin.family]
        if len(declared) != 1 or not isinstance(declared[0], wanted):
            raise PluginError(f"{plugin} does not implement {hook}() -> {wanted.__name__}")
        if declared[0].name != plugin.name:
            raise PluginError(f"{plugin} calls itself '{declared[0].name}'")
        return declared[0]
