"""Cosignatures: the bytes that are signed, built here by hand from https://c2sp.org/tlog-cosignature."""

from __future__ import annotations

import struct
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rynxs.errors import CheckpointRefused
from rynxs.eventlog.checkpoint import Checkpoint
from rynxs.eventlog.cosignature import (
    CosignatureVerifier,
    Cosigner,
    Statement,
    ed25519_statement,
    subtree_statement,
)
from rynxs.sources import FixedClock

TIME = 1_679_315_147
ROOT = bytes(range(32))
CHECKPOINT = Checkpoint("example.com/behind-the-sofa", 20_852_163, ROOT)
TEXT = CHECKPOINT.text().encode()
STATEMENTS = pytest.mark.parametrize("statement", [ed25519_statement, subtree_statement])


class KeyedHash:
    """A scheme for these tests; it keeps what it signed last."""

    name = "witness.example/w1"
    key_id = b"\x8d\x66\xcf\x3f"
    vkey = "witness.example/w1+8d66cf3f+AAAA"
    signed = b""

    def sign(self, message: bytes) -> bytes:
        self.signed = message
        return sha256(b"key" + message).digest()

    def verify(self, message: bytes, signature: bytes) -> bool:
        return sha256(b"key" + message).digest() == signature


def cosigner(statement: Statement, time_us: int = TIME * 1_000_000 + 999_999) -> Cosigner:
    return Cosigner(KeyedHash(), statement, FixedClock(time_us))


def test_ed25519_signs_a_header_the_time_and_the_whole_text() -> None:
    with_extension = TEXT + b"an extension line\n"
    wanted = b"cosignature/v1\ntime 1679315147\n" + with_extension
    assert ed25519_statement("any", TIME, with_extension) == wanted


def test_ml_dsa_signs_the_cosigned_message_structure() -> None:
    name, origin = b"witness.example/w1", b"example.com/behind-the-sofa"
    wanted = (
        b"subtree/v1\n\x00"
        + struct.pack(">B", len(name)) + name
        + struct.pack(">Q", TIME)
        + struct.pack(">B", len(origin)) + origin
        + struct.pack(">QQ", 0, 20_852_163)
        + ROOT
    )  # fmt: skip
    assert subtree_statement("witness.example/w1", TIME, TEXT) == wanted
    assert subtree_statement("witness.example/w1", TIME, TEXT + b"not signed\n") == wanted


@STATEMENTS
def test_a_signature_is_the_clocks_seconds_and_the_signature_of_the_statement(
    statement: Statement,
) -> None:
    key = KeyedHash()
    made = Cosigner(key, statement, FixedClock(TIME * 1_000_000 + 999_999)).sign(TEXT)
    assert made[:8] == struct.pack(">Q", TIME)
    assert key.signed == statement(key.name, TIME, TEXT)
    assert made[8:] == sha256(b"key" + key.signed).digest()


@STATEMENTS
def test_what_a_cosigner_signs_its_public_key_verifies(statement: Statement) -> None:
    signer = cosigner(statement)
    verifier = CosignatureVerifier(KeyedHash(), statement)
    assert (verifier.name, verifier.key_id) == (signer.name, signer.key_id)
    assert verifier.verify(TEXT, signer.sign(TEXT))
    assert signer.verify(TEXT, signer.sign(TEXT))


@STATEMENTS
@given(data=st.data())
def test_any_flipped_bit_of_time_signature_or_text_is_refused(
    statement: Statement, data: st.DataObject
) -> None:
    signer = cosigner(statement)
    whole = bytearray(TEXT + signer.sign(TEXT))
    place = data.draw(st.integers(0, len(whole) - 1))
    whole[place] ^= 1 << data.draw(st.integers(0, 7))
    assert not signer.verify(bytes(whole[: len(TEXT)]), bytes(whole[len(TEXT) :]))


@STATEMENTS
def test_a_signature_that_is_cut_or_of_a_time_past_2_to_63_is_refused(statement: Statement) -> None:
    signer = cosigner(statement)
    made = signer.sign(TEXT)
    for cut in (b"", made[:7], made[:8], made[:-1], made + b"\x00"):
        assert not signer.verify(TEXT, cut)
    late = 2**63
    stated = b"cosignature/v1\ntime %d\n%b" % (late, TEXT)
    forged = late.to_bytes(8, "big") + KeyedHash().sign(stated)
    assert not cosigner(ed25519_statement).verify(TEXT, forged)
    assert (
        cosigner(ed25519_statement, (late - 1) * 1_000_000).sign(TEXT)[:8].hex() == "7f" + "f" * 14
    )


@STATEMENTS
@pytest.mark.parametrize("text", [b"", b"a note\n", TEXT[:-1], TEXT + b"\n", b"\xff" + TEXT])
def test_only_a_checkpoint_is_cosigned(statement: Statement, text: bytes) -> None:
    signer = cosigner(statement)
    with pytest.raises(CheckpointRefused):
        signer.sign(text)
    assert not signer.verify(text, signer.sign(TEXT))


def test_names_that_one_byte_can_not_count_are_refused() -> None:
    long = Checkpoint("o" * 256, 1, ROOT).text().encode()
    with pytest.raises(CheckpointRefused, match="name of the log"):
        subtree_statement("w", TIME, long)
    with pytest.raises(CheckpointRefused, match="name of the cosigner"):
        subtree_statement("é" * 128, TIME, TEXT)
    assert subtree_statement("é" * 127 + "e", TIME, TEXT)[12] == 255


def test_the_repr_of_a_cosigner_shows_its_public_key_only() -> None:
    assert repr(cosigner(ed25519_statement)) == "Cosigner('witness.example/w1+8d66cf3f+AAAA')"
