"""`rynxs keys rotate`, and who can verify the log afterwards, as the command line has it."""

from __future__ import annotations

import shutil
import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from rynxs.cli.main import invoke
from rynxs.config import load_config
from rynxs.eventlog import canonical, note
from rynxs.eventlog.log import Entry, Log
from rynxs.plugins import PluginManager
from rynxs.sources import fixed_sources

if TYPE_CHECKING:
    from tests.conftest import Cli, Outcome

LOG = ("--log", "file:log")
OLD, NEW = ("--signer", "ed25519:old"), ("--signer", "ed25519:new")
ROTATE = ("keys", "rotate", "new", *OLD, *LOG)
STORED = Path("log/objects/checkpoint")
AGENT = """
apiVersion: universe.ai/v1alpha1
kind: Agent
metadata: {name: first, namespace: default}
spec: {role: worker, image: {repository: example.org/agent, tag: v1}}
"""


@pytest.fixture(scope="module")
def signed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with a log of three records that `old` has signed, and a key `new`."""
    place = tmp_path_factory.mktemp("signed")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place)
        Path("first.yaml").write_text(AGENT)
        Path("second.yaml").write_text(AGENT.replace("first", "second"))
        for arguments in (
            ["keys", "generate", "old"],
            ["keys", "generate", "new"],
            ["run", "first.yaml", *LOG, *OLD],
        ):
            patch.setattr(sys, "argv", ["rynxs", *arguments])
            assert invoke() == 0
    return place


@pytest.fixture(autouse=True)
def directory(cli: Cli, signed: Path) -> None:
    """Start where that directory is as it was."""
    shutil.copytree(signed, Path.cwd(), dirs_exist_ok=True)


def verify(cli: Cli, command: str, key: str, *more: str) -> Outcome:
    return cli(command, "verify", *more, *LOG, "--key", f"{key}.pub")


def names(text: str) -> list[str]:
    return [line.key_id.hex() for line in note.parse(text.encode()).signatures]


def key_id(file: str) -> str:
    return Path(f"{file}.pub").read_text().split("+")[1]


def test_the_event_and_the_checkpoint_after_it_are_signed_by_both_keys(cli: Cli) -> None:
    done = cli(*ROTATE, "--json")
    assert done.status == 0
    told = done.json()
    assert told["old"] == Path("old.pub").read_text().strip()
    assert told["new"] == Path("new.pub").read_text().strip()
    assert (told["seq"], told["size"]) == (4, 5)
    assert told["checkpoint"] == STORED.read_text()
    assert names(STORED.read_text()) == [key_id("old"), key_id("new")]
    shown = cli("log", "show", "4", *LOG, "--json").json()
    assert (shown["kind"], shown["subject"], shown["cause"]) == ("KeyRotated", "", None)
    payload = shown["payload"]
    assert (payload["old"], payload["new"]) == (told["old"], told["new"])
    assert names(payload["note"]) == [key_id("old"), key_id("new")]
    kinds = [r["kind"] for r in cli("log", "list", *LOG, "--json").json()["records"]]
    assert kinds[3:] == ["EpochStarted", "KeyRotated"]


def test_whoever_knows_the_old_or_the_new_key_verifies_the_whole_log(cli: Cli) -> None:
    shutil.copy(STORED, "before")
    cli(*ROTATE)
    assert cli("run", "second.yaml", *LOG, *NEW).status == 0
    for key in ("old", "new"):
        done = verify(cli, "log", key, "--json")
        assert done.status == 0, done.err
        assert [each["size"] for each in done.json()["checkpoints"]] == [3, 5, 8, 8]
        assert verify(cli, "checkpoint", key).status == 0
        assert verify(cli, "checkpoint", key, "before").status == 0
        assert verify(cli, "checkpoint", key, "--old", "before").status == 0
        copied = cli("log", "copy", "file:log", f"file:{key}-copy", "--key", f"{key}.pub")
        assert copied.status == 0
    assert cli("replay", *LOG, "--check").status == 0
    cli("keys", "generate", "stranger")
    assert verify(cli, "log", "stranger").status == 1
    assert verify(cli, "checkpoint", "stranger").status == 1


def test_a_retired_key_is_not_used_and_what_it_signed_all_the_same_is_refused(cli: Cli) -> None:
    cli(*ROTATE)
    for command in (("run", "second.yaml"), ("checkpoint", "create")):
        done = cli(*command, *LOG, *OLD)
        assert done.status == 2
        assert f"record 4 has retired the key rynxs.local/log+{key_id('old')}" in done.err
        assert f"successor, rynxs.local/log+{key_id('new')}" in done.err
    assert cli("run", "second.yaml", *LOG).status == 0  # appended, not signed
    config = load_config(None, PluginManager()).with_log("file:log").with_signers(["ed25519:old"])
    sources = fixed_sources(0)
    with closing(config.open_writer(sources)) as sink:
        log = Log.open(sink)
        made = log.checkpoint("rynxs.local/log")
        sink.put("checkpoint", note.sign(made.text(), config.signers(sources)))
    for key in ("old", "new"):
        for verb in ("log", "checkpoint"):
            done = verify(cli, verb, key)
            assert done.status == 1
            assert "not the log's key at size 8" in done.err


def test_a_forged_rotation_is_refused_with_its_seq(cli: Cli) -> None:
    cli("keys", "generate", "thief")
    config = load_config(None, PluginManager()).with_log("file:log")
    forged = {
        "old": Path("old.pub").read_text().strip(),
        "new": Path("thief.pub").read_text().strip(),
        "note": "rynxs key rotation v1\n3\nAAAA\n\n— who.example AQIDBHg=\n",
    }
    with closing(config.open_writer(fixed_sources(0))) as sink:
        log = Log.open(sink)
        log.append([Entry("KeyRotated", "", canonical.encode(forged), 1, log.tip.time_us)])
    done = verify(cli, "log", "old")
    assert done.status == 1
    assert "record 3: KeyRotated: the signed text is not that of this rotation" in done.err
    assert cli("log", "verify", *LOG).status == 0  # the chain holds; nobody was to be believed


def test_a_rotation_that_was_cut_off_is_finished_by_the_same_command(cli: Cli) -> None:
    before = {path: path.read_bytes() for path in Path("log/objects").rglob("*") if path.is_file()}
    cli(*ROTATE)
    wanted = STORED.read_text()
    for path in list(Path("log/objects").rglob("*")):
        if path.is_file() and path not in before:
            path.unlink()
    for path, data in before.items():
        path.write_bytes(data)
    assert cli("run", "second.yaml", *LOG, *OLD).status == 2
    again = cli(*ROTATE, "--json")
    assert again.status == 0
    assert again.json()["seq"] == 4
    assert STORED.read_text() == wanted
    assert cli(*ROTATE, "--json").json()["size"] == 5, "and once more changes nothing"
    assert verify(cli, "log", "old").status == 0


def test_a_key_takes_over_once_and_from_the_key_in_use_only(cli: Cli) -> None:
    cli("keys", "generate", "third")
    not_old = cli("keys", "rotate", "new", "--signer", "ed25519:third", *LOG)
    assert not_old.status == 2
    assert "not the log's key" in not_old.err
    to_itself = cli("keys", "rotate", "old", *OLD, *LOG)
    assert to_itself.status == 2
    assert "is the log's key already" in to_itself.err
    cli(*ROTATE)
    back = cli("keys", "rotate", "old", *NEW, *LOG)
    assert back.status == 2
    assert "record 4 names the new key" in back.err
    retired = cli("keys", "rotate", "third", *OLD, *LOG)
    assert retired.status == 2
    assert "record 4 has retired" in retired.err
    assert cli("keys", "rotate", "third", *NEW, *LOG).status == 0
    for key in ("old", "new", "third"):
        assert verify(cli, "log", key).status == 0


@pytest.mark.parametrize(
    ("arguments", "status", "text"),
    [
        (("new", *LOG), 2, "--signer is needed"),
        (("missing", *OLD, *LOG), 2, "missing: No such file"),
        (("old.pub", *OLD, *LOG), 2, "old.pub: "),
        (("new", *OLD, "--log", "file:none"), 3, "no log is here"),
    ],
)
def test_what_can_not_be_rotated_is_told_and_changes_nothing(
    cli: Cli, arguments: tuple[str, ...], status: int, text: str
) -> None:
    before = STORED.read_bytes()
    done = cli("keys", "rotate", *arguments)
    assert done.status == status
    assert text in done.err
    assert STORED.read_bytes() == before
    assert not Path("none").exists()


def test_an_unsigned_log_has_no_key_to_rotate(cli: Cli) -> None:
    cli("run", "first.yaml", "--log", "file:unsigned")
    done = cli("keys", "rotate", "new", *OLD, "--log", "file:unsigned")
    assert done.status == 2
    assert "no checkpoint is stored" in done.err
    Path("new").chmod(0o644)
    open_key = cli(*ROTATE)
    assert open_key.status == 2
    assert "chmod 600 new" in open_key.err


def test_an_ed25519_key_can_hand_over_to_a_post_quantum_one(cli: Cli) -> None:
    cli("keys", "generate", "pq", "--scheme", "mldsa44")
    assert cli("keys", "rotate", "pq", *OLD, *LOG).status == 0
    assert cli("run", "second.yaml", *LOG, "--signer", "mldsa44:pq").status == 0
    for key in ("old", "pq"):
        assert verify(cli, "log", key).status == 0


def test_the_other_keys_of_a_log_sign_on(cli: Cli) -> None:
    cli("keys", "generate", "pq", "--scheme", "mldsa44")
    assert cli("checkpoint", "create", *OLD, "--signer", "mldsa44:pq", *LOG).status == 0
    assert cli(*ROTATE, "--signer", "mldsa44:pq").status == 0
    assert names(STORED.read_text()) == [key_id("old"), key_id("new"), key_id("pq")]
    both = ("--key", "pq.pub", "--require", "2")
    assert verify(cli, "checkpoint", "old", *both).status == 0
    assert verify(cli, "log", "new", *both).status == 0
