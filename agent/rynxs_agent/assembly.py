"""What runs are made of, put together from what the pod is told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from rynxs_agent.errors import ConfigurationError
from rynxs_agent.instructions import instructions
from rynxs_agent.model.provider import Provider
from rynxs_agent.outcome import Reason, RunEnded
from rynxs_agent.run import Bounds, Run
from rynxs_agent.tools.addresses import Guard
from rynxs_agent.tools.fetch import Fetch
from rynxs_agent.tools.files import Files
from rynxs_agent.tools.shell import Shell
from rynxs_agent.tools.toolbox import Toolbox, unknown_names

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aiohttp import ClientSession

    from rynxs_agent.log import Log
    from rynxs_agent.model.chat import Answer, Message, Model
    from rynxs_agent.outcome import Outcome
    from rynxs_agent.secret import Secret
    from rynxs_agent.settings import Settings
    from rynxs_agent.sources import Sources
    from rynxs_agent.spec import AgentSpec
    from rynxs_agent.tools.workspace import Workspace


class Pod(NamedTuple):
    """What this process has been told, and has opened.

    Attributes:
        spec: of the agent.
        settings: of this runtime.
        workspace: where it works.
        api_key: of its provider.
        hides_memory: whether no other process can read that key out of this one.
        log: of what happens.
        sources: of time and chance.
    """

    spec: AgentSpec
    settings: Settings
    workspace: Workspace
    api_key: Secret
    hides_memory: bool
    log: Log
    sources: Sources


class Work(NamedTuple):
    """A run that has not begun.

    Attributes:
        run: itself.
        instructions: what its model is told first.
        api_key: what no outcome bears.
    """

    run: Run
    instructions: str
    api_key: Secret

    async def on(self, task: str) -> Outcome:
        """Work on a task until there is an outcome."""
        return (await self.run.outcome(self.instructions, task)).hiding(self.api_key)


class Assembly:
    """Makes runs."""

    def __init__(self, pod: Pod, http: ClientSession) -> None:
        """Put together what all runs share.

        Args:
            pod: what is known.
            http: by which the provider is asked.
        """
        self._pod = pod
        self._model = _model(pod, http)
        root, settings = pod.workspace.root, pod.settings
        self._shared = Fetch(Guard(pod.spec.network.allow_egress_to)).tools()
        # A command could read the key where memory can't be hidden.
        if pod.hides_memory:
            self._shared += Shell(root, settings.shell_s).tools()
        allow = pod.spec.tools.allow
        tools = [*self._shared, *Files(pod.workspace).tools()]
        for name in unknown_names(allow, tools):
            pod.log.warning("tools.allow has what this runtime does not have", tool=name)

    def work(self, name: str, time_s: float | None) -> Work:
        """Return a run that has not begun.

        Args:
            name: of the session or task.
            time_s: how long it may take, None if somebody else sees to that.
        """
        pod, settings = self._pod, self._pod.settings
        files = Files(pod.workspace)
        toolbox = Toolbox([*files.tools(), *self._shared], pod.spec.tools.allow)
        bounds = Bounds(settings.steps, settings.tokens, settings.malformed, time_s)
        run = Run(self._model, toolbox, files.written, bounds, pod.log, pod.sources.elapsed_s, name)
        told = instructions(pod.spec, pod.workspace.root, toolbox.functions)
        return Work(run, told, pod.api_key)


def _model(pod: Pod, http: ClientSession) -> Model:
    """Return the model; one that can't be asked says why in each run, and the pod is well."""
    try:
        if pod.spec.provider is None:
            raise ConfigurationError("the agent has no provider, and its universe gives it none")
        return Provider(pod.spec.provider, pod.api_key, http, pod.settings, pod.sources, pod.log)
    except ConfigurationError as error:
        pod.log.warning("the model can't be asked", problem=str(error))
        return _Unusable(str(error))


class _Unusable:
    """A model that can't be asked."""

    def __init__(self, problem: str) -> None:
        self._problem = problem

    async def answer(
        self, messages: Sequence[Message], tools: Sequence[Mapping[str, Any]]
    ) -> Answer:
        """Say why not."""
        raise RunEnded(Reason.BAD_CONFIGURATION, self._problem)
