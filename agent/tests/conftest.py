"""What the tests of the runtime share: a pod's surroundings, without a pod."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

import pytest

from rynxs_agent.assembly import Pod
from rynxs_agent.log import Log
from rynxs_agent.secret import Secret
from rynxs_agent.settings import Settings
from rynxs_agent.sources import Sources
from rynxs_agent.spec import AgentSpec
from rynxs_agent.tools.workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

KEY = "sk-a-key-of-the-provider"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The directory of the workspace."""
    path = tmp_path / "workspace"
    path.mkdir()
    return path


@pytest.fixture
def workspace(root: Path) -> Iterator[Workspace]:
    """The workspace."""
    opened = Workspace(root)
    yield opened
    opened.close()


@pytest.fixture
def pauses() -> list[float]:
    """For how many seconds the runtime has paused, each time; no time passes."""
    return []


@pytest.fixture
def written() -> io.StringIO:
    """The runtime's log, as it was written."""
    return io.StringIO()


@pytest.fixture
def lines(written: io.StringIO) -> Callable[[], list[dict[str, Any]]]:
    """The lines of the runtime's log, as far as there are any."""
    return lambda: [json.loads(line) for line in written.getvalue().splitlines()]


@pytest.fixture
def log(written: io.StringIO) -> Log:
    """The runtime's log."""
    return Log(written, lambda: 1_767_225_600.25)


@pytest.fixture
def make_pod(workspace: Workspace, log: Log, pauses: list[float]) -> Callable[..., Pod]:
    """Makes pods in the workspace; their agent is a worker who may use no tool."""

    async def pause(seconds: float) -> None:
        pauses.append(seconds)

    def make(settings: Settings | None = None, **members: Any) -> Pod:
        key = Secret(KEY)
        log.hide(key)
        return Pod(
            spec=AgentSpec.model_validate_json(json.dumps({"role": "worker"} | members)),
            settings=settings or Settings(host="127.0.0.1", task_port=0),
            workspace=workspace,
            api_key=key,
            hides_memory=True,
            log=log,
            sources=Sources(pause=pause, chance=lambda: 0.0),
        )

    return make
