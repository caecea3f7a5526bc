"""A stub of a model's server, for tests: it answers by a script, and keeps what it is asked."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from aiohttp import web

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class Scripted(NamedTuple):
    """One answer of the stub.

    Attributes:
        body: what is answered.
        status: the HTTP status.
        headers: more of them.
        never: whether it is never given.
    """

    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = {}
    never: bool = False


class Question(NamedTuple):
    """One request that the stub was made.

    Attributes:
        headers: as they came.
        body: as JSON.
    """

    headers: Mapping[str, str]
    body: dict[str, Any]

    @property
    def told(self) -> list[str]:
        """What tools have answered since the model last spoke."""
        told: list[str] = []
        for message in self.body["messages"]:
            told = [*told, message["content"]] if message["role"] == "tool" else []
        return told


def says(text: str | None, *, tokens: int = 10, **choice: Any) -> Scripted:
    """Return the answer that is a text."""
    return _completion({"role": "assistant", "content": text}, tokens, choice)


def calls(*wanted: tuple[str, Any], tokens: int = 10) -> Scripted:
    """Return the answer that calls functions, each with its arguments: JSON, or a text as it is."""
    listed = [
        {
            "id": f"call-{index}",
            "type": "function",
            "function": {
                "name": function,
                "arguments": given if isinstance(given, str) else json.dumps(given),
            },
        }
        for index, (function, given) in enumerate(wanted)
    ]
    return _completion({"role": "assistant", "content": None, "tool_calls": listed}, tokens, {})


def fails(status: int, body: bytes = b"", **headers: str) -> Scripted:
    """Return an answer that is no completion; headers are given with ``_`` for ``-``."""
    return Scripted(body, status, {name.replace("_", "-"): each for name, each in headers.items()})


def hangs() -> Scripted:
    """Return the answer that never comes."""
    return Scripted(never=True)


def _completion(message: dict[str, Any], tokens: int, choice: Mapping[str, Any]) -> Scripted:
    completion = {
        "object": "chat.completion",
        "choices": [{"index": 0, "finish_reason": "stop", "message": message, **choice}],
        "usage": {"total_tokens": tokens},
    }
    return Scripted(json.dumps(completion).encode(), headers={"Content-Type": "application/json"})


class StubModel:
    """Serves chat completions on a port of the loopback; a context manager.

    Attributes:
        questions: what it was asked so far.
        url: for ``provider.baseUrl``, once it serves.
    """

    def __init__(self, script: Sequence[Scripted], *, host: str = "127.0.0.1") -> None:
        """Serve nothing yet.

        Args:
            script: the answers, one after the other; then it answers 410.
            host: to listen on.
        """
        self.questions: list[Question] = []
        self.url = ""
        self._script = list(script)
        self._host = host
        self._asked = asyncio.Condition()
        self._ending = asyncio.Event()
        application = web.Application(client_max_size=64 * 1024 * 1024)
        application.router.add_post("/v1/chat/completions", self._answer)
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=1.0)

    async def __aenter__(self) -> Self:
        """Serve."""
        await self._runner.setup()
        await web.TCPSite(self._runner, self._host, 0).start()
        self.url = f"http://{self._host}:{self._runner.addresses[0][1]}/v1"
        return self

    async def __aexit__(self, *_: object) -> None:
        """Serve no more."""
        self._ending.set()
        await self._runner.cleanup()

    async def asked(self, times: int) -> None:
        """Wait until it was asked so often."""
        async with self._asked:
            await self._asked.wait_for(lambda: len(self.questions) >= times)

    async def _answer(self, request: web.Request) -> web.Response:
        body = json.loads(await request.read())
        index = len(self.questions)
        async with self._asked:
            self.questions.append(Question(dict(request.headers), body))
            self._asked.notify_all()
        if index >= len(self._script):
            return web.Response(status=410, text="the script has ended")
        scripted = self._script[index]
        if scripted.never:
            await self._ending.wait()
        return web.Response(body=scripted.body, status=scripted.status, headers=scripted.headers)
