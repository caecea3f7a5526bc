from __future__ import annotations

import base64
from hashlib import sha256
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rynxs.errors import CheckpointRefused
from rynxs.eventlog import note


class HashKey(NamedTuple):
    """A key for these tests: its signature is a keyed hash."""

    name: str
    key_id: bytes = b"\x01\x02\x03\x04"

    def sign(self, message: bytes) -> bytes:
        return sha256(self.name.encode() + self.key_id + message).digest()

    def verify(self, message: bytes, signature: bytes) -> bool:
        return self.sign(message) == signature


ALICE, BOB = HashKey("alice"), HashKey("bob")
TEXT = "log.example\n3\nroot\n"


def test_a_signed_note_is_verified_by_its_key() -> None:
    signed = note.parse(note.sign(TEXT, [ALICE, BOB]))
    assert signed.text == TEXT
    assert note.verify(signed, [BOB]) == ["bob"]
    assert note.verify(signed, [BOB, ALICE]) == ["alice", "bob"]


def test_a_note_that_no_known_key_signed_is_refused() -> None:
    signed = note.parse(note.sign(TEXT, [ALICE]))
    with pytest.raises(CheckpointRefused, match=r"none of the known keys \(bob\+01020304\)"):
        note.verify(signed, [BOB])


def test_a_refused_note_says_who_signed_it_and_who_should_have() -> None:
    signed = note.parse(note.sign(TEXT, [ALICE, BOB]))
    carol, dave = HashKey("carol"), HashKey("dave")
    with pytest.raises(CheckpointRefused) as refused:
        note.verify(signed, [carol, dave])
    assert "alice+01020304, bob+01020304," in str(refused.value)
    assert "(carol+01020304, dave+01020304)" in str(refused.value)


def test_a_key_of_the_same_name_and_another_id_is_another_key() -> None:
    signed = note.parse(note.sign(TEXT, [ALICE]))
    with pytest.raises(CheckpointRefused, match="none of the known keys"):
        note.verify(signed, [HashKey("alice", b"\x09\x09\x09\x09")])


def test_a_bad_signature_of_a_known_key_refuses_the_note_whoever_else_signed() -> None:
    signed = note.parse(note.sign(TEXT, [ALICE, BOB]))
    forged = signed._replace(
        signatures=(signed.signatures[0], signed.signatures[1]._replace(signature=b"forged"))
    )
    with pytest.raises(CheckpointRefused, match="bob is not valid"):
        note.verify(forged, [ALICE, BOB])
    assert note.verify(forged, [ALICE]) == ["alice"]


@given(st.binary(max_size=100))
def test_arbitrary_bytes_are_a_note_or_refused(data: bytes) -> None:
    try:
        parsed = note.parse(data)
    except CheckpointRefused:
        return
    lines = "".join(map(note.format_signature, parsed.signatures))
    assert f"{parsed.text}\n{lines}".encode() == data


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "no signature lines"),
        (b"text\n", "no signature lines"),
        (b"text\n\n", "no signature lines"),
        ("text\n\n— alice AQIDBHg=".encode(), "no signature lines"),  # no newline at the end
        (b"text\n\n- alice AQIDBHg=\n", "malformed signature line"),  # a hyphen for the dash
        (b"text\n\nalice AQIDBHg=\n", "malformed signature line"),
        ("text\n\n— alice\n".encode(), "malformed signature line"),
        ("text\n\n— al+ice AQIDBHg=\n".encode(), "malformed signature line"),
        ("text\n\n— alice !!!!\n".encode(), "signature of alice is not base64"),
        ("text\n\n— alice AQID!BHg=\n".encode(), "signature of alice is not base64"),
        ("text\n\n— alice AQIDBHg\n".encode(), "signature of alice is not base64"),
        ("text\n\n— alice AQIDBA==\n".encode(), "signature of alice is malformed"),  # only a key ID
        ("text\n\n— alice AQIDBHh=\n".encode(), "signature of alice is malformed"),  # too many bits
        ("te\rxt\n\n— alice AQIDBHg=\n".encode(), "control character"),
        (b"\xff\n\n" + "— alice AQIDBHg=\n".encode(), "not UTF-8"),
        (b"x" * 1_000_001, "over 1000000 bytes"),
        (b"text\n\n" + "— alice AQIDBHg=\n".encode() * 101, "over 100 signatures"),
    ],
    ids=range(17),
)
def test_what_is_not_a_signed_note_is_refused_with_a_reason(data: bytes, reason: str) -> None:
    with pytest.raises(CheckpointRefused, match=reason):
        note.parse(data)


def test_text_may_hold_blank_lines_since_the_last_one_separates() -> None:
    signed = note.sign("one\n\ntwo\n", [ALICE])
    assert note.parse(signed).text == "one\n\ntwo\n"


def test_the_signature_line_is_dash_name_and_base64_of_key_id_and_signature() -> None:
    line = note.sign(TEXT, [ALICE]).decode().splitlines()[-1]
    dash, name, blob = line.split(" ")
    assert (dash, name) == ("—", "alice")
    assert base64.b64decode(blob) == ALICE.key_id + ALICE.sign(TEXT.encode())


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\nb", "a\u00a0b", "a\x00", "a\udcff"])
def test_names_that_would_break_a_signature_line_are_no_key_names(name: str) -> None:
    assert not note.is_key_name(name)


EXAMPLE = (
    "This is an example message.\n\n"
    "\N{EM DASH} example.com/foo "
    "Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM="
    "\n"
)


def test_the_note_of_the_specification_is_read() -> None:
    """The example of https://c2sp.org/signed-note; the plugin of Ed25519 verifies it."""
    read = note.parse(EXAMPLE.encode())
    assert read.text == "This is an example message.\n"
    (line,) = read.signatures
    assert (line.name, line.key_id.hex()) == ("example.com/foo", "530d903a")
    assert len(line.signature) == 64


def test_many_signatures_of_post_quantum_size_are_read() -> None:
    class Big(NamedTuple):
        name: str
        key_id: bytes

        def sign(self, message: bytes) -> bytes:
            return sha256(self.key_id + message).digest() * 150

        def verify(self, message: bytes, signature: bytes) -> bool:
            return signature == self.sign(message)

    keys = [Big(f"signer.example/{number}", bytes((1, 2, 3, number))) for number in range(16)]
    signed = note.parse(note.sign(TEXT, keys))
    assert len(signed.signatures) == 16
    assert note.verify(signed, keys) == [key.name for key in keys]


def test_a_line_that_shares_only_the_name_or_only_the_key_id_of_a_known_key_is_ignored() -> None:
    same_name, same_id = HashKey("alice", b"\x09\x09\x09\x09"), HashKey("carol")
    strangers = [signature(key, b"garbage") for key in (same_name, same_id)]
    signed = note.parse(note.sign(TEXT, [ALICE]))
    mixed = signed._replace(signatures=(*strangers, *signed.signatures))
    assert note.verify(mixed, [ALICE]) == ["alice"]
    with pytest.raises(CheckpointRefused, match="the signature of alice is not valid"):
        note.verify(mixed._replace(signatures=(signature(ALICE, b"garbage"),)), [ALICE])


def signature(key: HashKey, raw: bytes) -> note.Signature:
    return note.Signature(key.name, key.key_id, raw)


def test_a_second_line_of_a_known_key_must_hold_too() -> None:
    signed = note.parse(note.sign(TEXT, [ALICE]))
    doubled = signed._replace(signatures=(*signed.signatures, signature(ALICE, b"garbage")))
    with pytest.raises(CheckpointRefused, match="the signature of alice is not valid"):
        note.verify(doubled, [ALICE])


@pytest.mark.parametrize("space", [0x85, 0xA0, 0x1680, 0x2003, 0x2028, 0x202F, 0x205F, 0x3000])
def test_no_space_of_unicode_may_be_in_a_name(space: int) -> None:
    assert not note.is_key_name(f"a{chr(space)}b")
    with pytest.raises(CheckpointRefused, match="malformed signature line"):
        note.parse(f"text\n\n\N{EM DASH} a{chr(space)}b AQIDBHg=\n".encode())


@pytest.mark.parametrize("half", [0xD800, 0xDBFF, 0xDC00, 0xDFFF])
def test_no_half_of_a_surrogate_pair_may_be_in_a_name(half: int) -> None:
    assert not note.is_key_name(f"a{chr(half)}")


@pytest.mark.parametrize("name", ["zoë.example/журнал", "a!b", "\ud7ff\ue000"])
def test_a_name_may_be_of_any_script(name: str) -> None:
    key = HashKey(name)
    assert note.verify(note.parse(note.sign(TEXT, [key])), [key]) == [name]


@given(st.data())
def test_any_flipped_bit_of_a_note_refuses_it_or_hides_its_signer(data: st.DataObject) -> None:
    signed = bytearray(note.sign(TEXT, [ALICE]))
    place = data.draw(st.integers(0, len(signed) - 1))
    signed[place] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(CheckpointRefused):
        note.verify(note.parse(bytes(signed)), [ALICE])


def test_a_countersigned_note_keeps_every_line_and_gains_the_missing_ones() -> None:
    first = note.sign(TEXT, [ALICE])
    both = note.countersign(first, [ALICE, BOB])
    assert both == note.sign(TEXT, [ALICE, BOB])
    assert note.countersign(both, [BOB]) == both


def test_a_countersigner_replaces_a_bad_line_of_its_own_and_leaves_those_of_others() -> None:
    bad = "".join(note.format_signature(signature(key, b"bad")) for key in (ALICE, BOB))
    signed = note.parse(note.countersign(f"{TEXT}\n{bad}".encode(), [ALICE]))
    assert note.verify(signed, [ALICE]) == ["alice"]
    with pytest.raises(CheckpointRefused, match="bob is not valid"):
        note.verify(signed, [BOB])


def test_merged_lines_never_replace_what_is_there() -> None:
    signed = note.sign(TEXT, [ALICE])
    carol = signature(HashKey("carol"), b"of carol")
    merged = note.parse(note.merge(signed, [signature(ALICE, b"other"), carol]))
    assert merged.signatures == (*note.parse(signed).signatures, carol)


def test_nothing_is_signed_that_would_not_be_read_again() -> None:
    full = note.sign(TEXT, [HashKey(f"key-{n}") for n in range(100)])
    assert len(note.parse(full).signatures) == note.SIGNATURES_MAX
    assert note.countersign(full, [HashKey("key-7")]) == full
    assert note.merge(full, note.parse(full).signatures) == full
    with pytest.raises(CheckpointRefused, match="over 100 signatures"):
        note.countersign(full, [ALICE])
    with pytest.raises(CheckpointRefused, match="over 100 signatures"):
        note.merge(full, [signature(ALICE, b"of alice")])
    with pytest.raises(CheckpointRefused, match="over 100 signatures"):
        note.sign(TEXT, [HashKey(f"key-{n}") for n in range(101)])
    with pytest.raises(CheckpointRefused, match="over 1000000 bytes"):
        note.sign("x" * note.NOTE_SIZE_MAX + "\n", [ALICE])


def test_the_largest_note_is_signed_and_read() -> None:
    rest = len(note.sign("\n", [ALICE])) - 1
    signed = note.sign("x" * (note.NOTE_SIZE_MAX - rest - 1) + "\n", [ALICE])
    assert len(signed) == note.NOTE_SIZE_MAX
    assert note.verify(note.parse(signed), [ALICE]) == ["alice"]
