"""The HTTP endpoint of an agent: tasks are given and asked after here, and its health is told."""

from __future__ import annotations

import asyncio
import os
import socket
from contextlib import suppress
from typing import TYPE_CHECKING, Final, Self

from aiohttp import hdrs, web
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from rynxs_agent.errors import ConfigurationError
from rynxs_agent.problems import problems_of
from rynxs_agent.tasks import Busy

if TYPE_CHECKING:
    from rynxs_agent.settings import Settings
    from rynxs_agent.spec import Health
    from rynxs_agent.tasks import Board, Task

_BODY_SIZE_MAX = 1024 * 1024
_WAIT_MAX_S = 60.0
_END_S = 5.0
"""So long an answer that is under way may take once the endpoint is to stop."""
_BUSY_S: Final = "10"
_HEALTH: Final = "/healthz"


class Asked(BaseModel):
    """The body of a request to take a task."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    input: str = Field(min_length=1)


class Endpoint:
    """Serves an agent's tasks and its health; a context manager.

    Attributes:
        ports: where it listens, that of the tasks first.
    """

    def __init__(self, settings: Settings, health: Health | None, board: Board) -> None:
        """Serve nothing yet.

        Args:
            settings: say where.
            health: where Kubernetes asks, beside the task port's ``/healthz``.
            board: the tasks.
        """
        self._host = settings.host
        self._board = board
        paths = {_HEALTH} | ({health.path} if health else set())
        self.ports = [settings.task_port]
        if health and health.port != settings.task_port:
            self.ports.append(health.port)
        self._runners = [
            web.AppRunner(
                self._application(paths, with_tasks=index == 0),
                access_log=None,
                shutdown_timeout=_END_S,
            )
            for index in range(len(self.ports))
        ]

    async def __aenter__(self) -> Self:
        """Listen.

        Raises:
            ConfigurationError: that is not possible there.
        """
        try:
            for index, runner in enumerate(self._runners):
                await runner.setup()
                listener = _listener(self._host, self.ports[index])
                await web.SockSite(runner, listener).start()
                self.ports[index] = listener.getsockname()[1]
        except BaseException:
            await self.__aexit__()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        """Listen no more, once all requests are answered or have taken too long."""
        for runner in self._runners:
            await runner.cleanup()

    def _application(self, health_paths: set[str], *, with_tasks: bool) -> web.Application:
        application = web.Application(client_max_size=_BODY_SIZE_MAX)
        for path in sorted(health_paths):
            application.router.add_get(path, self._healthy)
        if with_tasks:
            application.router.add_post("/tasks", self._add)
            if "/tasks" not in health_paths:
                application.router.add_get("/tasks", self._list)
            application.router.add_get("/tasks/{id}", self._show)
            application.router.add_delete("/tasks/{id}", self._cancel)
        return application

    async def _healthy(self, request: web.Request) -> web.Response:
        if self._board.is_closed:
            return web.Response(status=web.HTTPServiceUnavailable.status_code, text="ending\n")
        return web.Response(text="ok\n")

    async def _add(self, request: web.Request) -> web.Response:
        try:
            asked = Asked.model_validate_json(await request.read())
            task = self._board.add(asked.input)
        except ValidationError as error:
            return _problem(web.HTTPBadRequest.status_code, problems_of(error))
        except Busy as error:
            answer = _problem(web.HTTPServiceUnavailable.status_code, str(error))
            answer.headers[hdrs.RETRY_AFTER] = _BUSY_S
            return answer
        answer = _told(task, web.HTTPAccepted.status_code)
        answer.headers[hdrs.LOCATION] = f"/tasks/{task.id}"
        return answer

    async def _list(self, request: web.Request) -> web.Response:
        tasks = [{"id": task.id, "state": task.state} for task in self._board.all()]
        return web.json_response({"tasks": tasks})

    async def _show(self, request: web.Request) -> web.Response:
        task = self._board.get(request.match_info["id"])
        if task is None:
            return _no_task()
        wait_s = _seconds(request.query.get("wait", "0"))
        if wait_s is None:
            return _problem(web.HTTPBadRequest.status_code, "wait: a number of seconds is expected")
        with suppress(TimeoutError):
            async with asyncio.timeout(min(wait_s, _WAIT_MAX_S)):
                await task.done.wait()
        return _told(task)

    async def _cancel(self, request: web.Request) -> web.Response:
        task = self._board.get(request.match_info["id"])
        if task is None:
            return _no_task()
        self._board.cancel(task)
        return _told(task, web.HTTPAccepted.status_code)


def _told(task: Task, status: int = 200) -> web.Response:
    return web.json_response(task.document(), status=status)


def _listener(host: str, port: int) -> socket.socket:
    """Return a socket that listens, on all addresses of both families if none is given."""
    try:
        if not host and socket.has_dualstack_ipv6():
            with suppress(OSError):  # a machine may have IPv6 switched off
                return socket.create_server(("", port), family=socket.AF_INET6, dualstack_ipv6=True)
        return socket.create_server((host, port))
    except OSError as error:
        words = os.strerror(error.errno) if error.errno and error.errno > 0 else "no such address"
        raise ConfigurationError(f"port {port} can't be listened on: {words}") from None


def _seconds(text: str) -> float | None:
    try:
        seconds = float(text)
    except ValueError:
        return None
    return seconds if seconds >= 0 else None


def _problem(status: int, message: str) -> web.Response:
    return web.json_response({"error": message}, status=status)


def _no_task() -> web.Response:
    return _problem(web.HTTPNotFound.status_code, "there is no such task, or not any more")
