"""Notes and checkpoints, judged by golang.org/x/mod and transparency-dev/formats, and by us."""

from __future__ import annotations

import base64
import random
from collections import Counter
from hashlib import sha256
from typing import TYPE_CHECKING, NamedTuple

import pytest

from rynxs.errors import CheckpointRefused
from rynxs.eventlog import checkpoint as cp
from rynxs.eventlog import note
from rynxs.eventlog.checkpoint import Checkpoint
from rynxs.eventlog.merkle import EMPTY_ROOT
from tests.interop import program
from tests.interop.changes import changed
from tests.interop.keys import ED25519, LOG, Key, go_signed, go_signed_all, line
from tests.interop.program import ask

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path
    from typing import Any

    from tests.conftest import Cli

pytestmark = program.needed

WITNESS = Key.of("witness.example/w1", "witness")
STRANGER = Key.of("stranger.example", "stranger")
NAMESAKE = Key.of("log.example/interop", "another of the same name")
ORIGIN = "log.example/interop"
ROOT = sha256(b"root").digest()
TEXT = Checkpoint(ORIGIN, 3, ROOT).text()
WHITE_SPACE = "\x85\xa0\u1680\u2000\u2007\u200a\u2028\u2029\u202f\u205f\u3000"
NO_WHITE_SPACE = "\u180e\u200b\u2060\ufeff\x7f\x9f\ufffd"
"""Characters that look like white space and are not, or may be taken for errors."""


class Case(NamedTuple):
    """A note, the keys that its reader knows, and whether it is to be accepted."""

    note: bytes
    accepted: bool
    keys: Sequence[Key] = (LOG,)


def _ours(data: bytes, keys: Sequence[Key]) -> list[str] | None:
    """Return the names of the keys that signed, None if the note is refused."""
    try:
        return note.verify(note.parse(data), [key.verifier for key in keys])
    except CheckpointRefused:
        return None


def _cases() -> dict[str, Case]:
    by_log, by_witness = go_signed_all([TEXT, TEXT])[0], go_signed(TEXT, WITNESS)
    both = go_signed(TEXT, LOG, WITNESS)
    unknown = go_signed(TEXT, STRANGER)
    log_line, witness_line = (data.partition(b"\n\n")[2] for data in (by_log, by_witness))
    log_id, log_name = LOG.verifier.key_id, LOG.verifier.name
    false = line(log_name, log_id, bytes(64))
    forged = line(log_name, log_id, note.parse(unknown).signatures[0].signature)
    disguised = line("other.example", log_id, note.parse(by_log).signatures[0].signature)
    body = TEXT.encode() + b"\n"
    known = (LOG, WITNESS)
    lines = [line(f"key{number}", b"1234", b"x") for number in range(100)]
    return {
        "a known signer": Case(by_log, accepted=True),
        "two known signers": Case(both, accepted=True, keys=known),
        "one of two signers known": Case(both, accepted=True),
        "two keys known, one signed": Case(by_log, accepted=True, keys=known),
        "an unknown signer only": Case(unknown, accepted=False),
        "an unknown signer of the same name": Case(go_signed(TEXT, NAMESAKE), accepted=False),
        "both of the same name, one known": Case(go_signed(TEXT, NAMESAKE, LOG), accepted=True),
        "both of the same name, both known": Case(
            go_signed(TEXT, NAMESAKE, LOG), accepted=True, keys=(LOG, NAMESAKE)
        ),
        "the known key ID under another name": Case(body + disguised, accepted=False),
        "the same, and the known key": Case(body + disguised + log_line, accepted=True),
        "name and key ID forged": Case(body + forged, accepted=False),
        "name and key ID forged, another known": Case(
            body + forged + witness_line, accepted=False, keys=known
        ),
        "another known first, then the forgery": Case(
            body + witness_line + forged, accepted=False, keys=known
        ),
        "a forgery for one who does not know the key": Case(
            body + forged + witness_line, accepted=True, keys=(WITNESS,)
        ),
        "a bad signature": Case(body + false, accepted=False),
        "the same line twice": Case(body + log_line * 2, accepted=True),
        "a bad line before a good one": Case(body + false + log_line, accepted=False),
        "16 signatures": Case(body + b"".join(lines[:15]) + log_line, accepted=True),
        "100 signatures": Case(body + b"".join(lines[:99]) + log_line, accepted=True),
        "101 signatures": Case(body + b"".join(lines) + log_line, accepted=False),
        "a changed text": Case(by_log.replace(b"\n3\n", b"\n4\n"), accepted=False),
        "an empty text": Case(go_signed("\n", LOG), accepted=True),
        "a text with empty lines": Case(go_signed("\n\na\n\n\nb\n\n", LOG), accepted=True),
        "an unassuming text": Case(go_signed("— a b\n\n— c ZA==\n", LOG), accepted=True),
        "no signature": Case(body, accepted=False),
        "no empty line": Case(TEXT.encode() + log_line, accepted=False),
        "no last line feed": Case(by_log[:-1], accepted=False),
        "an empty line at the end": Case(by_log + b"\n", accepted=False),
        "a line of garbage at the end": Case(by_log + b"garbage\n", accepted=False),
        "garbage without line feed at the end": Case(by_log + b"garbage", accepted=False),
        "a carriage return": Case(by_log.replace(b"\n", b"\r\n"), accepted=False),
        "a control character": Case(go_signed("a\x1fb\n", LOG), accepted=False),
        "a tab": Case(go_signed("a\tb\n", LOG), accepted=False),
        "a delete character": Case(go_signed("a\x7fb\n", LOG), accepted=True),
        "not UTF-8": Case(b"\xff" + by_log, accepted=False),
        "a surrogate": Case(b"\xed\xa0\x80" + by_log, accepted=False),
        "an overlong form": Case(b"\xc0\xaf" + by_log, accepted=False),
        "a hyphen for the dash": Case(by_log.replace("—".encode(), b"-"), accepted=False),
        "two spaces": Case(by_log.replace(b"interop ", b"interop  "), accepted=False),
        "an empty name": Case(by_log + "— YWJjZGVm\n".encode(), accepted=False),
        "no base64": Case(by_log + "— name \n".encode(), accepted=False),
        "not base64": Case(by_log + "— name YW!jZGVm\n".encode(), accepted=False),
        "unpadded base64": Case(by_log + "— name YWJjZGVmZw\n".encode(), accepted=False),
        "base64 for URLs": Case(by_log + "— name YWJjZGV-_-\n".encode(), accepted=False),
        "a key ID and no signature": Case(by_log + "— name YWJjZA==\n".encode(), accepted=False),
        "a plus sign in a name": Case(by_log + line("a+b", b"1234", b"x"), accepted=False),
        **{
            f"{ord(character):x} in a name": Case(
                by_log + line(f"a{character}b", b"1234", b"x"), accepted=False
            )
            for character in WHITE_SPACE
        },
        **{
            f"{ord(character):x} in a name": Case(
                by_log + line(f"a{character}b", b"1234", b"x"), accepted=True
            )
            for character in NO_WHITE_SPACE
        },
    }


def test_notes_are_judged_alike() -> None:
    cases = _cases()
    answers = ask(
        "note",
        [{"note": case.note, "keys": [key.vkey for key in case.keys]} for case in cases.values()],
    )
    theirs = {name: answer["accepted"] for name, answer in zip(cases, answers, strict=True)}
    signers = {name: _ours(case.note, case.keys) for name, case in cases.items()}
    ours = {name: found is not None for name, found in signers.items()}
    expected = {name: case.accepted for name, case in cases.items()}
    assert theirs == expected
    assert ours == expected
    for (name, found), answer in zip(signers.items(), answers, strict=True):
        assert answer["signers"] == found, name
        if found is not None:
            assert note.parse(cases[name].note).text == answer["text"]


def test_where_we_refuse_a_note_that_go_accepts_it_is_for_a_reason() -> None:
    """Both are told apart by nothing that a signer would make, and are safer refused."""
    by_log = go_signed(TEXT, LOG)
    false = line(LOG.verifier.name, LOG.verifier.key_id, bytes(64))
    twice = by_log + false  # Go looks at the first line of a known key only
    loose = _other_base64(by_log)  # Go lets the last, unused bits be anything
    answers = ask("note", [{"note": data, "keys": [LOG.vkey]} for data in (twice, loose)])
    assert [answer["accepted"] for answer in answers] == [True, True]
    assert [answer["canonical"] for answer in answers] == [True, False]
    with pytest.raises(CheckpointRefused, match="not valid"):
        note.verify(note.parse(twice), [LOG.verifier])
    with pytest.raises(CheckpointRefused, match="malformed"):
        note.parse(loose)


def _other_base64(data: bytes) -> bytes:
    """Return a note whose signature has other base64 of the same bytes."""
    letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    head, last = data[:-3], data[-3]
    assert data.endswith(b"=\n")
    return head + letters[letters.index(last) + 1 :][:1] + b"=\n"


def test_random_changes_of_a_note_are_judged_alike() -> None:
    chance = random.Random(5)
    whole = go_signed(TEXT, STRANGER, LOG, WITNESS)
    made = [changed(whole, chance) for _ in range(3_000)]
    answers = ask("note", [{"note": data, "keys": [LOG.vkey, WITNESS.vkey]} for data in made])
    verdicts = Counter[bool]()
    for data, answer in zip(made, answers, strict=True):
        signers = _ours(data, (LOG, WITNESS))
        theirs = answer["accepted"] and answer["canonical"]
        assert (signers is not None) == theirs, (data, answer)
        if signers is not None:
            assert signers == answer["signers"], data
        verdicts[theirs] += 1
    assert min(verdicts[True], verdicts[False]) > 100, verdicts


def test_go_opens_what_we_sign_and_refuses_it_altered(tmp_path: Path) -> None:
    signer = LOG.signer(tmp_path)
    signed = cp.sign(Checkpoint(ORIGIN, 3, ROOT), [signer])
    assert signed == go_signed(TEXT, LOG)  # Ed25519 leaves no choice
    altered = [signed[:place] + b"~" + signed[place + 1 :] for place in range(len(signed))]
    answers = ask("note", [{"note": data, "keys": [LOG.vkey]} for data in [signed, *altered]])
    assert [answer["accepted"] for answer in answers] == [True] + [False] * len(altered)


def test_we_take_the_keys_that_go_makes() -> None:
    made = ask("keys", [{"name": "go.example/log", "kind": "ed25519"}])[0]
    key = Key(made["private"], made["vkey"])
    assert _ours(go_signed(TEXT, key), [key]) == ["go.example/log"]
    assert ED25519.public_key(made["private"]) == made["vkey"]


BODIES: dict[str, tuple[str, bool, bool]] = {
    # name: the lines, whether we accept, whether formats does
    "three lines": (TEXT, True, True),
    "an empty tree": (Checkpoint(ORIGIN, 0, EMPTY_ROOT).text(), True, True),
    "an extension line": (TEXT + "extension one\n", True, True),
    "three extension lines": (TEXT + "one\n2\n— three\n", True, True),
    "another origin": (Checkpoint("other.example", 3, ROOT).text(), False, False),
    "an origin with more at its end": (Checkpoint(ORIGIN + "2", 3, ROOT).text(), False, False),
    "a line missing": (TEXT.split("\n", 1)[1], False, False),
    "an empty origin": (TEXT.removeprefix(ORIGIN), False, False),
    "no size": (TEXT.replace("\n3\n", "\n\n"), False, False),
    "a negative size": (TEXT.replace("\n3\n", "\n-3\n"), False, False),
    "a plus sign": (TEXT.replace("\n3\n", "\n+3\n"), False, False),
    "a size in hex": (TEXT.replace("\n3\n", "\n0x3\n"), False, False),
    "a size with a space": (TEXT.replace("\n3\n", "\n3 \n"), False, False),
    "an underscore": (TEXT.replace("\n3\n", "\n1_0\n"), False, False),
    "digits of another script": (TEXT.replace("\n3\n", "\n\u0663\n"), False, False),
    "the largest size": (TEXT.replace("\n3\n", f"\n{2**63 - 1}\n"), True, True),
    "a size of 65 bits": (TEXT.replace("\n3\n", f"\n{2**64}\n"), False, False),
    "a root that is not base64": (TEXT.replace("=", "~"), False, False),
    "an unpadded root": (TEXT.replace("=", ""), False, False),
    "a root with a space": (TEXT.replace("=", "= "), False, False),
    # formats leaves these to its callers.
    "a leading zero": (TEXT.replace("\n3\n", "\n03\n"), False, True),
    "a size of 64 bits": (TEXT.replace("\n3\n", f"\n{2**64 - 1}\n"), False, True),
    "a root of 31 bytes": (Checkpoint(ORIGIN, 3, ROOT[:31]).text(), False, True),
    "a root of 33 bytes": (Checkpoint(ORIGIN, 3, ROOT + b"x").text(), False, True),
    "no root": (Checkpoint(ORIGIN, 3, b"").text(), False, True),
    "an empty extension line": (TEXT + "\n", False, True),
}


def _our_checkpoint(data: bytes, origin: str) -> Checkpoint | None:
    try:
        parsed, signed = cp.parse(data)
        note.verify(signed, [LOG.verifier])
    except CheckpointRefused:
        return None
    return parsed if parsed.origin == origin else None


def test_checkpoints_are_judged_alike_but_where_we_are_stricter() -> None:
    signed = go_signed_all([text for text, _, _ in BODIES.values()])
    requests = [{"note": data, "origin": ORIGIN, "keys": [LOG.vkey]} for data in signed]
    answers = dict(zip(BODIES, ask("checkpoint", requests), strict=True))
    parsed = {
        name: _our_checkpoint(data, ORIGIN) for name, data in zip(BODIES, signed, strict=True)
    }
    ours = {name: found is not None for name, found in parsed.items()}
    assert ours == {name: accepted for name, (_, accepted, _) in BODIES.items()}
    theirs = {name: answer["accepted"] for name, answer in answers.items()}
    assert theirs == {name: accepted for name, (_, _, accepted) in BODIES.items()}
    for name, found in parsed.items():
        if found is not None:
            answer = answers[name]
            assert found.size == answer["size"]
            assert found.root == base64.b64decode(answer["root"])
            assert "".join(f"{line}\n" for line in found.extensions) == answer["extensions"]
    canonical = {name for name, answer in answers.items() if answer["canonical"]}
    assert {name for name, accepted in ours.items() if accepted} == canonical - {
        "a size of 64 bits"
    }


@pytest.mark.parametrize("size", [0, 1, 2**31, 2**63 - 1])
def test_formats_reads_the_checkpoints_that_we_write(size: int, tmp_path: Path) -> None:
    made = Checkpoint(ORIGIN, size, ROOT, ("an extension", "— and another"))
    request = {"origin": ORIGIN, "keys": [LOG.vkey, WITNESS.vkey]}
    (answer,) = ask("checkpoint", [request | {"note": cp.sign(made, [LOG.signer(tmp_path)])}])
    assert (answer["accepted"], answer["canonical"]) == (True, True)
    assert (answer["size"], base64.b64decode(answer["root"])) == (size, ROOT)
    assert answer["extensions"] == "an extension\n— and another\n"


def test_checkpoint_verify_takes_go_s_signature_and_none_of_the_bad_ones(
    cli: Cli, agent: Callable[..., dict[str, Any]], write: Callable[..., Path], tmp_path: Path
) -> None:
    log, key = ("--log", "file:log"), ("--key", LOG.vkey)
    assert cli("run", write("a.yaml", agent()), *log, "-o", "yaml").status == 0
    signer = f"ed25519:{LOG.file(tmp_path)}"
    created = cli("checkpoint", "create", *log, "--signer", signer, "--json")
    text = created.json()["checkpoint"].partition("\n\n")[0] + "\n"
    true, other = cp.parse_text(text), go_signed(text, STRANGER)
    notes = {
        "true": go_signed(text, LOG, STRANGER),
        "an unknown signer only": other,
        "a forged signature": (
            text.encode()
            + b"\n"
            + line(
                LOG.verifier.name,
                LOG.verifier.key_id,
                note.parse(other).signatures[0].signature,
            )
        ),
        "another origin": go_signed(true._replace(origin="other.example").text(), LOG),
        "another root": go_signed(true._replace(root=ROOT).text(), LOG),
        "records missing": go_signed(true._replace(size=true.size + 1).text(), LOG),
        "an empty tree": go_signed(Checkpoint(true.origin, 0, EMPTY_ROOT).text(), LOG),
        "an empty tree of another root": go_signed(Checkpoint(true.origin, 0, ROOT).text(), LOG),
    }
    statuses = {}
    for name, data in notes.items():
        (tmp_path / "note").write_bytes(data)
        statuses[name] = cli("checkpoint", "verify", "note", *log, *key).status
    assert statuses == {name: int(name not in ("true", "an empty tree")) for name in notes}
