"""`rynxs operator`: what is wrong with how it is called is told before it does anything."""

from __future__ import annotations

import importlib.util
import json
from typing import TYPE_CHECKING, Any

import pytest
import structlog

from rynxs.errors import LogCorrupt, RynxsError, UsageError
from rynxs.operator.elector import LeaseLost

if TYPE_CHECKING:
    from collections.abc import Iterator
    from importlib.machinery import ModuleSpec
    from pathlib import Path

    from tests.conftest import Cli

KUBECONFIG = """
apiVersion: v1
kind: Config
current-context: here
contexts: [{name: here, context: {cluster: here, user: me}}]
clusters: [{name: here, cluster: {server: "http://127.0.0.1:1"}}]
users: [{name: me, user: {token: "sk-canary0123456789abcdefghij"}}]
"""
SECRET = "sk-canary0123456789abcdefghij"


@pytest.fixture(autouse=True)
def _logs_as_before() -> Iterator[None]:
    yield
    structlog.reset_defaults()


@pytest.fixture
def kubeconfig(tmp_path: Path) -> Path:
    file = tmp_path / "kubeconfig"
    file.write_text(KUBECONFIG)
    return file


class FakeProcess:
    """Stands for the operator; ends as a test wants."""

    error: RynxsError | None = None
    made: tuple[Any, ...] = ()

    def __init__(self, *parts: Any) -> None:
        FakeProcess.made = parts

    async def run(self, stopping: object) -> None:
        if FakeProcess.error is not None:
            raise FakeProcess.error
        _, _, _, _, wanted, _ = FakeProcess.made
        if wanted.show is not None:
            wanted.show("would create \x1b[2Jit")


@pytest.fixture
def process(monkeypatch: pytest.MonkeyPatch) -> type[FakeProcess]:
    monkeypatch.setattr("rynxs.operator.process.Process", FakeProcess)
    monkeypatch.setattr(FakeProcess, "error", None)
    return FakeProcess


def test_without_its_own_dependencies_it_says_what_to_install(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    find = importlib.util.find_spec

    def find_spec(name: str, package: str | None = None) -> ModuleSpec | None:
        return None if name in {"kopf", "aiohttp"} else find(name, package)

    monkeypatch.setattr(importlib.util, "find_spec", find_spec)
    outcome = cli("operator")
    assert outcome.status == 2
    assert "the operator needs aiohttp, kopf, not installed here" in outcome.err
    assert "pip install 'rynxs[operator]'" in outcome.err


def test_a_kubeconfig_that_is_missing_or_garbled_is_named_without_what_it_holds(
    cli: Cli, kubeconfig: Path
) -> None:
    missing = cli("operator", "--kubeconfig", "nowhere")
    assert missing.status == 2
    assert "kubeconfig nowhere: " in missing.err
    kubeconfig.write_text(KUBECONFIG.replace("cluster: here", "cluster: there"))
    garbled = cli("operator", "--kubeconfig", kubeconfig)
    assert garbled.status == 2
    assert f"kubeconfig {kubeconfig}: " in garbled.err
    assert SECRET not in garbled.err
    assert "Traceback" not in missing.err + garbled.err


@pytest.mark.parametrize("reason", ["", "  ", "a\nb", "x" * 2_001])
def test_a_loss_is_not_accepted_without_a_reason_in_a_line(
    cli: Cli, process: type[FakeProcess], kubeconfig: Path, reason: str
) -> None:
    outcome = cli("operator", "--kubeconfig", kubeconfig, "--accept-loss", reason)
    assert outcome.status == 2
    assert "--accept-loss: expected is a line of text" in outcome.err


def test_an_option_that_lacks_its_value_is_refused(cli: Cli) -> None:
    outcome = cli("operator", "--accept-loss")
    assert outcome.status == 2
    assert "--accept-loss" in outcome.err


def test_a_configuration_that_is_not_valid_is_refused(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "rynxs.yaml").write_text("operator: {leaderElection: {retryPeriod: 1h}}\n")
    outcome = cli("operator")
    assert outcome.status == 2
    assert "rynxs.yaml: operator.leaderElection" in outcome.err


def test_what_is_asked_for_is_handed_on(
    cli: Cli, process: type[FakeProcess], kubeconfig: Path
) -> None:
    assert cli("operator", "--kubeconfig", kubeconfig, "--log", "file:./one").status == 0
    config, sources, _, access, wanted, _ = process.made
    assert config.place()[1].model_dump()["path"] == "./one"
    assert access.host == "http://127.0.0.1:1"
    assert (wanted.show, wanted.accept_loss, wanted.namespace) == (None, "", "default")
    first = sources.identity
    assert cli("operator", "--kubeconfig", kubeconfig, "--accept-loss", "a backup").status == 0
    _, sources, _, _, wanted, _ = process.made
    assert wanted.accept_loss == "a backup"
    assert first != sources.identity, "two replicas of one user on one host are two"


def test_what_would_be_done_is_shown_on_standard_output_and_can_not_move_the_cursor(
    cli: Cli, process: type[FakeProcess], kubeconfig: Path
) -> None:
    outcome = cli("operator", "--kubeconfig", kubeconfig, "--plan-only")
    assert outcome.status == 0
    assert outcome.out.startswith("would create ")
    assert outcome.out.endswith("it\n")
    assert "\x1b" not in outcome.out


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (LeaseLost("somebody else may lead by now"), 3),
        (LogCorrupt(7, "not what was written"), 1),
        (UsageError("the log has lost records"), 2),
    ],
)
def test_why_it_ended_is_told_and_is_its_status(
    cli: Cli, process: type[FakeProcess], kubeconfig: Path, error: RynxsError, status: int
) -> None:
    process.error = error
    outcome = cli("operator", "--kubeconfig", kubeconfig)
    assert outcome.status == status
    last = json.loads(outcome.err.splitlines()[-1])
    assert (last["event"], last["level"], last["logger"]) == ("ended", "error", "rynxs.operator")
    assert (last["error"], last["exit_code"]) == (str(error), status)


def test_a_defect_too_is_told_in_a_log_line(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, kubeconfig: Path
) -> None:
    def made(*_: object) -> None:
        raise ConnectionResetError(104, "planted")

    monkeypatch.setattr("rynxs.operator.process.Process", made)
    outcome = cli("operator", "--kubeconfig", kubeconfig)
    assert outcome.status == 70
    last = json.loads(outcome.err.splitlines()[-1])
    assert "internal error, please report it: ConnectionResetError: " in last["error"]
    assert last["exit_code"] == 70


def test_on_a_terminal_why_it_ended_is_told_for_people(
    cli: Cli, process: type[FakeProcess], kubeconfig: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    process.error = UsageError("the log has lost records")
    monkeypatch.setattr("rynxs.cli.logs.is_for_people", lambda: True)
    outcome = cli("operator", "--kubeconfig", kubeconfig)
    assert outcome.status == 2
    assert outcome.err == "error: the log has lost records\n"


@pytest.mark.parametrize("found", [None, "no key\n"])
def test_a_key_that_can_not_be_used_is_told_at_once_and_not_when_it_leads(
    cli: Cli, process: type[FakeProcess], kubeconfig: Path, tmp_path: Path, found: str | None
) -> None:
    process.made = ()
    key = tmp_path / "signing.key"
    if found is not None:
        key.write_text(found)
        key.chmod(0o600)
    outcome = cli("operator", "--kubeconfig", kubeconfig, "--signer", f"ed25519:{key}")
    assert outcome.status == 2
    assert str(key) in json.loads(outcome.err)["error"]
    assert process.made == ()
