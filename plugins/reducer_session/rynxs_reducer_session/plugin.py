"""The hook: the reducer named ``session``."""

from __future__ import annotations

from rynxs.api import ConfigModel, ReducerPlugin, hookimpl
from rynxs_reducer_session.reducer import SessionReducer


class SessionSettings(ConfigModel):
    """``settings.reducers.session``: there is nothing to set."""


@hookimpl
def rynxs_reducer() -> ReducerPlugin:
    """Return the Session reducer."""
    return ReducerPlugin(name="session", settings=SessionSettings, create=_create)


def _create(settings: SessionSettings) -> SessionReducer:
    return SessionReducer()
