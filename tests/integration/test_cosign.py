"""Several signers, cosigners, and how many of them have to sign, as the command line has it."""

from __future__ import annotations

import base64
import shutil
import struct
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from rynxs.cli.main import invoke
from rynxs.config import load_config
from rynxs.eventlog import note
from rynxs.eventlog.rotation import Rotation
from rynxs.eventlog.vkey import format_vkey, parse_vkey
from rynxs.plugins import PluginManager
from rynxs.sources import fixed_sources

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import Cli, Outcome

    Grow = Callable[[str], Outcome]

LOG = ("--log", "file:log")
TIME = 1_767_225_600
FIXED = ("--clock", "fixed:2026-01-01T00:00:00Z")
WITNESS = ("checkpoint", "cosign", "--key", "key.pub", "--signer", "ed25519:witness", *FIXED)
STORED = Path("log/objects/checkpoint")
KEYS = ("--signer", "ed25519:key", "--signer", "mldsa44:pq")
AGENT = """
apiVersion: universe.ai/v1alpha1
kind: Agent
metadata: {name: first, namespace: default}
spec: {role: worker, image: {repository: example.org/agent, tag: v1}}
"""


@pytest.fixture(scope="module")
def signed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with three keys, and a log that `key` and `pq` have signed."""
    place = tmp_path_factory.mktemp("signed")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place)
        Path("first.yaml").write_text(AGENT)
        for arguments in (
            ["keys", "generate", "key"],
            ["keys", "generate", "pq", "--scheme", "mldsa44"],
            ["keys", "generate", "witness", "--cosigner", "--name", "witness.example/w1"],
            ["run", "first.yaml", *LOG, *KEYS],
        ):
            patch.setattr(sys, "argv", ["rynxs", *arguments])
            assert invoke() == 0
    return place


@pytest.fixture
def grow(cli: Cli, signed: Path) -> Grow:
    """The directory above as it was, and a function that runs with another agent."""
    shutil.copytree(signed, Path.cwd(), dirs_exist_ok=True)

    def run(name: str) -> Outcome:
        Path(f"{name}.yaml").write_text(AGENT.replace("first", name))
        done = cli("run", f"{name}.yaml", *LOG, *KEYS)
        assert done.status == 0
        return done

    return run


def lines(text: str) -> list[tuple[str, int]]:
    """Return name and size of each signature of a note."""
    return [(line.name, len(line.signature)) for line in note.parse(text.encode()).signatures]


def test_run_and_checkpoint_create_sign_with_all_keys(cli: Cli, grow: Grow) -> None:
    both = [("rynxs.local/log", 64), ("rynxs.local/log", 8 + 2420)]
    assert lines(STORED.read_text()) == both
    made = cli("checkpoint", "create", *KEYS, *LOG)
    assert lines(made.out) == both
    assert made.out == STORED.read_text(), "who has signed already does not sign again"


def test_a_further_key_adds_its_line_to_the_checkpoint_that_is_there(cli: Cli, grow: Grow) -> None:
    cli("keys", "generate", "second", "--cosigner", "--name", "rynxs.local/log")
    before = STORED.read_text()
    keys = ("--signer", "ed25519:key", "--signer", "ed25519:second")
    assert cli("checkpoint", "create", *keys, *LOG).status == 0
    assert STORED.read_text().startswith(before)
    assert lines(STORED.read_text())[2:] == [("rynxs.local/log", 72)]


def test_the_configuration_names_signer_and_cosigners(cli: Cli, grow: Grow) -> None:
    Path("rynxs.yaml").write_text(
        "plugins: {cosigners: [mldsa44]}\n"
        "settings: {signer: {keyFile: key}, cosigners: {mldsa44: {keyFile: pq}}}\n"
    )
    Path("new.yaml").write_text(Path("first.yaml").read_text().replace("first", "new"))
    assert cli("run", "new.yaml", *LOG).status == 0
    assert len(lines(STORED.read_text())) == 2
    shown = cli("config", "show", "--json").json()
    assert shown["plugins"]["cosigners"] == ["mldsa44"]
    assert shown["settings"]["cosigners"] == {"mldsa44": {"keyFile": "pq"}}
    schema = cli("config", "schema").json()
    assert "mldsa44" in schema["$defs"]["Cosigners"]["properties"]


@pytest.mark.parametrize("command", ["log", "checkpoint"])
def test_require_says_how_many_of_the_keys_must_have_signed(
    cli: Cli, grow: Grow, command: str
) -> None:
    verify = (command, "verify", *LOG, "--key", "key.pub", "--key", "pq.pub")
    assert cli(*verify, "--require", "2").status == 0
    with_witness = (*verify, "--key", "witness.pub", "--require", "3")
    done = cli(*with_witness)
    assert done.status == 1
    assert "signed by 2 of the known keys" in done.err
    assert cli(*WITNESS, *LOG, "--store").status == 0
    assert cli(*with_witness).status == 0


@pytest.mark.parametrize("command", ["log", "checkpoint"])
def test_more_signatures_than_distinct_keys_can_not_be_required(
    cli: Cli, grow: Grow, command: str
) -> None:
    twice = ("--key", "key.pub", "--key", Path("key.pub").read_text().strip())
    done = cli(command, "verify", *LOG, *twice, "--require", "2")
    assert done.status == 2
    assert "--require 2: given with --key are 1 distinct keys" in done.err
    assert cli(command, "verify", *LOG, "--require", "1").status == 2
    assert cli(command, "verify", *LOG, *twice, "--require", "0").status == 2


@pytest.mark.parametrize(("name", "scheme"), [("other.example", 0x01), ("rynxs.local/log", 0x04)])
def test_one_public_key_under_two_names_or_types_does_not_pass_for_two_signers(
    cli: Cli, grow: Grow, name: str, scheme: int
) -> None:
    public = parse_vkey(Path("key.pub").read_text().strip()).raw[1:]
    again = format_vkey(name, bytes((scheme,)) + public)
    done = cli("log", "verify", *LOG, "--key", "key.pub", "--key", again, "--require", "2")
    assert done.status == 2
    assert "are one public key: give it once" in done.err


def test_who_starts_from_a_checkpoint_demands_as_many_signatures_of_it(
    cli: Cli, grow: Grow
) -> None:
    Path("kept").write_bytes(STORED.read_bytes())
    grow("second")
    begun = ("log", "verify", *LOG, "--from", "kept", "--key", "key.pub", "--key", "pq.pub")
    assert cli(*begun, "--require", "2").status == 0
    assert cli(*WITNESS, *LOG, "--store").status == 0
    done = cli(*begun, "--key", "witness.pub", "--require", "3")
    assert done.status == 1
    assert "kept: signed by 2 of the known keys" in done.err


def test_who_starts_from_a_checkpoint_believes_only_the_keys_that_have_signed_it(
    cli: Cli, grow: Grow
) -> None:
    signed = note.parse(STORED.read_bytes())
    mine = [line for line in signed.signatures if len(line.signature) == 64]
    Path("kept").write_text(f"{signed.text}\n{''.join(map(note.format_signature, mine))}")
    Path("third.yaml").write_text(AGENT.replace("first", "third"))
    assert cli("run", "third.yaml", *LOG, "--signer", "mldsa44:pq").status == 0
    keys = ("--key", "key.pub", "--key", "pq.pub")
    assert cli("log", "verify", *LOG, *keys).status == 0
    done = cli("log", "verify", *LOG, *keys, "--from", "kept")
    assert done.status == 1
    assert "none of the known keys" in done.err


def test_a_key_of_any_installed_scheme_is_believed_whatever_is_picked(cli: Cli, grow: Grow) -> None:
    Path("rynxs.yaml").write_text("plugins: {signer: null}\n")
    for file in ("key.pub", "pq.pub"):
        assert cli("checkpoint", "verify", *LOG, "--key", file).status == 0
        assert cli("keys", "show", file.removesuffix(".pub")).out == Path(file).read_text()


def test_a_key_of_no_installed_scheme_is_told_with_those_that_are_known(cli: Cli) -> None:
    raw = base64.b64encode(b"\x02" + bytes(32)).decode()
    done = cli("log", "verify", *LOG, "--key", f"a.example+00000000+{raw}")
    assert done.status == 2
    assert "no installed signer knows keys of type 0x02" in done.err
    assert "0x01 (ed25519), 0x04 (ed25519), 0x06 (mldsa44)" in done.err


def test_a_witness_cosigns_at_the_time_of_the_clock_and_the_log_keeps_it(
    cli: Cli, grow: Grow
) -> None:
    before = STORED.read_text()
    done = cli(*WITNESS, *LOG)
    assert done.status == 0
    assert done.out.startswith(before)
    assert lines(done.out)[2:] == [("witness.example/w1", 8 + 64)]
    line = note.parse(done.out.encode()).signatures[-1]
    assert line.signature[:8] == struct.pack(">Q", TIME)
    assert STORED.read_text() == before, "without --store nothing is written"

    (numbered,) = Path("log/objects/checkpoints").iterdir()
    first = numbered.read_bytes()
    stored = cli(*WITNESS, *LOG, "--store", "--json").json()
    assert stored["stored"] is True
    assert stored["checkpoint"] == done.out == STORED.read_text()
    assert stored["cosignedBy"] == ["witness.example/w1"]
    assert numbered.read_bytes() == first
    again = cli(*WITNESS, *LOG, "--store", "--clock", "fixed:2027-01-01T00:00:00Z")
    assert again.out == done.out, "who has cosigned a checkpoint does not do it again"
    assert cli("checkpoint", "verify", *LOG, "--key", "witness.pub").status == 0


def test_a_cosigner_of_any_scheme_cosigns(cli: Cli, grow: Grow) -> None:
    cli("keys", "generate", "w2", "--cosigner", "--name", "w2.example", "--scheme", "mldsa44")
    both = ("--signer", "ed25519:witness", "--signer", "mldsa44:w2")
    done = cli("checkpoint", "cosign", "--key", "pq.pub", *both, *LOG)
    assert done.status == 0
    assert lines(done.out)[2:] == [("witness.example/w1", 72), ("w2.example", 2428)]


def test_what_only_grew_is_cosigned_again_with_the_last_checkpoint_as_old(
    cli: Cli, grow: Grow
) -> None:
    Path("mine").write_text(cli(*WITNESS, *LOG).out)
    grow("second")
    done = cli(*WITNESS, *LOG, "--old", "mine")
    assert done.status == 0
    Path("newer").write_text(done.out)
    assert cli(*WITNESS, *LOG, "newer", "--old", "mine").out == done.out
    rolled_back = cli(*WITNESS, *LOG, "mine", "--old", "newer")
    assert rolled_back.status == 1
    assert "rolled back" in rolled_back.err


def test_a_log_that_did_not_grow_from_the_old_checkpoint_is_not_cosigned(
    cli: Cli, grow: Grow
) -> None:
    Path("mine").write_text(cli(*WITNESS, *LOG).out)
    shutil.rmtree("log")
    grow("another")
    grow("second")
    done = cli(*WITNESS, *LOG, "--old", "mine")
    assert done.status == 1
    assert "mine: its root is" in done.err
    assert "witness.example" not in STORED.read_text()


def test_without_the_log_only_what_needs_no_records_is_cosigned(cli: Cli, grow: Grow) -> None:
    shutil.copy(STORED, "given")
    done = cli(*WITNESS, "given")
    assert done.status == 0
    Path("mine").write_text(done.out)
    assert cli(*WITNESS, "given", "--old", "mine").status == 0
    grow("second")
    shutil.copy(STORED, "newer")
    grown = cli(*WITNESS, "newer", "--old", "mine")
    assert grown.status == 2
    assert "give --log" in grown.err
    assert cli(*WITNESS, "given", "--store").status == 2

    shutil.rmtree("log")
    grow("another")
    shutil.copy(STORED, "fork")
    forked = cli(*WITNESS, "fork", "--old", "mine")
    assert forked.status == 1
    assert "its root is" in forked.err


def test_only_a_checkpoint_of_the_logs_key_and_with_its_records_is_cosigned(
    cli: Cli, grow: Grow
) -> None:
    cli("keys", "generate", "stranger")
    by = ("--signer", "ed25519:witness")
    unknown = cli("checkpoint", "cosign", "--key", "stranger.pub", *by, *LOG)
    assert unknown.status == 1
    assert "none of the known keys" in unknown.err
    assert cli("checkpoint", "cosign", *by, *LOG).status == 2
    shutil.copy(STORED, "given")
    old_signed_by_nobody = note.parse(STORED.read_bytes())._replace(signatures=())
    line = "\n— who.example AQIDBHg=\n"
    Path("old").write_text(old_signed_by_nobody.text + line)
    done = cli(*WITNESS, *LOG, "--old", "old")
    assert done.status == 1
    assert "old: signed by who.example" in done.err
    segment = next(Path("log/segments").iterdir())
    data = bytearray(segment.read_bytes())
    data[500] ^= 1
    segment.write_bytes(bytes(data))
    assert cli(*WITNESS, *LOG).status == 1


def test_a_logs_key_does_not_cosign(cli: Cli, grow: Grow) -> None:
    done = cli("checkpoint", "cosign", "--key", "key.pub", "--signer", "ed25519:key", *LOG)
    assert done.status == 2
    assert "keys generate --cosigner" in done.err
    assert cli("checkpoint", "cosign", "--key", "key.pub", *LOG).status == 2


def test_another_newest_checkpoint_keeps_its_lines(cli: Cli, grow: Grow) -> None:
    shutil.copy(STORED, "given")
    grow("second")
    before = STORED.read_text()
    done = cli(*WITNESS, "given", *LOG, "--store")
    assert done.status == 1
    assert "another one by now" in done.err
    assert STORED.read_text() == before


def test_a_signature_that_claims_to_be_the_cosigners_is_refused(cli: Cli, grow: Grow) -> None:
    line = note.parse(cli(*WITNESS, *LOG).out.encode()).signatures[-1]
    forged = note.format_signature(line._replace(signature=bytes(72)))
    with STORED.open("a") as file:
        file.write(forged)
    done = cli(*WITNESS, *LOG)
    assert done.status == 1
    assert "the signature of witness.example/w1 is not valid" in done.err


def test_a_cosigners_key_has_its_own_name_and_type(cli: Cli, tmp_path: Path) -> None:
    done = cli("keys", "generate", "nameless", "--cosigner")
    assert done.status == 2
    assert "--cosigner needs --name" in done.err
    assert not (tmp_path / "nameless").exists()
    made = cli("keys", "generate", "w", "--cosigner", "--name", "w.example", *FIXED)
    as_log = cli("keys", "generate", "l", "--name", "w.example", *FIXED)
    types = [base64.b64decode(each.out.split("+", 2)[2])[0] for each in (made, as_log)]
    assert types == [4, 1]
    assert cli("keys", "show", "w").out == made.out
    config = load_config(None, PluginManager())
    assert config.with_signers(["ed25519:w"]).signers(fixed_sources(0))[0].name == "w.example"
    assert cli("keys", "generate", "x", "--scheme", "none").status == 2


def test_a_cosigner_never_signs_that_another_key_takes_over_from_its_own(
    cli: Cli, signed: Path
) -> None:
    shutil.copytree(signed, Path.cwd(), dirs_exist_ok=True)
    own, log = Path("witness.pub").read_text().strip(), Path("key.pub").read_text().strip()
    config = load_config(None, PluginManager()).with_signers(["ed25519:key"])
    thief = config.signers(fixed_sources(0))[0]
    statement = Rotation("log.example", 7, own, log).text()
    Path("takeover").write_bytes(note.sign(statement, [thief]))
    refused = cli(*WITNESS, "takeover")
    assert refused.status == 1
    assert "rynxs key rotation v1" in refused.err
    assert "does not match" in refused.err
    assert refused.out == ""
