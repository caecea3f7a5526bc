"""The hook: the reducer named ``universe``."""

from __future__ import annotations

from rynxs.api import ConfigModel, ReducerPlugin, hookimpl
from rynxs_reducer_universe.reducer import UniverseReducer


class UniverseSettings(ConfigModel):
    """``settings.reducers.universe``: there is nothing to set."""


@hookimpl
def rynxs_reducer() -> ReducerPlugin:
    """Return the Universe reducer."""
    return ReducerPlugin(name="universe", settings=UniverseSettings, create=_create)


def _create(settings: UniverseSettings) -> UniverseReducer:
    return UniverseReducer()
