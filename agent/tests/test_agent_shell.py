"""The shell tool: commands run without credentials, within bounds, and leave nothing running."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from rynxs_agent.tools.shell import Shell
from rynxs_agent.tools.toolbox import Toolbox

if TYPE_CHECKING:
    from rynxs_agent.tools.toolbox import Result

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the shell tool is for Linux")

ESCAPES = """
import asyncio, json, sys
from pathlib import Path
from rynxs_agent.linux import adopt_orphans
from rynxs_agent.tools.processes import descendants
from rynxs_agent.tools.shell import Shell
from rynxs_agent.tools.toolbox import Toolbox

assert adopt_orphans()
toolbox = Toolbox(Shell(Path(sys.argv[1]), 60).tools(), ["shell"])
came = asyncio.run(toolbox.call("shell", json.dumps({"command": sys.argv[2]})))
print(json.dumps([came.text, sorted(descendants())]))
"""


async def called(root: Path, command: str, limit_s: float = 60) -> Result:
    toolbox = Toolbox(Shell(root, limit_s).tools(), ["shell"])
    return await toolbox.call("shell", json.dumps({"command": command}))


def run(root: Path, command: str, limit_s: float = 60) -> Result:
    return asyncio.run(called(root, command, limit_s))


def is_running(process: int) -> bool:
    """Tell whether a process is there, and not just its name until somebody asks how it ended."""
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def test_a_command_runs_in_the_workspace_and_its_output_is_told(root: Path) -> None:
    came = run(root, "echo out; echo err >&2; pwd; cat; exit 3")
    assert came == (f"exit status 3\nout\nerr\n{root}\n", True, True)


def test_a_command_gets_nothing_of_the_environment(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RYNXS_PROVIDER_API_KEY", "sk-a-key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "another")
    names = {line.partition("=")[0] for line in run(root, "env").text.splitlines()[1:]}
    assert names - {"PWD", "OLDPWD", "SHLVL", "_"} == {"HOME", "LANG", "PATH", "TMPDIR"}


def test_a_command_gets_no_file_that_the_runtime_has_open(root: Path) -> None:
    secret = root / "secret"
    secret.write_text("a secret")
    with secret.open() as file:
        os.set_inheritable(file.fileno(), True)
        came = run(root, "ls /proc/self/fd")
    assert came.text.split()[3:] == ["0", "1", "2", "3"]  # ls opens one itself


def test_much_output_is_cut_and_does_not_stop_the_command(root: Path) -> None:
    came = run(root, "yes | head -c 5000000; echo done > done")
    assert came.text.endswith(f"\n[{5_000_000 - 48 * 1024} bytes more are not shown]")
    assert (root / "done").exists()


def test_a_command_that_takes_too_long_is_ended_with_its_children(root: Path) -> None:
    came = run(root, "sleep 1000 & echo $! > child; echo begun; wait", limit_s=3)
    assert came == ("error: ended after 3 s; its output:\nbegun\n", False, True)
    assert not is_running(int((root / "child").read_text()))


def test_what_a_command_leaves_running_is_ended_and_not_waited_for(root: Path) -> None:
    came = run(root, "sleep 1000 & echo $! > child; echo left")
    assert came.text == "exit status 0\nleft\n"
    assert not is_running(int((root / "child").read_text()))


@pytest.mark.parametrize(
    "command",
    [
        "setsid sleep 1000 & echo $! > child",
        "(setsid sh -c 'echo $$ > child; exec sleep 1000' &) ; until test -s child; do :; done",
        (
            "(trap '' TERM HUP; setsid sh -c 'sleep 1000 & echo $! > child; wait' &) & "
            "until test -s child; do :; done"
        ),
    ],
)
def test_no_child_gets_away(root: Path, command: str) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", ESCAPES, str(root), command],
        capture_output=True,
        check=True,
        timeout=60,
    )
    text, left = json.loads(ended.stdout)
    assert (text, left) == ("exit status 0\n", [])
    assert not is_running(int((root / "child").read_text()))


def test_a_command_is_ended_when_its_run_is_abandoned(root: Path) -> None:
    async def abandon() -> None:
        os.mkfifo(root / "begun")
        working = asyncio.create_task(called(root, "echo $$ > child; echo > begun; sleep 1000"))
        with await asyncio.to_thread((root / "begun").open) as begun:
            await asyncio.to_thread(begun.read)
        working.cancel()
        with pytest.raises(asyncio.CancelledError):
            await working

    asyncio.run(abandon())
    assert not is_running(int((root / "child").read_text()))


def test_a_command_with_nul_in_it_is_refused(root: Path) -> None:
    came = run(root, "touch a\0b")
    assert (came.succeeded, came.well_formed) == (False, False)
    assert list(root.iterdir()) == []
