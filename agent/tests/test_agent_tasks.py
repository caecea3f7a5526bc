"""An agent: it takes tasks over HTTP, works on them one by one, and ends as it is told to."""

from __future__ import annotations

import asyncio
import io
import json
import socket
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Literal

import pytest
from aiohttp import ClientSession

from rynxs_agent.agent import serve_agent
from rynxs_agent.assembly import Assembly
from rynxs_agent.endpoint import Endpoint
from rynxs_agent.errors import ConfigurationError
from rynxs_agent.settings import Settings
from rynxs_agent.tasks import Board
from rynxs_agent.testing import StubModel, calls, hangs, says

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from pathlib import Path

    from rynxs_agent.assembly import Pod
    from rynxs_agent.testing import Scripted


class Agent:
    """A client of an agent that is served.

    Attributes:
        stub: its model.
        stopping: ends it.
        serving: what serves it.
    """

    def __init__(
        self,
        http: ClientSession,
        stub: StubModel,
        stopping: asyncio.Event,
        serving: asyncio.Task[None],
        url: str,
    ) -> None:
        self.stub = stub
        self.stopping = stopping
        self.serving = serving
        self._http = http
        self._url = url

    async def ask(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """Return status and document of an answer."""
        data = None if body is None else io.BytesIO(json.dumps(body).encode())
        async with self._http.request(method, self._url + path, data=data) as answer:
            is_json = answer.content_type == "application/json"
            return answer.status, await answer.json() if is_json else await answer.text()

    async def give(self, text: str) -> str:
        """Give a task, and return its path."""
        status, document = await self.ask("POST", "/tasks", {"input": text})
        assert (status, document["state"]) == (202, "Queued")
        return f"/tasks/{document['id']}"

    async def outcome(self, path: str) -> dict[str, Any]:
        """Return a task once it has ended."""
        status, document = await self.ask("GET", f"{path}?wait=60")
        assert status == 200
        assert isinstance(document, dict)
        return document


class Serve:
    """Serves agents."""

    def __init__(self, make_pod: Callable[..., Pod], written: io.StringIO) -> None:
        self._make_pod = make_pod
        self._written = written

    def __call__(
        self, script: list[Scripted], talk: Callable[[Agent], Awaitable[None]], **members: Any
    ) -> None:
        asyncio.run(self._serve(script, talk, members))

    async def _serve(
        self,
        script: list[Scripted],
        talk: Callable[[Agent], Awaitable[None]],
        members: dict[str, Any],
    ) -> None:
        async with StubModel(script) as stub, ClientSession() as http:
            provider = {"kind": "openai", "baseUrl": stub.url, "model": "llama"}
            pod = self._make_pod(**({"provider": provider} | members))
            async with _served(Assembly(pod, http), pod, self._written) as (url, stopping, serving):
                await talk(Agent(http, stub, stopping, serving, url))


@asynccontextmanager
async def _served(
    assembly: Assembly, pod: Any, written: io.StringIO
) -> AsyncIterator[tuple[str, asyncio.Event, asyncio.Task[None]]]:
    stopping, ready = asyncio.Event(), asyncio.Event()
    ports: list[int] = []
    said = pod.log.say

    def say(event: str, **fields: Any) -> None:
        said(event, **fields)
        if event == "ready":
            ports.append(fields["port"])
            ready.set()

    pod.log.say = say
    serving = asyncio.create_task(serve_agent(assembly, pod, stopping))
    try:
        await asyncio.wait_for(ready.wait(), 30)
        yield f"http://127.0.0.1:{ports[0]}", stopping, serving
    finally:
        stopping.set()
        await serving


@pytest.fixture
def serve(make_pod: Callable[..., Pod], written: io.StringIO) -> Serve:
    return Serve(make_pod, written)


def test_a_task_is_worked_on_with_the_allowed_tools(serve: Serve, root: Path) -> None:
    async def talk(agent: Agent) -> None:
        path = await agent.give("write it")
        assert await agent.outcome(path) == {
            "id": path.rpartition("/")[2],
            "state": "Succeeded",
            "reason": "Completed",
            "message": "",
            "answer": "written",
            "steps": 2,
            "tokens": 20,
            "files": ["it.md"],
        }
        assert agent.stub.questions[0].body["messages"][1]["content"] == "write it"

    script = [calls(("files_write", {"path": "it.md", "content": "it"})), says("written")]
    serve(script, talk, tools={"allow": ["files"]})
    assert (root / "it.md").read_text() == "it"


def test_no_answer_bears_the_key(serve: Serve) -> None:
    async def talk(agent: Agent) -> None:
        assert (await agent.outcome(await agent.give("try")))["answer"] == "it is ***"

    serve([says("it is sk-a-key-of-the-provider")], talk)


def test_tasks_are_worked_on_one_after_the_other(serve: Serve) -> None:
    async def talk(agent: Agent) -> None:
        paths = [await agent.give(text) for text in ("a", "b", "c")]
        assert [(await agent.outcome(path))["answer"] for path in paths] == ["1", "2", "3"]
        given = [each.body["messages"][1]["content"] for each in agent.stub.questions]
        assert given == ["a", "b", "c"]
        assert [len(each.body["messages"]) for each in agent.stub.questions] == [2, 2, 2]
        _, listed = await agent.ask("GET", "/tasks")
        assert [f"/tasks/{each['id']}" for each in listed["tasks"]] == paths

    serve([says("1"), says("2"), says("3")], talk)


def test_an_agent_whose_provider_is_away_is_ready_and_says_so_of_its_tasks(serve: Serve) -> None:
    async def talk(agent: Agent) -> None:
        assert await agent.ask("GET", "/healthz") == (200, "ok\n")
        outcome = await agent.outcome(await agent.give("try"))
        assert (outcome["state"], outcome["reason"]) == ("Failed", "ProviderUnavailable")
        assert outcome["message"].endswith("at last: Connection refused")
        assert await agent.ask("GET", "/healthz") == (200, "ok\n")

    away = {"kind": "openai", "baseUrl": "http://127.0.0.1:1/v1", "model": "llama"}
    serve([], talk, provider=away)


@pytest.mark.parametrize(
    ("provider", "problem"),
    [
        (None, "the agent has no provider, and its universe gives it none"),
        ({"kind": "other", "baseUrl": "http://a", "model": "m"}, "provider.kind is not openai"),
    ],
)
def test_an_agent_without_a_provider_that_it_can_ask_is_ready_and_says_so(
    serve: Serve, provider: Any, problem: str
) -> None:
    async def talk(agent: Agent) -> None:
        assert (await agent.ask("GET", "/healthz"))[0] == 200
        outcome = await agent.outcome(await agent.give("try"))
        assert outcome["reason"] == "BadConfiguration"
        assert outcome["message"].startswith(problem)

    serve([], talk, provider=provider)


def test_a_task_that_is_cancelled_ends_and_the_next_one_is_worked_on(serve: Serve) -> None:
    async def talk(agent: Agent) -> None:
        running, waiting, last = [await agent.give(text) for text in "abc"]
        await agent.stub.asked(1)
        assert (await agent.ask("GET", running))[1]["state"] == "Running"
        status, document = await agent.ask("DELETE", waiting)
        assert (status, document["state"], document["reason"]) == (202, "Failed", "Cancelled")
        assert (await agent.ask("DELETE", running))[0] == 202
        assert (await agent.outcome(running))["reason"] == "Cancelled"
        assert (await agent.outcome(last))["answer"] == "done"
        assert len(agent.stub.questions) == 2

    serve([hangs(), says("done")], talk)


class Waited(asyncio.Event):
    """An event that tells whether somebody waits for it.

    Attributes:
        begun: is set once somebody does.
    """

    def __init__(self) -> None:
        super().__init__()
        self.begun = asyncio.Event()

    async def wait(self) -> Literal[True]:
        self.begun.set()
        return await super().wait()


def test_who_waits_for_a_task_is_answered_when_the_agent_ends(make_pod: Callable[..., Pod]) -> None:
    async def run() -> None:
        pod, board = make_pod(), Board(iter("ab").__next__)
        tasks = [board.add("do it") for _ in "ab"]
        waited = [Waited() for _ in tasks]
        for task, event in zip(tasks, waited, strict=True):
            task.done = event

        async def reason_of(http: ClientSession, url: str) -> str:
            async with http.get(url) as answer:
                return str((await answer.json())["reason"])

        async with ClientSession() as http:
            async with Endpoint(pod.settings, None, board) as endpoint:
                url = f"http://127.0.0.1:{endpoint.ports[0]}/tasks"
                asked = [
                    asyncio.create_task(reason_of(http, f"{url}/{id_}?wait=60")) for id_ in "ab"
                ]
                await asyncio.gather(*(event.begun.wait() for event in waited))
                board.close()
                async with http.post(url, json={"input": "more"}) as answer:
                    assert answer.status == 503
            assert await asyncio.gather(*asked) == ["Terminated", "Terminated"]

    asyncio.run(run())


def test_no_more_tasks_wait_than_can_be(serve: Serve) -> None:
    async def talk(agent: Agent) -> None:
        await agent.give("running")
        await agent.stub.asked(1)
        for _ in range(16):
            await agent.give("waiting")
        status, document = await agent.ask("POST", "/tasks", {"input": "too many"})
        assert (status, document) == (503, {"error": "16 tasks are waiting already"})

    serve([hangs()], talk)


def test_only_the_last_tasks_are_remembered(serve: Serve) -> None:
    async def talk(agent: Agent) -> None:
        first = await agent.give("0")
        for index in range(102):
            await agent.outcome(last := await agent.give(str(index)))
        assert (await agent.ask("GET", first))[0] == 404
        assert (await agent.ask("GET", last))[0] == 200

    serve([says("done")] * 103, talk)


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/tasks", {}, 400),
        ("POST", "/tasks", {"input": ""}, 400),
        ("POST", "/tasks", {"input": 1}, 400),
        ("POST", "/tasks", {"input": "a", "model": "b"}, 400),
        ("POST", "/tasks", ["a"], 400),
        ("POST", "/tasks", {"input": "a" * 1_048_570}, 413),
        ("GET", "/tasks/none", None, 404),
        ("DELETE", "/tasks/none", None, 404),
        ("DELETE", "/tasks", None, 405),
        ("GET", "/", None, 404),
    ],
)
def test_requests_that_are_none_are_refused(
    serve: Serve, method: str, path: str, body: Any, status: int
) -> None:
    async def talk(agent: Agent) -> None:
        assert (await agent.ask(method, path, body))[0] == status
        assert (await agent.ask("GET", "/tasks"))[1] == {"tasks": []}

    serve([], talk)


@pytest.mark.parametrize("wait", ["soon", "-1", "nan"])
def test_a_wait_that_is_no_time_is_refused(serve: Serve, wait: str) -> None:
    async def talk(agent: Agent) -> None:
        path = await agent.give("try")
        assert (await agent.ask("GET", f"{path}?wait={wait}"))[0] == 400

    serve([says("done")], talk)


@pytest.mark.parametrize("path", ["/up", "/tasks", "/healthz", "/tasks/health"])
def test_health_is_told_where_kubernetes_asks(serve: Serve, path: str) -> None:
    async def talk(agent: Agent) -> None:
        assert (await agent.ask("GET", path))[0] == 200
        assert (await agent.outcome(await agent.give("try")))["answer"] == "done"

    serve([says("done")], talk, image={"health": {"path": path, "port": _free_port()}})


def test_health_on_a_port_of_its_own_has_no_tasks(serve: Serve) -> None:
    port = _free_port()

    async def talk(agent: Agent) -> None:
        async with ClientSession() as http:
            async with http.get(f"http://127.0.0.1:{port}/up") as answer:
                assert (answer.status, await answer.text()) == (200, "ok\n")
            async with http.get(f"http://127.0.0.1:{port}/tasks") as answer:
                assert answer.status == 404

    serve([], talk, image={"health": {"path": "/up", "port": port}})


def test_a_port_that_is_taken_is_told(make_pod: Callable[..., Pod]) -> None:
    async def run(port: int) -> None:
        pod = make_pod(Settings(host="127.0.0.1", task_port=port))
        async with ClientSession() as http:
            await serve_agent(Assembly(pod, http), pod, asyncio.Event())

    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigurationError, match=f"port {port} can't be listened on: Address"):
            asyncio.run(run(port))


def test_tools_that_are_not_there_are_told_once(
    serve: Serve, lines: Callable[[], list[dict[str, Any]]]
) -> None:
    async def talk(agent: Agent) -> None:
        assert (await agent.outcome(await agent.give("try")))["answer"] == "done"
        assert [each["function"]["name"] for each in agent.stub.questions[0].body["tools"]] == [
            "fetch"
        ]

    serve([says("done")], talk, tools={"allow": ["browser", "fetch"]})
    told = [line["tool"] for line in lines() if line["event"].startswith("tools.allow")]
    assert told == ["browser"]


def test_without_hidden_memory_no_command_is_run(make_pod: Callable[..., Pod], root: Path) -> None:
    async def run() -> None:
        async with StubModel([calls(("shell", {"command": "touch ran"})), says("done")]) as stub:
            provider = {"kind": "openai", "baseUrl": stub.url, "model": "llama"}
            pod = make_pod(provider=provider, tools={"allow": ["shell"]})
            async with ClientSession() as http:
                work = Assembly(pod._replace(hides_memory=False), http).work("a", None)
                assert (await work.on("try")).answer == "done"
            assert "tools" not in stub.questions[0].body
            assert stub.questions[1].told[0].startswith("error: there is no such tool")

    asyncio.run(run())
    assert list(root.iterdir()) == []


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])
