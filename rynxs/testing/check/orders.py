"""What is judged of an installed plugin, and by what."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from rynxs.errors import UsageError
from rynxs.testing.check.making import module_of
from rynxs.testing.check.places import FRESH
from rynxs.testing.check.promise import Order
from rynxs.testing.check.samples import sampled

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from rynxs.plugins import Installed, PluginManager


class Given(NamedTuple):
    """What the user gave to judge by.

    Attributes:
        log: URL of a sink's logs, with ``{}``; None for a temporary directory.
        kills: how often a sink's writer is killed.
        manifests: files and directories with sample objects.
        config: file with the settings of reducers and renderers; None for the default one.
    """

    log: str | None
    kills: int
    manifests: Sequence[str]
    config: Path | None


def order_of(plugin: Installed, manager: PluginManager, given: Given) -> Order:
    """Return what is to be judged of a plugin.

    Raises:
        UsageError: something needed was not given, or something given is not for this family.
        PluginError: the plugin, or one that it can't do without, is not there or does not load.
    """
    manager.load(plugin)
    module = module_of(plugin)
    if given.log is not None and plugin.family != "sink":
        raise UsageError(f"--log is for sinks, and {plugin} is none")
    if given.manifests and plugin.family not in {"reducer", "renderer"}:
        raise UsageError(f"--manifests is for reducers and renderers, and {plugin} is neither")
    if plugin.family == "sink":
        return Order("sink", module, log=_rest(plugin, given.log), kills=given.kills)
    if plugin.family == "signer":
        return Order("signer", module)
    if not given.manifests:
        raise UsageError(f"{plugin} is judged by sample objects; give some by --manifests FILE")
    return sampled(plugin, manager, given.manifests, given.config)


def _rest(plugin: Installed, url: str | None) -> str | None:
    """Return what follows the name in the URL of the logs."""
    if url is None:
        return None
    name, colon, rest = url.partition(":")
    if not colon or name != plugin.name:
        raise UsageError(f"--log {url}: not a log of {plugin}; expected is {plugin.name}:...")
    if FRESH not in rest:
        raise UsageError(f"--log {url}: needs {FRESH} where the name of each new log is to stand")
    return rest
