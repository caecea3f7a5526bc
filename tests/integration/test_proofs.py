"""Proofs on the command line, and attacks on a log as a holder of an old checkpoint meets them."""

from __future__ import annotations

import base64
import shutil
from contextlib import closing
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from rynxs.config import Config
from rynxs.eventlog import canonical
from rynxs.eventlog.log import Entry, Log
from rynxs.eventlog.record import decode_header
from rynxs.plugins import PluginManager
from rynxs.settings import RawConfig
from rynxs.sources import system_sources

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rynxs.eventlog.record import Record
    from tests.conftest import Cli

    Manifests = Callable[..., dict[str, Any]]
    Write = Callable[..., Path]

LOG = ("--log", "file:log")
KEY = ("--key", "key.pub")
SIGNER = ("--signer", "ed25519:key")
SUBJECT = "universe.ai/Agent/default/worker"


@pytest.fixture
def grown(cli: Cli, tmp_path: Path, agent: Manifests, write: Write) -> Path:
    """A log that was signed, grew and was signed again; `old` is the first checkpoint."""
    cli("keys", "generate", "key")
    for team in ("research", "support"):
        file = write("agent.yaml", agent(team=team))
        assert cli("run", file, *LOG, *SIGNER).status == 0
        if team == "research":
            shutil.copy("log/objects/checkpoint", "old")
    return tmp_path / "log"


def opened(place: str) -> Config:
    return Config(RawConfig(), PluginManager(), "here").with_log(f"file:{place}")


def records(place: str = "log") -> list[Record]:
    with closing(opened(place).open_reader()) as sink:
        return list(sink.read())


def rewritten(place: Path, changed: Sequence[tuple[Entry, bytes | None]]) -> None:
    """Put another history in a log's place, with all its hashes right."""
    shutil.move(place, "stolen")
    with closing(opened(str(place)).open_writer(system_sources())) as sink:
        log = Log.open(sink)
        log.append(
            [entry if new is None else entry._replace(payload=new) for entry, new in changed]
        )
        log.save()
    shutil.rmtree(place / "objects")
    shutil.copytree("stolen/objects", place / "objects")
    for stale in ("tile", "frontier"):
        target = place / "objects" / stale
        shutil.rmtree(target) if target.is_dir() else target.unlink()


def entries(found: Sequence[Record]) -> list[tuple[Entry, bytes | None]]:
    made: list[tuple[Entry, bytes | None]] = []
    for record in found:
        h = decode_header(record.header)
        assert record.payload is not None
        entry = Entry(h.kind, h.subject, record.payload, h.epoch, h.time_us, h.cause, record.salt)
        made.append((entry, None))
    return made


def forged(payload: bytes) -> bytes:
    body = canonical.decode(payload)
    body["actor"]["name"] = "somebody else"
    return canonical.encode(body)


def test_a_record_is_proven_to_whoever_has_the_key_and_nothing_else(
    cli: Cli, grown: Path, tmp_path: Path
) -> None:
    for seq in range(len(records())):
        assert cli("proof", "inclusion", seq, *LOG, "--out", f"{seq}.tlog-proof").status == 0
    shutil.rmtree(grown)
    for seq in range(3):
        done = cli("proof", "verify", f"{seq}.tlog-proof", *KEY, "--json")
        assert (done.status, done.json()["record"]["seq"]) == (0, seq)
        assert done.json()["signedBy"] == ["rynxs.local/log"]
    shown = cli("proof", "verify", tmp_path / "0.tlog-proof", *KEY).out
    assert "verified: True" in shown
    assert "\n  kind: EpochStarted\n" in shown


def test_a_subject_is_proven_by_its_newest_record(cli: Cli, grown: Path) -> None:
    made = cli("proof", "inclusion", SUBJECT, *LOG, "--json").json()
    assert made["seq"] == len(records()) - 1
    none = cli("proof", "inclusion", "universe.ai/Agent/default/worker2", *LOG)
    assert none.status == 2
    assert "is about" in none.err


def test_a_proof_carries_the_payload_if_it_is_asked_to(cli: Cli, grown: Path) -> None:
    Path("p").write_text(cli("proof", "inclusion", "1", "--payload", *LOG).out)
    verified = cli("proof", "verify", "p", *KEY, "--json").json()
    assert verified["record"]["payload"]["object"]["spec"]["team"] == "research"
    Path("q").write_text(cli("proof", "inclusion", "1", *LOG).out)
    # Who proves a record keeps its payload back by default: that is no erasure.
    bare = cli("proof", "verify", "q", *KEY, "--json").json()["record"]
    assert not {"payload", "erased", "redacted"} & bare.keys()


def test_a_proof_leads_to_the_checkpoint_that_is_asked_for(cli: Cli, grown: Path) -> None:
    made = cli("proof", "inclusion", "1", *LOG, "--checkpoint", "old", "--json").json()
    assert made["size"] == 3
    beyond = cli("proof", "inclusion", "3", *LOG, "--checkpoint", "old")
    assert beyond.status == 2
    assert "record 3 is not covered" in beyond.err


def test_growth_is_proven_to_whoever_kept_the_old_checkpoint(cli: Cli, grown: Path) -> None:
    assert cli("proof", "consistency", "old", *LOG, "--out", "growth").status == 0
    shutil.rmtree(grown)
    done = cli("proof", "verify", "growth", "--old", "old", *KEY, "--json")
    assert done.status == 0
    assert (done.json()["oldSize"], done.json()["size"]) == (3, 6)
    assert cli("proof", "verify", "growth", *KEY).status == 2


@pytest.mark.parametrize(
    ("arguments", "status", "told"),
    [
        (("inclusion", "99", *LOG), 2, "record 99 is not covered"),
        (("inclusion", "one", *LOG), 2, "neither a seq nor a subject"),
        (("inclusion", "0", "--log", "file:nothing"), 3, "nothing"),
        (("inclusion", "0", *LOG, "--checkpoint", "missing"), 2, "missing: No such file"),
        (("inclusion", "0", *LOG, "--checkpoint", "agent.yaml"), 1, "note"),
        (("inclusion", "0", *LOG, "--out", "agent.yaml"), 74, "exists already"),
        (("consistency", "missing", *LOG), 2, "missing: No such file"),
        (("consistency", "log/objects/checkpoint", "old", *LOG), 2, "the new one 3"),
        (("verify", "missing", *KEY), 2, "missing: No such file"),
        (("verify", "agent.yaml", *KEY), 1, "not a proof"),
        (("verify", "agent.yaml"), 2, "--key is needed"),
    ],
)
def test_what_can_not_be_proven_is_told_in_a_sentence(
    cli: Cli, grown: Path, arguments: tuple[str, ...], status: int, told: str
) -> None:
    done = cli("proof", *arguments)
    assert done.status == status
    assert told in done.err
    assert "Traceback" not in done.err


def test_a_log_without_a_checkpoint_proves_nothing(
    cli: Cli, agent: Manifests, write: Write
) -> None:
    cli("run", write("agent.yaml", agent()), *LOG)
    done = cli("proof", "inclusion", "0", *LOG)
    assert done.status == 2
    assert "rynxs checkpoint create" in done.err


def test_a_proof_of_another_key_is_refused(cli: Cli, grown: Path) -> None:
    cli("keys", "generate", "other")
    Path("p").write_text(cli("proof", "inclusion", "1", *LOG).out)
    done = cli("proof", "verify", "p", "--key", "other.pub")
    assert done.status == 1
    assert "none of the known keys" in done.err


def test_a_checkpoint_signs_on_from_the_last_one_and_reads_only_what_is_new(
    cli: Cli, grown: Path
) -> None:
    whole = cli("checkpoint", "create", *LOG, *SIGNER, "--full").out
    assert cli("checkpoint", "create", *LOG, *SIGNER).out == whole
    segment = next((grown / "segments").glob("*.seg"))
    data = bytearray(segment.read_bytes())
    data[data.index(b"research")] ^= 1  # covered already: not read again, so not noticed here
    segment.write_bytes(bytes(data))
    assert cli("checkpoint", "create", *LOG, *SIGNER, "--full").status == 1


def test_a_log_is_its_own_static_transparency_log(cli: Cli, grown: Path) -> None:
    headers = [record.header for record in records()]
    bundle = (grown / "objects/tile/entries/000.p/6").read_bytes()
    assert bundle == b"".join(len(h).to_bytes(2, "big") + h for h in headers)
    assert len((grown / "objects/tile/0/000.p/6").read_bytes()) == 6 * 32


def rewrite(log: Path) -> None:
    changed = entries(records())
    changed[1] = (changed[1][0], forged(changed[1][0].payload))
    rewritten(log, changed)


def swap(log: Path) -> None:
    changed = entries(records())
    first, second = changed[1][0], changed[2][0]
    moved = first._replace(time_us=second.time_us, cause=None)
    changed[1], changed[2] = (second._replace(time_us=first.time_us, cause=0), None), (moved, None)
    rewritten(log, changed)


def truncate(log: Path) -> None:
    rewritten(log, entries(records())[:2])
    for name in log.glob("objects/checkpoint*"):
        shutil.rmtree(name) if name.is_dir() else name.unlink()


def resign(log: Path) -> None:
    checkpoint = log / "objects/checkpoint"
    text, _, line = checkpoint.read_text().rpartition("\n\n")
    mark, name, blob = line.rstrip("\n").split(" ")
    raw = bytearray(base64.b64decode(blob))
    raw[10] ^= 1
    checkpoint.write_text(f"{text}\n\n{mark} {name} {base64.b64encode(raw).decode()}\n")


def roll_back_tiles(log: Path) -> None:
    """Everything the log serves is as it was two records earlier than the old checkpoint."""
    tree = log / "objects"
    shutil.rmtree(tree / "tile")
    shutil.rmtree(tree / "checkpoints")
    (tree / "checkpoint").unlink()
    shutil.move(log, "stolen")
    with closing(opened(str(log)).open_writer(system_sources())) as sink:
        Log.open(sink).append([entry for entry, _ in entries(records("stolen"))[:2]])


@pytest.mark.parametrize("attack", [rewrite, swap, truncate, resign, roll_back_tiles])
@pytest.mark.parametrize("with_the_key", [False, True], ids=["outsider", "insider"])
def test_an_attack_is_seen_by_whoever_holds_an_old_checkpoint_and_the_key(
    cli: Cli, grown: Path, attack: Callable[[Path], None], with_the_key: bool
) -> None:
    """An insider even signs what he made anew, with the right key."""
    attack(grown)
    if with_the_key:
        for name in grown.glob("objects/checkpoint*"):
            shutil.rmtree(name) if name.is_dir() else name.unlink()
        assert cli("checkpoint", "create", *LOG, *SIGNER).status == 0
        if attack is resign:  # the log is what it was, and properly signed again
            assert cli("checkpoint", "verify", "--old", "old", *LOG, *KEY).status == 0
            return
    untouched = attack is resign  # the records are what they were, the signature is not
    assert cli("checkpoint", "verify", "old", *LOG, *KEY).status == (0 if untouched else 1)
    if with_the_key or untouched:
        assert cli("checkpoint", "verify", "--old", "old", *LOG, *KEY).status == 1
    proven = cli("proof", "consistency", "old", *LOG)
    if proven.status == 0:
        Path("growth").write_text(proven.out)
        assert cli("proof", "verify", "growth", "--old", "old", *KEY).status == 1


def test_one_flipped_bit_of_any_byte_of_a_proof_is_refused(cli: Cli, grown: Path) -> None:
    cli("proof", "inclusion", "1", *LOG, "--out", "p")
    good = Path("p").read_bytes()
    for place in range(0, len(good), 23):
        Path("p").write_bytes(good[:place] + bytes([good[place] ^ 4]) + good[place + 1 :])
        assert cli("proof", "verify", "p", *KEY).status == 1, place


def test_stored_checkpoints_prove_growth_from_each_to_the_next(cli: Cli, grown: Path) -> None:
    stored = sorted((grown / "objects/checkpoints").iterdir())
    for old, new in pairwise(stored):
        cli("proof", "consistency", old, new, *LOG, "--out", "g")
        assert cli("proof", "verify", "g", "--old", old, *KEY).status == 0
        Path("g").unlink()
