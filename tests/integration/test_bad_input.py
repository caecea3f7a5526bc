"""Whatever a user can get wrong is refused with the place and the reason, never a traceback."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import Cli, Outcome

AGENT = """\
apiVersion: universe.ai/v1alpha1
kind: Agent
metadata: {name: worker}
spec:
  role: worker
  image: {repository: example.org/agent, tag: v1}
"""
BOMB = "a: &a [x,x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{chr(98 + n)}: &{chr(98 + n)} [{','.join([f'*{chr(97 + n)}'] * 10)}]\n" for n in range(8)
)
SCRIPT = Path(sys.executable).with_name("rynxs")
TOKEN = "ghp_" + "a" * 36


@pytest.fixture
def run_text(cli: Cli, tmp_path: Path) -> Callable[[str], Outcome]:
    def run(text: str) -> Outcome:
        (tmp_path / "a.yaml").write_text(text, errors="surrogatepass")
        return cli("run", "a.yaml", "--log", "file:log")

    return run


@pytest.mark.parametrize(
    ("added", "place", "reason"),
    [
        ("  manages: [.nan]", "spec.manages[0]", "string"),
        ("  resources: {limits: {cpu: .inf}}", "spec.resources.limits.cpu", ""),
        (f"  resources: {{limits: {{cpu: {2**70}}}}}", "spec.resources.limits.cpu", "64 bits"),
        ("  1: one", "a.yaml:7", "key 1 is not text"),
        ('  team: "\\ud800"', "a.yaml:7", ""),
        ("  team: " + "[" * 10_000, "a.yaml:7", ""),
        ("  imagee: {}", "spec.imagee", "did you mean 'image'?"),
        ("  str: 1", "spec.str", "unknown field"),
        ("  'a[b': 1", "spec.a[b", "unknown field"),
        (f"  {TOKEN}: 1", "(a credential, not shown)", "unknown field"),
        ("  suspend: soon", "spec.suspend", "found 'soon'"),
        ("  suspend: 1", "spec.suspend", "found 1"),
        ("  team: 5", "spec.team", "found 5"),
        ("  team: [a]", "spec.team", "found a list"),
        ("  role: boss", "a.yaml:7", "key 'role' stands twice"),
        ("  permissions: {canFly: true}", "spec.permissions.canFly", "canManageTeam"),
        ("  workspace: {}", "spec.workspace.size", "required, and missing"),
        ("  workspace: {size: large}", "spec.workspace.size", "quantity"),
        ("  workspace: {size: -1}", "spec.workspace.size", "not a quantity"),
        ("  manages: [other]", "spec", "a worker manages no agents"),
        (f"  team: {TOKEN}", "spec.team", "a GitHub token must not stand here"),
        ("  apiKey: whatever", "spec.apiKey", "apiKeySecretRef"),
        (
            "  provider: {kind: openai, baseUrl: 'https://u:p@x.org', model: m}",
            "spec.provider.baseUrl",
            "user info in a URL",
        ),
        (
            "  provider: {kind: openai, baseUrl: 'ftp://x', model: m}",
            "spec.provider.baseUrl",
            "not an http or https URL",
        ),
        ("  network: {allowEgressTo: ['10.0.0.1/8']}", "allowEgressTo", "host bits set"),
        ("  network: {allowEgressTo: ['10.0.0.0/8:99999']}", "allowEgressTo", "port 99999"),
        ("  network: {allowEgressTo: ['a b']}", "allowEgressTo", "not an egress target"),
    ],
)
def test_a_bad_spec_is_refused_with_its_field(
    run_text: Callable[[str], Outcome], tmp_path: Path, added: str, place: str, reason: str
) -> None:
    done = run_text(f"{AGENT}{added}\n")
    assert done.status == 2, done
    assert place in done.err
    assert reason in done.err
    assert TOKEN not in done.err
    assert "Traceback" not in done.err
    assert not (tmp_path / "log").exists()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (BOMB, "more than 500000 values, aliases expanded"),
        ("[]", "found list; a manifest is a map"),
        ("kind: Agent", "apiVersion: required"),
        (AGENT.replace("worker}", "Worker}"), "metadata.name: found 'Worker'"),
        (AGENT.replace("{name: worker}", "{}"), "metadata.name: found None; required"),
        (AGENT.replace("worker}", "w, namespace: A}"), "metadata.namespace: found 'A'"),
        (AGENT.replace("worker}", "w, labels: {a: 1}}"), "metadata.labels: a map of strings"),
        (AGENT.replace("v1alpha1", "v9"), "apiVersion: found 'universe.ai/v9'; allowed for Agent"),
        (AGENT.replace("spec:", "sepc:"), "did you mean 'spec'?"),
        (AGENT.replace("{name: worker}", f"{{name: w, annotations: {{a: {TOKEN}}}}}"), "metadata"),
        (AGENT.replace("worker}", "sk-abcdefghijklmnopqrst}"), "a literal credential must not"),
        (AGENT.replace("worker}", "w, annotations: {db-password: hunter2}}"), "db-password"),
        (f"{AGENT}---\n{AGENT}", "universe.ai/Agent/default/worker stands here and at a.yaml:1"),
        ("a: [", "a.yaml:"),
    ],
)
def test_a_bad_document_is_refused_with_its_place(
    run_text: Callable[[str], Outcome], tmp_path: Path, text: str, reason: str
) -> None:
    done = run_text(text)
    assert done.status == 2, done
    assert "a.yaml:" in done.err
    assert reason in done.err
    assert TOKEN not in done.err
    assert not (tmp_path / "log").exists()


def test_every_problem_is_told_at_once(run_text: Callable[[str], Outcome]) -> None:
    done = run_text(f"{AGENT}  suspend: 1\n---\n{AGENT.replace('worker}', 'other}')}  team: 5\n")
    assert "spec.suspend" in done.err
    assert "spec.team" in done.err


def test_a_twenty_megabyte_manifest_is_refused(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(f"{AGENT}  team: {'x' * 20_000_000}\n")
    done = cli("run", "a.yaml", "--log", "file:log")
    assert done.status == 2
    assert "larger than 8388608 bytes" in done.err


def test_a_manifest_larger_than_kubernetes_would_take_is_refused(cli: Cli, tmp_path: Path) -> None:
    large = "x" * 5_000_000
    text = AGENT.replace("{name: worker}", f"{{name: worker, annotations: {{a: {large}}}}}")
    (tmp_path / "a.yaml").write_text(text)
    done = cli("run", "a.yaml", "--log", "file:log")
    assert done.status == 2
    assert "the limit is 3145728" in done.err
    assert not (tmp_path / "log").exists()


@pytest.mark.parametrize(
    ("argument", "reason"),
    [
        ("missing.yaml", "missing.yaml: No such file"),
        ("empty", "no file ending in .yaml, .yml, .json"),
    ],
)
def test_a_path_without_manifests_is_refused(
    cli: Cli, tmp_path: Path, argument: str, reason: str
) -> None:
    (tmp_path / "empty").mkdir()
    done = cli("run", argument, "--log", "file:log")
    assert done.status == 2
    assert reason in done.err


def test_standard_input_is_read_and_named(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    bad = io.TextIOWrapper(io.BytesIO(AGENT.replace("v1}", "v1").encode()))
    monkeypatch.setattr(sys, "stdin", bad)
    done = cli("run", "-", "--log", "file:log")
    assert done.status == 2
    assert "standard input:" in done.err
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(AGENT.encode())))
    assert cli("run", "-", "--log", "file:log").status == 0


def test_a_log_path_that_is_a_file_is_named(cli: Cli, repository: Path, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("x")
    for command in (("run", repository / "examples"), ("log", "list"), ("log", "verify")):
        done = cli(*command, "--log", "file:taken")
        assert done.status == 3
        assert "taken" in done.err


def test_a_log_that_is_not_there_is_not_made_by_a_reader(cli: Cli, tmp_path: Path) -> None:
    for command in (
        ("log", "list"),
        ("log", "verify"),
        ("log", "show", "0"),
        ("log", "tail"),
        ("replay",),
        ("checkpoint", "show"),
    ):
        done = cli(*command, "--log", "file:nowhere")
        assert done.status == 3, command
        assert "nowhere: no log is here" in done.err
    assert not (tmp_path / "nowhere").exists()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_log_without_permission_is_named(cli: Cli, repository: Path, tmp_path: Path) -> None:
    (tmp_path / "closed").mkdir(mode=0o500)
    done = cli("run", repository / "examples", "--log", "file:closed/log")
    assert done.status == 3
    assert "Permission denied" in done.err


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("nope",),
        ("run",),
        ("run", "a.yaml", "--clock", "noon"),
        ("run", "a.yaml", "--log", "nowhere"),
        ("run", "a.yaml", "--log", "ftp:x"),
        ("run", "a.yaml", "--signer", "ed25519:missing.key", "--log", "file:log"),
        ("log", "show", "x", "--log", "file:log"),
        ("log", "show", "99", "--log", "file:log"),
        ("log", "list", "--limit", "0", "--log", "file:log"),
        ("replay", "--at", "99", "--log", "file:log"),
        ("checkpoint", "verify", "--log", "file:log"),
        ("checkpoint", "verify", "--log", "file:log", "--key", "nonsense"),
        ("checkpoint", "verify", "missing", "--log", "file:log", "--key", "x+00000000+AA=="),
        ("checkpoint", "show", "--log", "file:log"),
        ("checkpoint", "create", "--log", "file:log"),
        ("keys", "show", "missing"),
        ("keys", "generate", "."),
        ("run", "x" * 300),
        ("run", "a.yaml", "--clock", "fixed:9999-12-31T23:59:59-23:59"),
        ("run", "a.yaml", "--namespace", ".."),
        ("config", "show", "--config", "missing.yaml"),
    ],
)
def test_wrong_usage_exits_with_2_and_a_sentence(
    cli: Cli, tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    (tmp_path / "a.yaml").write_text(AGENT)
    assert cli("run", "a.yaml", "--log", "file:log").status == 0
    done = cli(*arguments)
    assert done.status == 2, done
    assert done.err or not arguments
    assert "Traceback" not in done.err


def test_an_error_is_a_json_document_when_one_was_asked_for(cli: Cli) -> None:
    done = cli("log", "list", "--log", "file:nowhere", "--json")
    assert done.json()["error"]["exitCode"] == done.status == 3
    assert "nowhere" in done.json()["error"]["message"]


def test_a_defect_is_told_without_a_traceback_and_has_its_own_status(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise ZeroDivisionError("planted")

    monkeypatch.setattr("rynxs.config.load_config", fail)
    done = cli("config", "show")
    assert done.status == 70
    assert "internal error, please report it: ZeroDivisionError: planted" in done.err
    assert "Traceback" not in done.err


def test_output_that_a_terminal_cannot_encode_is_escaped(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(
        f"{AGENT}  provider: {{kind: k, baseUrl: http://m, model: é}}\n"
    )
    for options in (["-o", "yaml"], ["--json"], []):
        done = subprocess.run(
            [SCRIPT, "run", "a.yaml", "--log", "file:log", *options],
            cwd=tmp_path,
            env={"PATH": "/usr/bin:/bin", "PYTHONIOENCODING": "ascii"},
            capture_output=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr


def in_shell(folder: Path, arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command with its redirections."""
    return subprocess.run(
        f"{SCRIPT} {arguments}",
        shell=True,
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


def test_closed_and_full_streams_are_no_defect(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(AGENT)
    for redirection, status in (
        (">&-", 74),
        ("2>&-", 0),
        ("<&-", 0),
        (">/dev/full", 74),
        (">&- 2>&- <&-", 74),
        ("--json >&-", 74),
        ("-o yaml >&-", 74),
    ):
        done = in_shell(tmp_path, f"run a.yaml --log file:log {redirection}")
        assert (done.returncode, "Traceback" in done.stderr) == (status, False), redirection
        if status and "2>&-" not in redirection:
            assert done.stderr.startswith("error: standard output: "), redirection


@pytest.mark.slow
@pytest.mark.parametrize("arguments", ["--help", "--version", "log list --log file:log", "x"])
@pytest.mark.parametrize("redirection", [">&-", ">/dev/full"])
def test_what_can_not_be_printed_is_told_on_standard_error(
    tmp_path: Path, arguments: str, redirection: str
) -> None:
    (tmp_path / "a.yaml").write_text(AGENT)
    in_shell(tmp_path, "run a.yaml --log file:log >/dev/null")
    done = in_shell(tmp_path, f"{arguments} {redirection}")
    assert done.returncode == (2 if arguments == "x" else 74)
    assert "Traceback" not in done.stderr
    assert done.stderr


def test_a_folder_that_cannot_be_read_deletes_nothing(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "dir/sub").mkdir(parents=True)
    (tmp_path / "dir/a.yaml").write_text(AGENT)
    (tmp_path / "dir/sub/b.yaml").write_text(AGENT.replace("worker}", "other}"))
    assert cli("run", "dir", "--log", "file:log").status == 0
    real = os.scandir

    def scandir(path: Any) -> Any:
        if str(path).endswith("sub"):
            raise PermissionError(13, "Permission denied", str(path))
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    done = cli("run", "dir", "--prune", "--log", "file:log")
    assert done.status == 2
    assert "sub: Permission denied" in done.err
    monkeypatch.undo()
    assert cli("run", tmp_path / "dir", "--prune", "--log", f"file:{tmp_path}/log").status == 0


def test_nothing_is_pruned_for_files_that_hold_nothing_or_a_typo(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(AGENT)
    assert cli("run", "a.yaml", "--log", "file:log").status == 0
    for text in ("# nothing", AGENT.replace("kind: Agent", "kind: Agnet")):
        (tmp_path / "a.yaml").write_text(text)
        assert cli("run", "a.yaml", "--log", "file:log", "--prune").status == 2
    assert len(cli("log", "list", "--log", "file:log", "--json").json()["records"]) == 3
