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
    "data",
    [
        b"",
        b"text\n",
        b"text\n\n",
        "text\n\n— alice AQIDBHg=".encode(),  # no newline at the end
        b"text\n\n- alice AQIDBHg=\n",  # a hyphen for the dash
        "text\n\n— alice\n".encode(),
        "text\n\n— al+ice AQIDBHg=\n".encode(),
        "text\n\n— alice !!!!\n".encode(),
        "text\n\n— alice AQIDBA==\n".encode(),  # a key ID and no signature
        "text\n\n— alice AQIDBHg\n".encode(),  # padding missing
        "text\n\n— alice AQIDBHh=\n".encode(),  # bits beyond the last byte
        "te\rxt\n\n— alice AQIDBHg=\n".encode(),
        b"\xff\n\n" + "— alice AQIDBHg=\n".encode(),
        b"x" * 1_000_001,
        b"text\n\n" + "— alice AQIDBHg=\n".encode() * 101,
    ],
    ids=range(15),
)
def test_what_is_not_a_signed_note_is_refused(data: bytes) -> None:
    with pytest.raises(CheckpointRefused):
        note.parse(data)


def test_text_may_hold_blank_lines_since_the_last_one_separates() -> None:
    signed = note.sign("one\n\ntwo\n", [ALICE])
    assert note.parse(signed).text == "one\n\ntwo\n"


def test_the_signature_line_is_dash_name_and_base64_of_key_id_and_signature() -> None:
    line = note.sign(TEXT, [ALICE]).decode().splitlines()[-1]
    dash, name, blob = line.split(" ")
    assert (dash, name) == ("—", "alice")
    assert base64.b64decode(blob) == ALICE.key_id + ALICE.sign(TEXT.encode())


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\nb", "a\u00a0b", "a\x00"])
def test_names_that_would_break_a_signature_line_are_no_key_names(name: str) -> None:
    assert not note.is_key_name(name)
