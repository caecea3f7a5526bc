"""A session: one run on a given input, whose outcome is kept where others find it."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from rynxs_agent.errors import ToolError
from rynxs_agent.outcome import Outcome, Reason, termination_message
from rynxs_agent.tools.files import RESERVED
from rynxs_agent.waiting import unless

if TYPE_CHECKING:
    import asyncio

    from rynxs_agent.assembly import Assembly, Pod
    from rynxs_agent.environment import SessionPlace


async def run_session(
    assembly: Assembly, pod: Pod, session: SessionPlace, stopping: asyncio.Event
) -> Outcome:
    """Run a session to its outcome, and write that into the workspace.

    Args:
        assembly: makes the run.
        pod: what is known.
        session: to run.
        stopping: is set when the pod is to end.

    Raises:
        ConfigurationError: the input can't be read.
    """
    place = f"{RESERVED}/sessions/{session.name}/outcome.json"
    pod.workspace.make_writable(place)
    with suppress(ToolError):  # of an earlier attempt; mostly there is none
        pod.workspace.delete(place)
    text = session.read_input()
    work = assembly.work(session.name, pod.settings.time_limit_s)
    outcome = await unless(stopping, work.on(text))
    if outcome is None:
        outcome = work.run.ended(Reason.TERMINATED, "the pod was told to end")
    pod.workspace.make_writable(place)  # a command may have closed it
    document = json.dumps(outcome.document(), indent=2, ensure_ascii=False) + "\n"
    try:
        pod.workspace.write(place, document.encode(errors="replace"))
    except ToolError as error:
        pod.log.warning("the outcome can't be written", problem=str(error))
    return outcome


def tell_kubernetes(path: str, outcome: Outcome) -> bool:
    """Write the termination message, if there is a file for it; tell whether there is."""
    try:
        with Path(path).open("r+", encoding="utf-8") as file:
            file.truncate()  # what a command has left there is nobody's to read
            file.write(termination_message(outcome))
    except OSError:
        return False
    return True
