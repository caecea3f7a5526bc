"""The command ``rynxs-agent``: an agent or a session, as the pod's environment says."""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
from contextlib import closing
from typing import TYPE_CHECKING, Any, TextIO

from aiohttp import ClientSession, DummyCookieJar

from rynxs_agent import __version__
from rynxs_agent.agent import serve_agent
from rynxs_agent.assembly import Assembly, Pod
from rynxs_agent.environment import take_environment
from rynxs_agent.errors import ConfigurationError
from rynxs_agent.linux import adopt_orphans, hide_memory
from rynxs_agent.log import Log
from rynxs_agent.outcome import Outcome, Reason
from rynxs_agent.session import run_session, tell_kubernetes
from rynxs_agent.settings import read_settings, termination_log
from rynxs_agent.sources import Sources
from rynxs_agent.spec import read_spec
from rynxs_agent.tools.workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import Coroutine, MutableMapping

    from rynxs_agent.environment import Environment


def main() -> None:
    """Run, and end the process with the exit status that the README lists."""
    parser = argparse.ArgumentParser(
        prog="rynxs-agent",
        description="Runs an agent or a session of rynxs, as the environment of its pod says.",
    )
    parser.add_argument("--version", action="version", version=__version__)
    parser.parse_args()
    # Both come before anything could be started that would look.
    hides_memory = hide_memory()
    adopt_orphans()
    variables = os.environ  # noqa: TID251 - this is where the environment comes in
    status = start(variables, sys.stdout, hides_memory=hides_memory)
    # Python would wait for the thread of a name that is still being looked up.
    os._exit(status)


def start(variables: MutableMapping[str, str], out: TextIO, *, hides_memory: bool) -> int:
    """Run what an environment asks for, and return the exit status.

    Args:
        variables: the environment; the API key is taken out of it.
        out: where the log goes.
        hides_memory: whether no other process can read that key out of this one.
    """
    sources = Sources()
    log = Log(out, sources.now_s)
    try:
        settings = read_settings(variables)
        log = Log(out, sources.now_s, with_content=settings.log_content)
        environment = take_environment(variables)
        log.hide(environment.api_key)
        spec = read_spec(environment.spec)
        with closing(Workspace(environment.workspace)) as workspace:
            pod = Pod(spec, settings, workspace, environment.api_key, hides_memory, log, sources)
            outcome = _finished(_run(pod, environment))
    except ConfigurationError as error:
        log.warning("not acceptable", problem=str(error))
        outcome = Outcome(Reason.BAD_CONFIGURATION, str(error))
    if not tell_kubernetes(termination_log(variables), outcome):
        log.warning("the termination message can't be written")
    return outcome.exit_status


def _finished(work: Coroutine[Any, Any, Outcome]) -> Outcome:
    """Return what comes of some work, without waiting for threads as `asyncio.run` does."""
    loop = asyncio.new_event_loop()
    try:
        return loop.run_until_complete(work)
    finally:
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()


async def _run(pod: Pod, environment: Environment) -> Outcome:
    """Run a session, or an agent until it is told to end, which is no failure."""
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for each in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(each, stopping.set)
    async with ClientSession(cookie_jar=DummyCookieJar()) as http:
        assembly = Assembly(pod, http)
        if environment.session is not None:
            return await run_session(assembly, pod, environment.session, stopping)
        await serve_agent(assembly, pod, stopping)
        return Outcome(Reason.COMPLETED, "the agent was told to end")
