"""`rynxs plugins check`: each promise of an installed plugin, judged in a process of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.authors.conftest import Install
    from tests.conftest import Cli, Outcome

SCRIPT = Path(sys.executable).with_name("rynxs")
SINK = """
import os, sys, time
from pathlib import Path
from rynxs.api import (
    ConfigError, ConfigModel, Sink, SinkPlugin, SinkConflict, SinkUnavailable, hookimpl,
)

class Settings(ConfigModel):
    path: str

def open_writer(settings, sources):
    {body}

@hookimpl
def rynxs_sink():
    return SinkPlugin("{name}", Settings, lambda rest: {{"path": rest}}, open_writer, open_writer)
"""
REDUCER = """
from rynxs.api import ConfigModel, Reducer, ReducerPlugin, Resource, SpecModel, hookimpl

class Settings(ConfigModel):
    factor: int

class Spec(SpecModel):
    size: int

class Sizes(Reducer):
    name = "sizes"
    version = "1"
    calls = 0

    def __init__(self, factor):
        self.factor = factor

    @property
    def resources(self):
        return [Resource("acme.example", "Size", "sizes", "Namespaced", ["v1"], Spec)]

    def reduce(self, current, event, view):
        if event.kind == "SizeDeleted":
            return None
        if event.kind != "SizeObserved":
            return current
        spec = event.payload["object"].get("spec", {"size": 0})
        return {"size": spec["size"] * self.factor}

@hookimpl
def rynxs_reducer():
    return ReducerPlugin("sizes", Settings, lambda settings: Sizes(settings.factor))
"""
SAMPLES = ("agent-team.yaml", "kill-switch.yaml", "session.yaml", "violation.yaml")
"""All kinds, and no more objects than it takes."""
SIZE = "apiVersion: acme.example/v1\nkind: Size\nmetadata: {name: one}\nspec: {size: 3}\n"


def judged(outcome: Outcome) -> dict[str, tuple[str, str]]:
    """Return what came of each promise, by its name."""
    return {each["name"]: (each["outcome"], each["message"]) for each in outcome.json()["promises"]}


@pytest.mark.parametrize(
    ("name", "promise"),
    [
        ("agent", "a valid object gets a slice"),
        ("reducer.session", "replay gives what the live run gave"),
        ("reducer.universe", "the same call gives the same again"),
        ("renderer.sandbox", "it renders something of the samples"),
        ("renderer.workload", "it renders something of the samples"),
        ("ed25519", "a signed note verifies"),
    ],
)
def test_every_promise_of_a_plugin_is_judged(
    cli: Cli, repository: Path, name: str, promise: str
) -> None:
    samples = () if name == "ed25519" else SAMPLES
    manifests = [f"--manifests={repository / 'examples' / file}" for file in samples]
    checked = cli("plugins", "check", name, *manifests, "--json")
    assert checked.status == 0, checked.err
    document = checked.json()
    assert set(document) == {"distribution", "notes", "plugin", "promises", "version"}
    assert document["notes"] == []
    assert document["plugin"].endswith(name)
    found = judged(checked)
    assert found[promise] == ("passed", "")
    assert len(found) > 15
    assert {outcome for outcome, _ in found.values()} == {"passed"}


def test_the_logs_of_a_sink_are_made_where_log_says_each_by_a_name_of_its_own(
    cli: Cli, tmp_path: Path
) -> None:
    (tmp_path / "logs").mkdir()
    checked = cli("plugins", "check", "file", "--log", "file:./logs/{}", "--kills", "1")
    assert checked.status == 0, checked.out + checked.err
    assert checked.out.startswith("sink 'file' of rynxs-sink-file ")
    assert "pass  what was acknowledged is there after kill 9" in checked.out
    assert "skip  a call that fails once loses nothing\n      io_calls names none" in checked.out
    assert "promises: " in checked.out
    made = list((tmp_path / "logs").iterdir())
    assert len(made) > 20
    assert all((log / "segments").is_dir() for log in made)


def test_a_promise_that_fails_is_told_with_what_broke_and_where(cli: Cli, install: Install) -> None:
    install("sink.faulty", SINK.format(name="faulty", body='raise KeyError("no such drawer")'))
    checked = cli("plugins", "check", "faulty", "--json")
    assert checked.status == 1
    found = judged(checked)
    outcome, message = found["a new log is empty"]
    assert outcome == "failed"
    assert "KeyError: 'no such drawer'" in message
    assert "acme_sink_faulty.py:" in message
    assert found["its entry point bears its name"] == ("passed", "")
    shown = cli("plugins", "check", "faulty")
    assert shown.status == 1
    assert "FAIL  a new log is empty\n      KeyError: 'no such drawer'" in shown.out
    assert "Traceback" not in shown.out + shown.err


def test_a_plugin_that_kills_its_process_breaks_the_promise_that_was_being_judged(
    cli: Cli, install: Install
) -> None:
    body = """
    if "logs" in settings.path:
        os.kill(os.getpid(), 9)
    raise KeyError
"""
    install("sink.deadly", SINK.format(name="deadly", body=body))
    checked = cli("plugins", "check", "deadly", "--json")
    assert checked.status == 1
    last = checked.json()["promises"][-1]
    assert last["outcome"] == "failed"
    assert last["message"] == "the process ended by SIGKILL"


def test_a_plugin_that_ends_its_process_before_anything_is_judged_is_named(
    cli: Cli, install: Install
) -> None:
    install("sink.leaving", SINK.format(name="leaving", body="print('x'); os._exit(5)"))
    checked = cli("plugins", "check", "leaving")
    assert checked.status == 2
    assert "the kit can't run: the process ended with exit status 5" in checked.err


def test_what_a_plugin_prints_is_not_taken_for_an_outcome(cli: Cli, install: Install) -> None:
    body = "os.write(1, b'{}\\n'); print('[]', flush=True); raise KeyError('after printing')"
    install("sink.talkative", SINK.format(name="talkative", body=body))
    checked = cli("plugins", "check", "talkative", "--json")
    assert checked.status == 1
    assert "after printing" in judged(checked)["a new log is empty"][1]


def test_a_sink_that_is_unavailable_from_the_start_is_told_at_once(cli: Cli) -> None:
    checked = cli("plugins", "check", "file", "--log", "file:/dev/null/{}")
    assert checked.status == 3
    assert "/dev/null" in checked.err
    assert checked.out == ""


def test_what_users_configure_for_their_own_tests_is_not_taken_up(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pytest.ini").write_text("[pytest]\naddopts = --no-such-option\n")
    (tmp_path / "conftest.py").write_text("raise SystemError")
    (tmp_path / "json.py").write_text("raise SystemError")
    monkeypatch.setenv("PYTEST_ADDOPTS", "--no-such-option")
    monkeypatch.setenv("PYTEST_PLUGINS", "no_such_plugin")
    assert cli("plugins", "check", "ed25519").status == 0


def test_a_reducer_has_the_settings_of_the_configuration(
    cli: Cli, install: Install, tmp_path: Path
) -> None:
    install("reducer.sizes", REDUCER)
    (tmp_path / "size.yaml").write_text(SIZE)
    without = cli("plugins", "check", "sizes", "--manifests", "size.yaml")
    assert without.status == 2
    assert "settings.factor: required, and missing" in without.err
    assert "pick it in rynxs.yaml" in without.err
    (tmp_path / "rynxs.yaml").write_text(
        "plugins: {reducers: [agent, sizes]}\nsettings: {reducers: {sizes: {factor: 2}}}\n"
    )
    checked = cli("plugins", "check", "sizes", "--manifests", "size.yaml")
    assert checked.status == 0, checked.out + checked.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("fil",), "no plugin 'fil' is installed; installed are: reducer.agent"),
        (("fil",), "did you mean 'file'?"),
        (("sink.nothing",), "no plugin 'sink.nothing' is installed"),
        (("two",), "'two' is signer.two and sink.two; name one of them in full"),
        (("sink.two",), "sink 'two' of acme-sink-two 1.2.3 does not import: ModuleNotFoundError"),
        (("attribute",), "its entry point is 'acme_sink_attribute:Plugin', and must be a module"),
        (("file", "--log", "file:./x"), "needs {} where the name of each new log is to stand"),
        (("file", "--log", "lmdb:./{}"), "not a log of sink 'file'"),
        (("file", "--log", "file:{}?segmentBytes=1"), "greater than or equal to 4096"),
        (("ed25519", "--log", "file:{}"), "--log is for sinks, and signer 'ed25519'"),
        (("file", "--manifests", "x.yaml"), "--manifests is for reducers and renderers"),
        (("agent",), "is judged by sample objects; give some by --manifests FILE"),
        (("workload",), "is judged by sample objects"),
        (("agent", "--manifests", "gone.yaml"), "gone.yaml: No such file or directory"),
        (("agent", "--manifests", "size.yaml"), "no selected reducer owns Size"),
        (("workload", "--manifests", "size.yaml"), "no selected reducer owns Size"),
    ],
)
def test_what_can_not_be_checked_is_refused_in_a_sentence(
    cli: Cli, install: Install, tmp_path: Path, arguments: tuple[str, ...], message: str
) -> None:
    install("sink.two", "import not_there")
    install("signer.two", "import not_there")
    code = SINK.format(name="attribute", body="raise KeyError")
    install(
        "sink.attribute",
        code.replace("@hookimpl", "class Plugin:\n  @hookimpl\n  @staticmethod").replace(
            "def rynxs_sink():\n    return", "  def rynxs_sink():\n      return"
        ),
        "acme_sink_attribute:Plugin",
    )
    (tmp_path / "size.yaml").write_text(SIZE)
    refused = cli("plugins", "check", *arguments)
    assert refused.status == 2
    assert message in refused.err
    assert refused.out == ""


def test_a_sink_that_keeps_no_files_asks_where_its_logs_may_be_made(
    cli: Cli, install: Install
) -> None:
    body = "raise KeyError"
    code = SINK.format(name="bucket", body=body).replace('lambda rest: {"path": rest}', "parse_url")
    code += "\ndef parse_url(rest):\n    raise ConfigError('bucket: names no bucket')\n"
    install("sink.bucket", code)
    refused = cli("plugins", "check", "bucket")
    assert refused.status == 2
    assert "bucket: names no bucket\nsay by --log URL where logs may be made" in refused.err


def test_a_refusal_is_a_document_too(cli: Cli) -> None:
    refused = cli("plugins", "check", "gone", "--json")
    assert refused.status == 2
    assert refused.json()["error"]["exitCode"] == 2


def test_without_pytest_it_says_what_to_install(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pytest", None)
    refused = cli("plugins", "check", "file")
    assert refused.status == 2
    assert "run: pip install pytest" in refused.err


@pytest.fixture
def opened(tmp_path: Path) -> Path:
    """A pipe by which a sink tells that it is opened, and that its process has ended."""
    pipe = tmp_path / "opened"
    os.mkfifo(pipe)
    return pipe


def test_an_interrupted_check_ends_what_it_has_started(
    install: Install, opened: Path, tmp_path: Path
) -> None:
    body = f"os.write(os.open({str(opened)!r}, os.O_WRONLY), b'opened'); time.sleep(3600)"
    install("sink.slow", SINK.format(name="slow", body=body))
    checking = subprocess.Popen(
        [SCRIPT, "plugins", "check", "slow"], cwd=tmp_path, stderr=subprocess.PIPE
    )
    with opened.open("rb") as pipe:
        assert pipe.read(6) == b"opened"
        checking.send_signal(signal.SIGINT)
        checking.communicate()
        assert pipe.read() == b"", "the end of the process that had it open for writing"
    assert checking.returncode == 130
