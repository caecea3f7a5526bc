"""An audit that processes share, and one that goes on from a checkpoint."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from rynxs.embedded import sharing
from rynxs.eventlog import stretch

if TYPE_CHECKING:
    from tests.conftest import Cli

LOG = ("--log", "file:log")
KEY = ("--key", "key.pub")


@pytest.fixture
def logged(cli: Cli, repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(stretch, "STRETCH", 2)
    cli("keys", "generate", "key")
    for folder in ("agent-basic.yaml", ""):
        run = cli("run", repository / "examples" / folder, *LOG, "--signer", "ed25519:key")
        assert run.status == 0
        checkpoint = (tmp_path / "log/objects/checkpoint").read_bytes()
        (tmp_path / f"signed-{len(list(tmp_path.glob('signed-*')))}").write_bytes(checkpoint)
    return tmp_path / "log"


def test_processes_together_verify_what_one_verifies(cli: Cli, logged: Path) -> None:
    alone = cli("log", "verify", *LOG, *KEY, "--jobs", 1, "--json").json()
    assert cli("log", "verify", *LOG, *KEY, "--jobs", 3, "--json").json() == alone
    assert alone["size"] > 4


def test_processes_together_tell_of_damage_as_one_does(cli: Cli, logged: Path) -> None:
    segment = next((logged / "segments").glob("*.seg"))
    data = bytearray(segment.read_bytes())
    data[len(data) // 2] ^= 1
    segment.write_bytes(bytes(data))
    alone = cli("log", "verify", *LOG, "--jobs", 1)
    together = cli("log", "verify", *LOG, "--jobs", 2)
    assert (alone.status, together.status) == (1, 1)
    assert together.err == alone.err


def test_a_process_that_is_killed_costs_time_and_no_truth(
    cli: Cli, logged: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = cli("log", "verify", *LOG, "--jobs", 1, "--json").json()
    monkeypatch.setattr(sharing, "open_reader", _reader_that_dies)
    assert cli("log", "verify", *LOG, "--jobs", 2, "--json").json() == alone


def _reader_that_dies(*_: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def test_what_a_checkpoint_covers_is_not_read_again(cli: Cli, logged: Path) -> None:
    done = cli("log", "verify", *LOG, *KEY, "--from", "signed-0", "--json")
    whole = cli("log", "verify", *LOG, *KEY, "--json").json()
    assert done.status == 0
    assert done.json()["from"] == 3
    assert (done.json()["root"], done.json()["size"]) == (whole["root"], whole["size"])
    segment = next((logged / "segments").glob("*.seg"))
    data = bytearray(segment.read_bytes())
    data[-1] ^= 1
    segment.write_bytes(bytes(data))
    assert cli("log", "verify", *LOG, *KEY, "--from", "signed-0").status == 1


@pytest.mark.parametrize(
    ("arguments", "status", "told"),
    [
        (("--from", "signed-0"), 2, "--from needs --key"),
        (("--from", "missing", *KEY), 2, "missing: No such file"),
        (("--from", "key.pub", *KEY), 1, "note"),
        (("--from", "signed-0", "--key", "other.pub"), 1, "none of the known keys"),
        (("--from", "stranger", *KEY), 1, "of log 'another.example/log'"),
    ],
)
def test_a_checkpoint_is_believed_only_if_a_key_given_has_signed_it(
    cli: Cli, logged: Path, arguments: tuple[str, ...], status: int, told: str
) -> None:
    cli("keys", "generate", "other")
    Path("rynxs.yaml").write_text("origin: another.example/log\n")
    cli("run", "--log", "file:elsewhere", "--signer", "ed25519:key", _example())
    Path("rynxs.yaml").unlink()
    Path("stranger").write_bytes(Path("elsewhere/objects/checkpoint").read_bytes())
    done = cli("log", "verify", *LOG, *arguments)
    assert done.status == status
    assert told in done.err


def _example() -> Path:
    return Path(__file__).parents[2] / "examples/agent-basic.yaml"


def test_tiles_are_compared_with_the_records(cli: Cli, logged: Path) -> None:
    assert cli("log", "verify", *LOG, "--tiles", "--json").json()["tiles"] == 4
    newest = max((logged / "objects/tile/0/000.p").iterdir(), key=lambda path: int(path.name))
    data = bytearray(newest.read_bytes())
    data[0] ^= 1
    newest.write_bytes(bytes(data))
    done = cli("log", "verify", *LOG, "--tiles")
    assert done.status == 1
    assert "tile/0/000.p" in done.err
    assert cli("log", "verify", *LOG).status == 0
