"""The hook: the reducer named ``agent``."""

from __future__ import annotations

from rynxs.api import ConfigModel, ReducerPlugin, hookimpl
from rynxs_reducer_agent.reducer import AgentReducer


class AgentSettings(ConfigModel):
    """``settings.reducers.agent``: there is nothing to set."""


@hookimpl
def rynxs_reducer() -> ReducerPlugin:
    """Return the Agent reducer."""
    return ReducerPlugin(name="agent", settings=AgentSettings, create=_create)


def _create(settings: AgentSettings) -> AgentReducer:
    return AgentReducer()
