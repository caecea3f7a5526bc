"""The other processes of the sink's kit: forked, told apart from each other, and ended."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from rynxs.errors import PluginError
from rynxs.testing.sink.subject import Place

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from rynxs.testing.sink.actors import Actor

    Start = Callable[[str], Actor]

SINK = '''
"""A sink that does what its settings say when it is opened."""
import os, signal, sys, time
from pathlib import Path
from rynxs.api import ConfigModel, SinkPlugin, hookimpl
from rynxs.testing.actor import _tell as tell

class Settings(ConfigModel):
    code: str

def open_writer(settings, sources):
    exec(settings.code)

@hookimpl
def rynxs_sink():
    return SinkPlugin("told", Settings, lambda rest: {}, open_writer, open_writer)
'''
HANG = "time.sleep(3600)"
KIT = """
import sys
from contextlib import ExitStack
from rynxs.testing.sink.subject import Place

with ExitStack() as stack:
    place = Place("told_sink", {"code": sys.argv[1]}, stack)
    place.process("append_in_a_race", "w", 1).told()
"""


class Interrupted(Exception):
    pass


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory with the sink, from which this process imports, and so do those it starts."""
    folder = tmp_path / "site"
    folder.mkdir()
    (folder / "told_sink.py").write_text(SINK)
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.delitem(sys.modules, "told_sink", raising=False)
    return folder


@pytest.fixture
def start(site: Path) -> Iterator[Start]:
    """Start a process that runs some code when it opens the log."""
    with ExitStack() as stack:
        yield lambda code: Place("told_sink", {"code": code}, stack).process(
            "append_in_a_race", "w", 1
        )


def is_there(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_each_has_the_environment_and_the_directory_of_the_test_that_starts_it(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tell = "tell(said=os.environ.get('SAID'), at=os.getcwd(), pid=os.getpid())"
    pids = set()
    for said in ("one", "two"):
        (tmp_path / said).mkdir()
        monkeypatch.chdir(tmp_path / said)
        monkeypatch.setenv("SAID", said)
        facts = start(tell).told()
        assert facts is not None
        pids.add(facts.pop("pid"))
        assert facts == {"said": said, "at": str(tmp_path / said)}
    monkeypatch.delenv("SAID")
    last = start(tell).told()
    assert last is not None
    assert last["said"] is None
    assert len(pids - {os.getpid()}) == 2


def test_one_that_kills_itself_has_told_what_it_told_and_ends_by_a_signal(start: Start) -> None:
    process = start("tell(before=1); os.kill(os.getpid(), signal.SIGKILL)")
    assert list(process.rest()) == [{"before": 1}]
    assert process.wait() == -signal.SIGKILL
    assert process.wait() == -signal.SIGKILL


def test_what_one_raises_is_on_standard_error_and_its_exit_status(
    start: Start, capfd: pytest.CaptureFixture[str]
) -> None:
    process = start("raise KeyError('no such drawer')")
    assert process.told() is None
    assert process.wait() == 1
    assert "KeyError: 'no such drawer'" in capfd.readouterr().err


def test_one_that_hangs_is_killed_at_the_end_and_what_it_told_can_be_read(site: Path) -> None:
    with ExitStack() as stack:
        place = Place("told_sink", {"code": f"tell(pid=os.getpid()); {HANG}"}, stack)
        process = place.process("append_in_a_race", "w", 1)
        facts = process.told()
        assert facts is not None
        assert is_there(facts["pid"])
        process.kill()
        assert process.wait() == -signal.SIGKILL
        hanging = place.process("append_in_a_race", "w", 1).told()
        assert hanging is not None
    assert not is_there(hanging["pid"])


def test_an_interrupted_wait_does_not_spoil_what_comes_after_it(
    start: Start,
) -> None:
    def interrupt(*_: object) -> None:
        raise Interrupted

    def let_go_and_wait() -> None:
        process.go()
        process.wait()

    process = start(f"sys.stdin.readline(); os.kill({os.getpid()}, signal.SIGUSR1); {HANG}")
    before = signal.signal(signal.SIGUSR1, interrupt)
    try:
        with pytest.raises(Interrupted):
            let_go_and_wait()
    finally:
        signal.signal(signal.SIGUSR1, before)
    process.kill()
    other = start("tell(other=True); sys.exit(3)")
    assert other.told() == {"other": True}
    assert other.wait() == 3
    assert process.wait() == -signal.SIGKILL


def test_if_the_process_they_are_forked_from_ends_that_is_told_and_the_next_one_has_another(
    start: Start,
) -> None:
    process = start(f"os.kill(os.getppid(), signal.SIGKILL); {HANG}")
    with pytest.raises(PluginError, match="forked from ended with exit status -9"):
        process.wait()
    again = start("tell(again=True)")
    assert again.told() == {"again": True}


def test_of_a_kit_that_is_killed_nothing_goes_on(site: Path, tmp_path: Path) -> None:
    pipe = tmp_path / "opened"
    os.mkfifo(pipe)
    code = f"os.write(os.open({str(pipe)!r}, os.O_WRONLY), b'opened'); {HANG}"
    kit = subprocess.Popen(
        [sys.executable, "-c", KIT, code], env={**os.environ, "PYTHONPATH": str(site)}
    )
    with pipe.open("rb") as opened:
        assert opened.read(6) == b"opened"
        kit.kill()
        kit.wait()
        assert opened.read() == b"", "the end of the process that had it open for writing"
