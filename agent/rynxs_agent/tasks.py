"""The tasks of an agent: one is worked on, some wait, and the last ones are remembered."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Any

from rynxs_agent.errors import AgentError
from rynxs_agent.outcome import Outcome, Reason

if TYPE_CHECKING:
    from collections.abc import Callable

_WAITING_MAX = 16
_REMEMBERED_MAX = 100


class Busy(AgentError):
    """No task is taken now."""


class Task:
    """Something that an agent is asked to do.

    Attributes:
        id: its name.
        text: what to do; forgotten once it is done.
        started: whether it is or was worked on.
        outcome: how it ended, None until then.
        cancelling: is set when nobody wants it any more.
        done: is set when there is an outcome.
    """

    def __init__(self, id_: str, text: str) -> None:
        self.id = id_
        self.text = text
        self.started = False
        self.outcome: Outcome | None = None
        self.cancelling = asyncio.Event()
        self.done = asyncio.Event()

    @property
    def state(self) -> str:
        """``Queued``, ``Running``, ``Succeeded`` or ``Failed``."""
        if self.outcome is not None:
            return self.outcome.state
        return "Running" if self.started else "Queued"

    def end(self, outcome: Outcome) -> None:
        """Let it have ended."""
        self.text = ""
        self.outcome = outcome
        self.done.set()

    def document(self) -> dict[str, Any]:
        """Return what is told of it."""
        about = {} if self.outcome is None else self.outcome.document()
        return {"id": self.id, "state": self.state, **about}


class Board:
    """The tasks of an agent, all in memory: they end with the pod."""

    def __init__(self, new_id: Callable[[], str]) -> None:
        self._new_id = new_id
        self._waiting: deque[Task] = deque()
        self._known: dict[str, Task] = {}
        self._arrived = asyncio.Event()
        self.is_closed = False

    def add(self, text: str) -> Task:
        """Take a task.

        Raises:
            Busy: too many wait, or the agent is about to end.
        """
        if self.is_closed:
            raise Busy("the agent is about to end")
        if len(self._waiting) >= _WAITING_MAX:
            raise Busy(f"{_WAITING_MAX} tasks are waiting already")
        task = Task(self._new_id(), text)
        self._known[task.id] = task
        self._waiting.append(task)
        self._arrived.set()
        self._forget()
        return task

    def get(self, id_: str) -> Task | None:
        """Return a task, None if it is not known, or not any more."""
        return self._known.get(id_)

    def all(self) -> list[Task]:
        """Return all that are known, oldest first."""
        return list(self._known.values())

    async def next(self) -> Task:
        """Return the task that has waited longest, once there is one; it is to be worked on."""
        while not self._waiting:
            self._arrived.clear()
            await self._arrived.wait()
        task = self._waiting.popleft()
        task.started = True
        return task

    def cancel(self, task: Task) -> None:
        """Let a task end soon, unless it has; one that waits ends at once."""
        task.cancelling.set()
        if task in self._waiting:
            self._waiting.remove(task)
            task.end(Outcome(Reason.CANCELLED, "the task was cancelled"))

    def close(self) -> None:
        """Take no more tasks, and let those that wait end."""
        self.is_closed = True
        while self._waiting:
            self._waiting.popleft().end(Outcome(Reason.TERMINATED, "the agent was told to end"))

    def _forget(self) -> None:
        done = [task.id for task in self._known.values() if task.outcome is not None]
        for id_ in done[: max(0, len(done) - _REMEMBERED_MAX)]:
            del self._known[id_]
