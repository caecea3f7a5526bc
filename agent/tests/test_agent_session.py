"""A session: each way it ends has its exit status, and leaves its outcome where others find it."""

from __future__ import annotations

import asyncio
import io
import json
import socket
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import ClientSession

from rynxs_agent.assembly import Assembly
from rynxs_agent.environment import SessionPlace
from rynxs_agent.errors import ConfigurationError
from rynxs_agent.main import start
from rynxs_agent.outcome import Outcome, Reason
from rynxs_agent.secret import Secret
from rynxs_agent.session import run_session, tell_kubernetes
from rynxs_agent.settings import Settings
from rynxs_agent.testing import StubModel, calls, fails, hangs, says

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from rynxs_agent.assembly import Pod
    from rynxs_agent.testing import Scripted

KEY = "sk-a-key-of-the-provider"
OUTCOME = ".rynxs/sessions/monday/outcome.json"


class Session:
    """Runs sessions in one workspace.

    Attributes:
        input: the file of their input.
        key: of their provider.
    """

    def __init__(self, make_pod: Callable[..., Pod], directory: Path) -> None:
        self._make_pod = make_pod
        self.input = directory / "input.txt"
        self.input.write_text("do it")
        self.key = Secret(KEY)
        self._place = SessionPlace("monday", self.input)

    def __call__(self, *script: Scripted, **settings: Any) -> Outcome:
        async def run() -> Outcome:
            async with StubModel(script) as stub, ClientSession() as http:
                provider = {"kind": "openai", "baseUrl": stub.url, "model": "llama"}
                pod = self._make_pod(
                    Settings(**settings), provider=provider, tools={"allow": ["files"]}
                )
                pod = pod._replace(api_key=self.key)
                return await run_session(Assembly(pod, http), pod, self._place, asyncio.Event())

        return asyncio.run(run())


@pytest.fixture
def session(make_pod: Callable[..., Pod], tmp_path: Path) -> Session:
    return Session(make_pod, tmp_path)


@pytest.mark.parametrize(
    ("script", "settings", "status", "reason"),
    [
        ([says("done")], {}, 0, "Completed"),
        ([fails(500)], {"attempts": 1}, 3, "ProviderUnavailable"),
        ([fails(401, KEY.encode())], {}, 4, "ProviderRefused"),
        ([says(None, finish_reason="content_filter")], {}, 5, "ModelRefused"),
        ([calls(("files_list", {}))] * 2, {"steps": 2}, 6, "StepLimit"),
        ([calls(("files_list", {}))], {"tokens": 9}, 7, "TokenLimit"),
        ([says("")], {"malformed": 0}, 8, "MalformedAnswers"),
        ([hangs()], {"time_limit_s": 0.1}, 9, "TimedOut"),
    ],
)
def test_how_a_session_ended_is_told_by_its_exit_status_and_in_the_workspace(
    session: Session,
    root: Path,
    script: list[Scripted],
    settings: dict[str, Any],
    status: int,
    reason: str,
) -> None:
    outcome = session(*script, **settings)
    assert (outcome.exit_status, outcome.reason) == (status, reason)
    assert (outcome.message == "") is (status == 0)
    left = (root / OUTCOME).read_text()
    assert json.loads(left) == outcome.document()
    assert KEY not in left


@pytest.mark.parametrize("key", [KEY, 'sk-"quoted"\\key'])
def test_no_answer_bears_the_key(session: Session, root: Path, key: str) -> None:
    session.key = Secret(key)
    session(says(f"it is {key}"))
    assert json.loads((root / OUTCOME).read_text())["answer"] == "it is ***"


def test_an_outcome_of_an_earlier_attempt_does_not_stay(session: Session, root: Path) -> None:
    session(says("first"))
    assert json.loads((root / OUTCOME).read_text())["answer"] == "first"
    session.input.write_text(" ")
    with pytest.raises(ConfigurationError, match="the input is empty"):
        session()
    assert not (root / OUTCOME).exists()


@pytest.mark.parametrize("mode", [0o555, 0o000])
def test_a_directory_that_a_command_has_closed_does_not_keep_an_outcome_that_it_has_forged(
    session: Session, root: Path, mode: int
) -> None:
    place = root / OUTCOME
    place.parent.mkdir(parents=True)
    place.write_text("FORGED")
    place.parent.chmod(mode)
    assert session(fails(401)).exit_status == 4
    assert json.loads(place.read_text())["reason"] == "ProviderRefused"
    assert place.parent.stat().st_mode & 0o777 == 0o755


def test_no_link_in_the_workspace_leads_the_outcome_out_of_it(
    session: Session, root: Path, tmp_path: Path, lines: Callable[[], list[dict[str, Any]]]
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (root / ".rynxs").symlink_to(outside)
    assert session(says("done")).exit_status == 0
    assert lines()[-1]["event"] == "the outcome can't be written"
    assert list(outside.iterdir()) == []


class Start:
    """Starts the runtime where it can't run.

    Attributes:
        log: what it has logged.
        told: its termination message.
    """

    def __init__(self, directory: Path) -> None:
        self.log = io.StringIO()
        self.told: dict[str, Any] = {}
        self._directory = directory

    def __call__(self, spec: Any, task: str | None, **more: str) -> int:
        (self._directory / "workspace").mkdir(exist_ok=True)
        (self._directory / "spec.json").write_text(json.dumps(spec))
        told = self._directory / "termination-log"
        told.touch()
        variables = {
            "RYNXS_AGENT_SPEC": str(self._directory / "spec.json"),
            "RYNXS_WORKSPACE": str(self._directory / "workspace"),
            "RYNXS_RUNTIME_TERMINATION_LOG": str(told),
            "RYNXS_RUNTIME_HOST": "127.0.0.1",
            "RYNXS_RUNTIME_TASK_PORT": "0",
        }
        if task is not None:
            (self._directory / "input.txt").write_text(task)
            variables["RYNXS_SESSION"] = "monday"
            variables["RYNXS_SESSION_INPUT"] = str(self._directory / "input.txt")
        status = start(variables | more, self.log, hides_memory=False)
        self.told = json.loads(told.read_text())
        return status


@pytest.fixture
def starting(tmp_path: Path) -> Start:
    return Start(tmp_path)


@pytest.mark.parametrize(
    ("spec", "more", "task", "problem"),
    [
        ({"role": 7}, {}, "do it", "the spec is not acceptable: role: Input should be"),
        ({"role": 7}, {}, None, "the spec is not acceptable: role: Input should be"),
        ({"role": "worker"}, {}, "do it", "the agent has no provider"),
        ({"role": "worker"}, {}, " ", "the input is empty"),
        ({"role": "worker"}, {"RYNXS_RUNTIME_STEPS": "x"}, "a", "RYNXS_RUNTIME_STEPS: Input"),
        ({"role": "worker"}, {"RYNXS_WORKSPACE": "/missing"}, "a", "the workspace can't be"),
        ({"role": "worker"}, {"RYNXS_PROVIDER_API_KEY": "k\ny"}, "a", "the provider's API key"),
    ],
)
def test_what_can_not_run_says_so_with_status_2(
    starting: Start, spec: Any, more: dict[str, str], task: str | None, problem: str
) -> None:
    assert starting(spec, task, **more) == 2
    assert (starting.told["state"], starting.told["reason"]) == ("Failed", "BadConfiguration")
    assert starting.told["message"].startswith(problem)


def test_an_agent_whose_port_is_taken_ends_with_status_2(starting: Start) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        assert starting({"role": "worker"}, None, RYNXS_RUNTIME_TASK_PORT=port) == 2
    assert starting.told["message"] == f"port {port} can't be listened on: Address already in use"


def test_what_a_command_has_left_in_the_termination_message_is_gone(tmp_path: Path) -> None:
    file = tmp_path / "termination-log"
    file.write_text("what a task has said " * 100)
    outcome = Outcome(Reason.PROVIDER_REFUSED, "refused", words="of what a task has said")
    assert tell_kubernetes(str(file), outcome)
    assert json.loads(file.read_text()) == outcome.summary()
    assert "a task has said" not in file.read_text()
    assert outcome.document()["message"] == "refused: of what a task has said"


def test_no_termination_message_is_written_where_there_is_no_file_for_it(
    starting: Start, tmp_path: Path
) -> None:
    missing = tmp_path / "missing"
    with pytest.raises(json.JSONDecodeError):
        starting({"role": 7}, None, RYNXS_RUNTIME_TERMINATION_LOG=str(missing))
    assert not missing.exists()
    assert "the termination message can't be written" in starting.log.getvalue()
