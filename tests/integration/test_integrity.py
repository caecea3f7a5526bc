"""A log that was damaged, cut or held by another process, as the command line tells it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import Cli

FIXED = ("--clock", "fixed:2026-01-01T00:00:00Z")
SCRIPT = Path(sys.executable).with_name("rynxs")
SEGMENT = Path("log/segments/00000000000000000000.seg")

HOLD_OPEN = """
import sys
from rynxs.config import Config
from rynxs.settings import RawConfig
from rynxs.plugins import PluginManager
from rynxs.sources import system_sources
config = Config(RawConfig(), PluginManager(), "here").with_log("file:log")
sink = config.open_writer(system_sources())
print("open", flush=True)
sys.stdin.read()
"""


def three_agents(repository: Path) -> list[Path]:
    """Examples that make a log of seven records."""
    return [repository / "examples" / name for name in ("agent-basic.yaml", "agent-team.yaml")]


@pytest.fixture
def logged(cli: Cli, repository: Path, tmp_path: Path) -> Path:
    """A log of the examples with a signed checkpoint; returns its segment."""
    cli("keys", "generate", "key")
    run = ("run", *three_agents(repository), "--log", "file:log", "--signer", "ed25519:key")
    assert cli(*run).status == 0
    return tmp_path / SEGMENT


def flip(file: Path, place: int) -> None:
    data = bytearray(file.read_bytes())
    data[place] ^= 0x01
    file.write_bytes(bytes(data))


def test_any_flipped_byte_of_a_segment_makes_verify_exit_with_1_and_name_a_seq(
    cli: Cli, logged: Path
) -> None:
    good = logged.read_bytes()
    for place in range(0, len(good), 211):
        flip(logged, place)
        done = cli("log", "verify", "--log", "file:log")
        assert done.status == 1, place
        assert "record " in done.err
        logged.write_bytes(good)
    assert cli("log", "verify", "--log", "file:log").status == 0


def test_a_flipped_byte_is_found_by_every_command_that_reads_it(cli: Cli, logged: Path) -> None:
    flip(logged, 1000)
    for command in (
        ("log", "verify"),
        ("replay",),
        ("replay", "--at", "2"),
        ("log", "list"),
        ("log", "tail"),
        ("checkpoint", "verify", "--key", "key.pub"),
    ):
        assert cli(*command, "--log", "file:log").status == 1, command


def test_a_changed_root_signature_or_origin_of_a_checkpoint_is_refused(
    cli: Cli, logged: Path
) -> None:
    stored = logged.parent.parent / "objects/checkpoint"
    good = stored.read_text()
    origin, size, root, blank, signature = good.rstrip("\n").split("\n")
    other_root = ("A" if root[0] != "A" else "B") + root[1:]
    altered = {
        "root": [origin, size, other_root, blank, signature],
        "size": [origin, "3", root, blank, signature],
        "signature": [origin, size, root, blank, signature[:-6] + "AAAAA="],
        "origin": ["other.example", size, root, blank, signature],
    }
    for what, lines in altered.items():
        stored.write_text("\n".join(lines) + "\n")
        done = cli("checkpoint", "verify", "--log", "file:log", "--key", "key.pub")
        assert done.status == 1, what
        assert cli("log", "verify", "--log", "file:log", "--key", "key.pub").status == 1, what
    stored.write_text(good)
    assert cli("checkpoint", "verify", "--log", "file:log", "--key", "key.pub").status == 0


def test_a_checkpoint_of_a_stranger_is_refused(cli: Cli, logged: Path) -> None:
    cli("keys", "generate", "stranger")
    done = cli("checkpoint", "verify", "--log", "file:log", "--key", "stranger.pub")
    assert done.status == 1
    assert "none of the known keys" in done.err


def test_a_log_cut_below_its_checkpoint_is_told_by_the_auditor_and_not_repaired(
    cli: Cli, logged: Path, repository: Path
) -> None:
    logged.write_bytes(b"")
    done = cli("log", "verify", "--log", "file:log")
    assert done.status == 1
    assert "record 0" in done.err
    run = cli("run", *three_agents(repository), "--log", "file:log")
    assert run.status == 1
    assert "covers" in run.err
    assert logged.read_bytes() == b""


def test_a_torn_unacknowledged_end_is_quarantined_told_and_recorded_once(
    cli: Cli, repository: Path, tmp_path: Path
) -> None:
    basic = repository / "examples/agent-basic.yaml"
    assert cli("run", basic, "--log", "file:log").status == 0
    segment = tmp_path / SEGMENT
    whole = segment.read_bytes()
    with segment.open("ab") as file:
        file.write(whole[:100])
    torn = cli("log", "verify", "--log", "file:log")
    assert torn.status == 1
    assert "record 3" in torn.err

    done = cli("run", basic, "--log", "file:log")
    assert done.status == 0
    assert "set aside" in done.err
    listed = cli("log", "list", "--log", "file:log", "--json").json()["records"]
    assert [r["kind"] for r in listed[3:]] == ["EpochStarted", "TailQuarantined"]
    (tail,) = (tmp_path / "log/quarantine").glob("*.tail")
    assert tail.read_bytes() == whole[:100]
    shown = cli("log", "show", "4", "--log", "file:log", "--json").json()["payload"]
    assert (shown["seq"], shown["size"], shown["id"]) == (3, 100, tail.stem)

    again = cli("run", basic, "--log", "file:log")
    assert "nothing appended" in again.out
    assert not again.err
    assert cli("log", "verify", "--log", "file:log").status == 0


def test_a_second_writer_is_told_who_holds_the_log_and_readers_are_not_disturbed(
    cli: Cli, repository: Path, tmp_path: Path
) -> None:
    run = ("run", *three_agents(repository), "--log", "file:log")
    assert cli(*run).status == 0
    with subprocess.Popen(
        [sys.executable, "-c", HOLD_OPEN],
        cwd=tmp_path,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdin is not None
        assert holder.stdout.readline() == "open\n"
        done = cli(*run)
        assert done.status == 3
        assert f"process {holder.pid}" in done.err
        assert cli("log", "verify", "--log", "file:log").status == 0
        assert cli("replay", "--check", "--log", "file:log").status == 0
        holder.stdin.close()
    assert cli(*run).status == 0


def test_replay_at_a_record_is_the_state_of_that_moment(
    cli: Cli, write: Callable[..., Path], agent: Callable[..., dict[str, Any]]
) -> None:
    digests = []
    for suspend in (False, True):
        cli("run", write("a.yaml", agent(suspend=suspend)), "--log", "file:log")
        digests.append(cli("replay", "--log", "file:log", "--json").json()["stateDigest"])
    assert digests[0] != digests[1]
    then = cli("replay", "--log", "file:log", "--at", "2", "--json").json()
    assert then["stateDigest"] == digests[0]
    assert then["size"] == 3


def test_replay_uses_the_settings_that_the_log_recorded(
    cli: Cli, repository: Path, tmp_path: Path
) -> None:
    (tmp_path / "c.yaml").write_text("settings: {renderers: {workload: {runAsUser: 4711}}}\n")
    basic = repository / "examples/agent-basic.yaml"
    assert cli("run", basic, "--log", "file:log", "--config", "c.yaml").status == 0
    checked = cli("replay", "--check", "--log", "file:log", "--json").json()
    assert checked["plansCompared"] == 1
    assert checked["incomparable"] == []
    # Without the file the settings are others, so everything is planned again.
    assert cli("run", basic, "--log", "file:log", "--json").json()["appended"] == 2
    checked = cli("replay", "--check", "--log", "file:log", "--json").json()
    assert checked["plansCompared"] == 2
    assert checked["incomparable"] == []


def test_plans_of_a_version_that_is_not_installed_are_reported_as_such(
    cli: Cli, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    basic = repository / "examples/agent-basic.yaml"
    with monkeypatch.context() as older:
        older.setattr("rynxs_renderer_workload.renderer.WorkloadRenderer.version", "0.0.9")
        assert cli("run", basic, "--log", "file:log").status == 0
    assert cli("run", basic, "--log", "file:log").status == 0
    done = cli("replay", "--check", "--log", "file:log")
    assert done.status == 0
    assert "plans: 1 recomputed, all as recorded" in done.out
    assert "not compared: 1 plans; needs workload==0.0.9" in done.out


def test_the_newest_records_are_shown_and_a_reader_that_goes_away_is_no_error(
    cli: Cli, logged: Path, tmp_path: Path
) -> None:
    tail = cli("log", "tail", "-n", "2", "--log", "file:log", "--json").json()["records"]
    assert [record["seq"] for record in tail] == [5, 6]
    piped = subprocess.run(
        f"{SCRIPT} log list --json --log file:log | head -c 1; exit ${{PIPESTATUS[0]}}",
        shell=True,
        executable="/bin/bash",
        cwd=tmp_path,
        capture_output=True,
        check=False,
    )
    assert piped.stdout == b"{"
    assert piped.stderr == b""
    assert piped.returncode in {0, 141}


def test_filters_narrow_the_list(cli: Cli, logged: Path) -> None:
    def seqs(*options: str) -> list[int]:
        done = cli("log", "list", "--log", "file:log", "--json", *options)
        return [record["seq"] for record in done.json()["records"]]

    assert seqs() == list(range(7))
    assert seqs("--start", "2", "--stop", "5") == [2, 3, 4]
    assert seqs("--kind", "Planned") == [2, 4, 6]
    assert seqs("--subject", "universe.ai/Agent/research") == [3, 4, 5, 6]
    assert seqs("--subject", "universe.ai/Agent/research/lead") == [3, 4]
    assert seqs("--limit", "1") == [0]
    assert cli("log", "list", "--log", "file:log", "--limit", "1", "--json").json()["more"] is True


def test_a_checkpoint_can_be_made_shown_and_found_again(
    cli: Cli, repository: Path, tmp_path: Path
) -> None:
    cli("run", *three_agents(repository), "--log", "file:log")
    cli("keys", "generate", "key")
    made = cli("checkpoint", "create", "--log", "file:log", "--signer", "ed25519:key")
    assert made.status == 0
    assert cli("checkpoint", "show", "--log", "file:log").out == made.out
    assert cli("checkpoint", "show", "--size", "7", "--log", "file:log").out == made.out
    none = cli("checkpoint", "show", "--size", "5", "--log", "file:log")
    assert (none.status, "stored are sizes: 7" in none.err) == (2, True)
    (tmp_path / "kept").write_text(made.out)
    kept = cli("checkpoint", "verify", "kept", "--log", "file:log", "--key", "key.pub")
    assert kept.status == 0
    missing = cli("checkpoint", "create", "--log", "file:none", "--signer", "ed25519:key")
    assert missing.status == 3
    assert not (tmp_path / "none").exists()


def test_a_key_is_never_overwritten_never_printed_and_only_its_owners(
    cli: Cli, tmp_path: Path
) -> None:
    made = cli("keys", "generate", "key", "--name", "log.example")
    private = (tmp_path / "key").read_text()
    assert (tmp_path / "key").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "key.pub").read_text() == made.out
    again = cli("keys", "generate", "key")
    assert again.status == 2
    assert "never overwritten" in again.err
    assert (tmp_path / "key").read_text() == private
    assert cli("keys", "show", "key").out == made.out
    secret = private.strip().split("+", 4)[4]
    for outcome in (
        made,
        again,
        cli("keys", "show", "key", "--json"),
        cli("keys", "show", "key.pub"),
    ):
        assert secret not in outcome.out + outcome.err
    (tmp_path / "other.pub").write_text("taken")
    assert cli("keys", "generate", "other").status == 2
    assert not (tmp_path / "other").exists()


def test_following_a_log_shows_new_records_until_it_is_interrupted(
    cli: Cli, logged: Path, tmp_path: Path, write: Callable[..., Path], agent: Callable[..., Any]
) -> None:
    with subprocess.Popen(
        [SCRIPT, "log", "tail", "-f", "-n", "1", "--log", "file:log", "--json"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as tail:
        try:
            assert tail.stdout is not None
            assert tail.stderr is not None
            assert json.loads(tail.stdout.readline())["seq"] == 6
            cli("run", write("a.yaml", agent("new")), "--log", "file:log")
            assert [json.loads(tail.stdout.readline())["seq"] for _ in range(3)] == [7, 8, 9]
            tail.send_signal(signal.SIGINT)
            assert tail.wait(timeout=30) == 130
            assert tail.stderr.read() == ""
        finally:
            tail.kill()


def test_a_key_is_not_believed_where_nothing_is_signed(cli: Cli, repository: Path) -> None:
    cli("run", *three_agents(repository), "--log", "file:log")
    cli("keys", "generate", "key")
    assert cli("log", "verify", "--log", "file:log").status == 0
    done = cli("log", "verify", "--log", "file:log", "--key", "key.pub")
    assert done.status == 1
    assert "nothing that was read is signed" in done.err


def test_another_key_signs_anew_and_a_garbled_checkpoint_stops_the_run(
    cli: Cli, logged: Path, repository: Path
) -> None:
    cli("keys", "generate", "other")
    run = ("run", *three_agents(repository), "--log", "file:log")
    assert cli(*run, "--signer", "ed25519:other").status == 0
    assert cli("checkpoint", "verify", "--log", "file:log", "--key", "other.pub").status == 0
    (numbered,) = (logged.parent.parent / "objects/checkpoints").iterdir()
    numbered.write_bytes(b"garbage")
    assert cli(*run, "--signer", "ed25519:other").status == 1
