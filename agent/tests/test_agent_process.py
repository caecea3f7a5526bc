"""The whole process, as a pod runs it, against a stub of a model's server."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from rynxs_agent.testing import StubModel, calls, hangs, says

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rynxs_agent.testing import Scripted

KEY = "sk-a-key-of-the-provider"
# As in a pod, it has no capabilities, also when root runs the tests.
UNPRIVILEGED = """
import ctypes, os, sys
prctl = ctypes.CDLL(None).prctl
for capability in range(64):
    prctl(24, capability, 0, 0, 0)
os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
"""
# A name server that does not answer; it says when it is asked.
WITHOUT_NAMES = """
import socket, threading
def getaddrinfo(*arguments, **more):
    print('{"event": "asked for a name"}', flush=True)
    threading.Event().wait()
socket.getaddrinfo = getaddrinfo
from rynxs_agent.main import main
main()
"""


class Ended(NamedTuple):
    """What is left of a process.

    Attributes:
        status: its exit status.
        output: all that it wrote.
        lines: of its log.
        told: its termination message.
    """

    status: int
    output: str
    lines: list[dict[str, Any]]
    told: dict[str, Any]


class Place:
    """What a pod has mounted, in a directory.

    Attributes:
        workspace: the directory in which it works.
    """

    def __init__(self, directory: Path) -> None:
        self.workspace = directory / "workspace"
        self.workspace.mkdir()
        self._spec = directory / "spec.json"
        self._input = directory / "input.txt"
        self._termination_log = directory / "termination-log"

    async def start(
        self, spec: Mapping[str, Any], task: str | None = None, script: str = ""
    ) -> asyncio.subprocess.Process:
        """Start the runtime, or a script: for a session if there is a task, else for an agent."""
        self._spec.write_text(json.dumps(spec))
        self._termination_log.touch()
        variables = {
            "RYNXS_AGENT_SPEC": str(self._spec),
            "RYNXS_WORKSPACE": str(self.workspace),
            "RYNXS_PROVIDER_API_KEY": KEY,
            "RYNXS_RUNTIME_TERMINATION_LOG": str(self._termination_log),
            "RYNXS_RUNTIME_HOST": "127.0.0.1",
            "RYNXS_RUNTIME_TASK_PORT": "0",
        }
        if task is not None:
            self._input.write_text(task)
            variables |= {"RYNXS_SESSION": "monday", "RYNXS_SESSION_INPUT": str(self._input)}
        return await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            UNPRIVILEGED,
            *(("-c", script) if script else ("-m", "rynxs_agent")),
            env=variables,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )

    async def ended(self, process: asyncio.subprocess.Process) -> Ended:
        """Wait until a process has ended."""
        try:
            output = (await asyncio.wait_for(process.communicate(), 60))[0].decode()
        except TimeoutError:
            process.kill()
            raise
        lines = [json.loads(line) for line in output.splitlines()]
        assert process.returncode is not None
        told = json.loads(self._termination_log.read_text())
        return Ended(process.returncode, output, lines, told)

    def outcome(self) -> dict[str, Any]:
        """Return what a session has left in the workspace."""
        path = self.workspace / ".rynxs/sessions/monday/outcome.json"
        document = json.loads(path.read_text())
        assert isinstance(document, dict)
        return document


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def spec(url: str, *tools: str) -> dict[str, Any]:
    provider = {"kind": "openai", "baseUrl": url, "model": "llama", "apiKeySecretRef": None}
    return {"role": "worker", "provider": provider, "tools": {"allow": list(tools)}}


def session(
    place: Place, script: list[Scripted], *tools: str, task: str = "do it"
) -> tuple[Ended, StubModel]:
    async def run() -> tuple[Ended, StubModel]:
        async with StubModel(script) as stub:
            return await place.ended(await place.start(spec(stub.url, *tools), task)), stub

    return asyncio.run(run())


def test_a_session_ends_in_success_with_the_files_it_made(place: Place) -> None:
    report = {"path": f"{place.workspace}/report.md", "content": "# Incidents\n"}
    ended, stub = session(
        place,
        [calls(("files_list", {})), calls(("files_write", report)), says("It is written.")],
        "files",
        task="Summarise last week's incidents in /workspace/report.md.",
    )
    assert ended.status == 0
    assert (place.workspace / "report.md").read_text() == "# Incidents\n"
    assert place.outcome() == {
        "state": "Succeeded",
        "reason": "Completed",
        "message": "",
        "answer": "It is written.",
        "steps": 3,
        "tokens": 30,
        "files": ["report.md"],
    }
    assert ended.told == {
        "state": "Succeeded",
        "reason": "Completed",
        "message": "",
        "steps": 3,
        "tokens": 30,
    }
    assert stub.questions[0].headers["Authorization"] == f"Bearer {KEY}"
    assert stub.questions[0].body["messages"][1]["content"].startswith("Summarise last week's")
    assert [line["event"] for line in ended.lines] == [
        "run started", "step", "tool", "step", "tool", "step", "run ended",
    ]  # fmt: skip
    assert "Incidents" not in ended.output
    assert "Summarise" not in ended.output


@pytest.mark.skipif(sys.platform != "linux", reason="the shell tool is for Linux")
def test_a_command_can_not_get_at_the_key(place: Place) -> None:
    command = (
        "env; for each in environ maps mem; do cat /proc/$PPID/$each; done;"
        "kill -0 $PPID && echo may signal"
    )
    ended, stub = session(place, [calls(("shell", {"command": command})), says("ok")], "shell")
    assert ended.status == 0
    (told,) = stub.questions[1].told
    assert told.startswith("exit status 0\n")
    assert told.endswith("may signal\n")  # so it was the same user, and the right process
    assert told.count("Permission denied") == 3
    assert KEY not in told
    assert KEY not in ended.output
    assert KEY not in json.dumps([place.outcome(), ended.told])


def test_a_session_that_is_told_to_end_does_so_with_status_143(place: Place) -> None:
    async def run() -> Ended:
        async with StubModel([hangs()]) as stub:
            process = await place.start(spec(stub.url), "do it")
            await asyncio.wait_for(stub.asked(1), 60)
            process.send_signal(signal.SIGTERM)
            return await place.ended(process)

    ended = asyncio.run(run())
    assert (ended.status, ended.told["reason"]) == (143, "Terminated")
    assert (place.outcome()["reason"], place.outcome()["steps"]) == ("Terminated", 1)


@pytest.mark.skipif(sys.platform != "linux", reason="the shell tool is for Linux")
def test_a_command_under_way_ends_with_its_session(place: Place) -> None:
    async def run() -> Ended:
        os.mkfifo(place.workspace / "begun")
        command = "setsid sleep 1000 & echo $$ $! > started; echo > begun; wait"
        async with StubModel([calls(("shell", {"command": command}))]) as stub:
            process = await place.start(spec(stub.url, "shell"), "do it")
            with await asyncio.to_thread((place.workspace / "begun").open) as begun:
                await asyncio.to_thread(begun.read)
            process.send_signal(signal.SIGTERM)
            return await place.ended(process)

    assert asyncio.run(run()).status == 143
    for started in (place.workspace / "started").read_text().split():
        assert not Path(f"/proc/{started}").exists()


async def line_of(process: asyncio.subprocess.Process, event: str) -> dict[str, Any]:
    """Return the first line that tells of an event, once there is one."""
    assert process.stdout
    while line := await asyncio.wait_for(process.stdout.readline(), 60):
        document = json.loads(line)
        if document["event"] == event:
            assert isinstance(document, dict)
            return document
    raise AssertionError("it has ended")


def test_a_session_ends_while_a_name_is_looked_up(place: Place) -> None:
    async def run() -> Ended:
        process = await place.start(spec("http://models.example/v1"), "do it", WITHOUT_NAMES)
        await line_of(process, "asked for a name")
        process.send_signal(signal.SIGTERM)
        return await place.ended(process)

    assert asyncio.run(run()).status == 143


def test_an_agent_is_ready_and_ends_with_status_0_when_it_is_told_to(place: Place) -> None:
    async def run() -> Ended:
        process = await place.start(spec("http://127.0.0.1:1/v1", "files"))
        port = (await line_of(process, "ready"))["port"]
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        assert (await reader.readline()).startswith(b"HTTP/1.1 200")
        writer.close()
        process.send_signal(signal.SIGTERM)
        return await place.ended(process)

    ended = asyncio.run(run())
    assert (ended.status, ended.lines[-1]["event"]) == (0, "ending")


def test_an_agent_ends_at_once_though_a_task_is_under_way(place: Place) -> None:
    async def run() -> Ended:
        async with StubModel([hangs()]) as stub:
            process = await place.start(spec(stub.url))
            port = (await line_of(process, "ready"))["port"]
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            body = b'{"input": "do it"}'
            writer.write(
                b"POST /tasks HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n%s"
                % (len(body), body)
            )
            await asyncio.wait_for(stub.asked(1), 60)
            process.send_signal(signal.SIGTERM)
            ended = await place.ended(process)
            writer.close()
            return ended

    ended = asyncio.run(run())
    assert ended.status == 0
    assert [line.get("reason") for line in ended.lines if line["event"] == "run ended"] == [
        "Terminated"
    ]
