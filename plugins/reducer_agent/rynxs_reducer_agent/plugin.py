"""The hook: the reducer named ``agent``."""

from __future__ import annotations

from rynxs.api import ReducerPlugin, hookimpl
from rynxs_reducer_agent.reducer import AgentReducer
from rynxs_reducer_agent.settings import AgentSettings


@hookimpl
def rynxs_reducer() -> ReducerPlugin:
    """Return the Agent reducer."""
    return ReducerPlugin(name="agent", settings=AgentSettings, create=AgentReducer)
