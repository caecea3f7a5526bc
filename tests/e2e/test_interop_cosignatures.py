"""Cosignatures, Ed25519's and ML-DSA-44's, judged by transparency-dev/formats and by us."""

from __future__ import annotations

import base64
import random
from collections import Counter
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import pytest

from rynxs.errors import CheckpointRefused
from rynxs.eventlog import checkpoint as cp
from rynxs.eventlog import note
from rynxs.eventlog.checkpoint import Checkpoint
from rynxs.eventlog.merkle import EMPTY_ROOT
from rynxs_signer_mldsa44.plugin import rynxs_signer
from tests.interop import program
from tests.interop.changes import changed
from tests.interop.keys import ED25519, LOG, SIGNED_AT_S, Key, line
from tests.interop.program import ask

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from tests.conftest import Cli

pytestmark = program.needed

MLDSA44 = rynxs_signer()
WITNESS = Key.of_cosigner("witness.example/w1", "witness")
QUANTUM = Key.of_cosigner("witness.example/pq", "witness", MLDSA44)
COSIGNERS = {"ed25519": WITNESS, "mldsa44": QUANTUM}
CHECKPOINT = Checkpoint("log.example/interop", 7, sha256(b"root").digest())
EXTENDED = CHECKPOINT._replace(extensions=("an extension",))
EMPTY = CHECKPOINT._replace(size=0, root=EMPTY_ROOT)
TIME_SIZE = 8


def _go_cosigned(text: str, *cosigners: Key) -> bytes:
    """Return a checkpoint that Go signs with the log's key and cosigns, at the time of now."""
    private = [key.private for key in cosigners]
    (answer,) = ask("sign", [{"text": text, "private": [LOG.private], "cosigners": private}])
    return base64.b64decode(answer["note"])


def _theirs(notes: Sequence[bytes], keys: Sequence[Key]) -> list[Any]:
    return ask("note", [{"note": data, "keys": [key.vkey for key in keys]} for data in notes])


def _ours(data: bytes, keys: Sequence[Key]) -> list[str] | None:
    try:
        return note.verify(note.parse(data), [key.verifier for key in keys])
    except CheckpointRefused:
        return None


@pytest.mark.parametrize("checkpoint", [CHECKPOINT, EXTENDED, EMPTY])
def test_go_verifies_our_cosignatures_beside_the_log_s(
    checkpoint: Checkpoint, tmp_path: Path
) -> None:
    keys = [LOG, WITNESS, QUANTUM]
    signed = cp.sign(checkpoint, [key.signer(tmp_path) for key in keys])
    for known in ([LOG], [WITNESS], [QUANTUM], keys):
        (answer,) = _theirs([signed], known)
        assert (answer["accepted"], answer["canonical"]) == (True, True), answer
        assert answer["signers"] == [key.verifier.name for key in known]
    request = {"note": signed, "origin": checkpoint.origin, "keys": [key.vkey for key in keys]}
    (parsed,) = ask("checkpoint", [request])
    assert (parsed["accepted"], parsed["size"]) == (True, checkpoint.size)


@pytest.mark.parametrize("checkpoint", [CHECKPOINT, EXTENDED, EMPTY])
def test_we_verify_the_cosignatures_that_go_makes(checkpoint: Checkpoint) -> None:
    signed = _go_cosigned(checkpoint.text(), WITNESS, QUANTUM)
    for known in ([WITNESS], [QUANTUM], [LOG, WITNESS, QUANTUM]):
        assert _ours(signed, known) == [key.verifier.name for key in known]
    sizes = [len(each.signature) - TIME_SIZE for each in note.parse(signed).signatures[1:]]
    assert sizes == [64, 2420]


def test_keys_that_go_makes_are_ours_too() -> None:
    requests = [{"name": "go.example/w", "kind": kind} for kind in ("ed25519", "cosigner")]
    plain, quantum = ask("keys", requests)
    assert MLDSA44.public_key(quantum["private"]) == quantum["vkey"]
    assert ED25519.public_key(plain["private"]) == plain["vkey"]
    cosigner = ED25519.parse_verifier(plain["cosigner"])
    assert cosigner.name == "go.example/w"
    assert cosigner.key_id != ED25519.parse_verifier(plain["vkey"]).key_id
    for vkey, private, scheme in (
        (plain["cosigner"], plain["private"], ED25519),
        (quantum["vkey"], quantum["private"], MLDSA44),
    ):
        key = Key(private, vkey, scheme)
        assert _ours(_go_cosigned(CHECKPOINT.text(), key), [key]) == ["go.example/w"]


def _tampered(kind: str) -> dict[str, tuple[bytes, bool]]:
    """Return notes with a cosignature that is not for them, and whether it counts all the same."""
    key = COSIGNERS[kind]
    name, key_id = key.verifier.name, key.verifier.key_id
    good = _go_cosigned(CHECKPOINT.text(), key)
    log_line, _ = good.partition(b"\n\n")[2].splitlines(keepends=True)
    signature = note.parse(good).signatures[1].signature
    later = (int.from_bytes(signature[:TIME_SIZE], "big") + 1).to_bytes(TIME_SIZE, "big")

    def with_line(signature: bytes, checkpoint: Checkpoint = CHECKPOINT) -> bytes:
        text = checkpoint.text().encode() + b"\n"
        return text + log_line + line(name, key_id, signature)

    return {
        "as it was": (with_line(signature), True),
        "another time": (with_line(later + signature[TIME_SIZE:]), False),
        "no time": (with_line(signature[TIME_SIZE:]), False),
        "a time alone": (with_line(later), False),
        "a byte more": (with_line(signature + b"\0"), False),
        "a byte less": (with_line(signature[:-1]), False),
        "the log's signature": (with_line(note.parse(good).signatures[0].signature), False),
        "another size": (with_line(signature, CHECKPOINT._replace(size=8)), False),
        "another origin": (with_line(signature, CHECKPOINT._replace(origin="other")), False),
        "another root": (with_line(signature, CHECKPOINT._replace(root=EMPTY_ROOT)), False),
        # Extension lines are covered by the one scheme and, as specified, not by the other.
        "an extension line": (with_line(signature, EXTENDED), kind == "mldsa44"),
        "not a checkpoint": (
            b"text\n\n" + log_line + line(name, key_id, signature),
            False,
        ),
    }


@pytest.mark.parametrize("kind", COSIGNERS)
def test_cosignatures_of_something_else_are_refused_by_both(kind: str) -> None:
    cases, key = _tampered(kind), COSIGNERS[kind]
    expected = {name: accepted for name, (_, accepted) in cases.items()}
    answers = _theirs([data for data, _ in cases.values()], [key])
    theirs = {name: answer["accepted"] for name, answer in zip(cases, answers, strict=True)}
    assert theirs == expected
    ours = {name: _ours(data, [key]) is not None for name, (data, _) in cases.items()}
    assert ours == expected


@pytest.mark.parametrize("kind", COSIGNERS)
def test_a_cosigner_of_another_name_is_another_one(kind: str) -> None:
    key = COSIGNERS[kind]
    other = Key.of_cosigner("witness.example/other", "witness", key.scheme)
    signed = _go_cosigned(CHECKPOINT.text(), other)
    signature = note.parse(signed).signatures[1].signature
    renamed = signed + line(key.verifier.name, key.verifier.key_id, signature)
    (answer,) = _theirs([renamed], [key])
    # Ed25519's statement does not hold the name, so cosigners must not share a key.
    assert answer["accepted"] == (kind == "ed25519")
    assert (_ours(renamed, [key]) is not None) == (kind == "ed25519")


@pytest.mark.parametrize("kind", COSIGNERS)
def test_a_time_of_64_bits_is_refused_by_us_alone(kind: str, tmp_path: Path) -> None:
    """The specification bounds it; formats does not look."""
    key, accepted = COSIGNERS[kind], {2**63 - 1: True, 2**63: False}
    notes = [cp.sign(CHECKPOINT, [key.signer(tmp_path, at_s)]) for at_s in accepted]
    assert [answer["accepted"] for answer in _theirs(notes, [key])] == [True, True]
    assert [_ours(data, [key]) is not None for data in notes] == list(accepted.values())


def test_random_changes_of_a_cosigned_checkpoint_are_judged_alike() -> None:
    chance = random.Random(44)
    keys = [WITNESS, QUANTUM]
    whole = _go_cosigned(CHECKPOINT.text(), *keys)
    notes = [whole, *(changed(whole, chance) for _ in range(600))]
    verdicts = Counter[bool]()
    for data, answer in zip(notes, _theirs(notes, keys), strict=True):
        signers = _ours(data, keys)
        if answer["accepted"] and answer["canonical"] and _is_checkpoint(answer["text"]):
            assert signers == answer["signers"], data
        else:
            assert signers is None, (data, answer)
        verdicts[signers is not None] += 1
    assert min(verdicts[True], verdicts[False]) > 50, verdicts


def _is_checkpoint(text: str) -> bool:
    try:
        cp.parse_form(text)
    except CheckpointRefused:
        return False
    return True


def test_go_verifies_what_checkpoint_cosign_prints(
    cli: Cli, agent: Callable[..., dict[str, Any]], write: Callable[..., Path], tmp_path: Path
) -> None:
    log, at = ("--log", "file:log"), ("--clock", "fixed:2027-01-15T08:00:00Z")
    assert cli("run", write("a.yaml", agent()), *log, "-o", "yaml").status == 0
    assert (
        cli("checkpoint", "create", *log, "--signer", f"ed25519:{LOG.file(tmp_path)}").status == 0
    )
    signers = [
        part
        for key in COSIGNERS.values()
        for part in ("--signer", f"{key.scheme.name}:{key.file(tmp_path)}")
    ]
    printed = cli("checkpoint", "cosign", *log, "--key", LOG.vkey, *signers, *at)
    assert printed.status == 0, printed.err
    (answer,) = _theirs([printed.out.encode()], [LOG, WITNESS, QUANTUM])
    assert answer["accepted"], answer
    assert answer["signers"] == [LOG.verifier.name, "witness.example/w1", "witness.example/pq"]
    for signature in note.parse(printed.out.encode()).signatures[1:]:
        assert int.from_bytes(signature.signature[:TIME_SIZE], "big") == SIGNED_AT_S
