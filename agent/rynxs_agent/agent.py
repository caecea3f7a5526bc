"""An agent: it waits for tasks, works on one after the other, and ends when it is told to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rynxs_agent.endpoint import Endpoint
from rynxs_agent.outcome import Reason
from rynxs_agent.tasks import Board
from rynxs_agent.waiting import unless

if TYPE_CHECKING:
    import asyncio

    from rynxs_agent.assembly import Assembly, Pod
    from rynxs_agent.tasks import Task

_TIME_LIMIT_S: Final = 3600.0


async def serve_agent(assembly: Assembly, pod: Pod, stopping: asyncio.Event) -> None:
    """Take tasks until `stopping` is set; what is under way then is abandoned.

    Args:
        assembly: makes a run of each task.
        pod: what is known.
        stopping: is set when the pod is to end.

    Raises:
        ConfigurationError: tasks can't be listened for.
    """
    board = Board(pod.sources.new_id)
    limit_s = pod.settings.time_limit_s or _TIME_LIMIT_S
    async with Endpoint(pod.settings, pod.spec.image.health, board) as endpoint:
        pod.log.say("ready", port=endpoint.ports[0])
        await unless(stopping, _work(board, assembly, limit_s))
        board.close()
        pod.log.say("ending")


async def _work(board: Board, assembly: Assembly, limit_s: float) -> None:
    """Work on the tasks of a board, for ever."""
    while True:
        await _work_on(await board.next(), assembly, limit_s)


async def _work_on(task: Task, assembly: Assembly, limit_s: float) -> None:
    work = assembly.work(task.id, limit_s)
    outcome = None
    try:
        outcome = await unless(task.cancelling, work.on(task.text))
        if outcome is None:
            outcome = work.run.ended(Reason.CANCELLED, "the task was cancelled")
    finally:
        task.end(outcome or work.run.ended(Reason.TERMINATED, "the agent was told to end"))
