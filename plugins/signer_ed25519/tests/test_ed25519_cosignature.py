"""Ed25519 keys of type 0x04, which cosign; the messages are built here, without the kernel."""

from __future__ import annotations

import base64
import struct
from hashlib import sha256
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from rynxs.api import Cosigner, KeyFileError
from rynxs.eventlog import note
from rynxs.sources import fixed_sources
from rynxs_signer_ed25519 import keys
from rynxs_signer_ed25519.plugin import Ed25519Settings, rynxs_signer

if TYPE_CHECKING:
    from pathlib import Path

SEED = bytes(range(32))
NAME = "witness.example.com/w1"
TIME = 1_679_315_147
SOURCES = fixed_sources(TIME * 1_000_000 + 1)
TEXT = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
PLUGIN = rynxs_signer()
assert PLUGIN.generate_cosigner is not None
PRIVATE, VKEY = PLUGIN.generate_cosigner(NAME, SEED)


@pytest.fixture
def cosigner(tmp_path: Path) -> Cosigner:
    file = tmp_path / "key"
    file.write_text(f"{PRIVATE}\n")
    file.chmod(0o600)
    loaded = PLUGIN.load_signer(Ed25519Settings(keyFile=str(file)), SOURCES)
    assert isinstance(loaded, Cosigner)
    return loaded


def test_a_cosigners_vkey_has_type_4_and_its_own_key_id() -> None:
    raw = Ed25519PrivateKey.from_private_bytes(SEED).public_key().public_bytes_raw()
    key_id = sha256(NAME.encode() + b"\n\x04" + raw).digest()[:4]
    blob = base64.b64encode(b"\x04" + raw).decode()
    assert f"{NAME}+{key_id.hex()}+{blob}" == VKEY
    _, as_log = PLUGIN.generate(NAME, SEED)
    assert as_log.split("+")[1] != key_id.hex()


def test_a_cosignature_is_the_time_and_the_signature_of_header_time_and_text(
    cosigner: Cosigner,
) -> None:
    message = f"cosignature/v1\ntime {TIME}\n{TEXT}".encode()
    wanted = Ed25519PrivateKey.from_private_bytes(SEED).sign(message)
    assert cosigner.sign(TEXT.encode()) == struct.pack(">Q", TIME) + wanted
    assert cosigner.vkey == VKEY
    line = note.sign(TEXT, [cosigner]).decode().splitlines()[-1].split(" ")
    raw = base64.b64decode(line[2])
    assert (line[1], len(raw)) == (NAME, 4 + 8 + 64)
    assert note.verify(note.parse(note.sign(TEXT, [cosigner])), [keys.parse_vkey(VKEY)]) == [NAME]


@given(st.integers(0, 8 + 64 - 1), st.integers(0, 7))
def test_any_flipped_bit_of_time_or_signature_is_refused(place: int, bit: int) -> None:
    message = f"cosignature/v1\ntime {TIME}\n{TEXT}".encode()
    signature = Ed25519PrivateKey.from_private_bytes(SEED).sign(message)
    altered = bytearray(struct.pack(">Q", TIME) + signature)
    assert keys.parse_vkey(VKEY).verify(TEXT.encode(), bytes(altered))
    altered[place] ^= 1 << bit
    assert not keys.parse_vkey(VKEY).verify(TEXT.encode(), bytes(altered))


def test_a_key_of_one_type_verifies_nothing_of_the_other(cosigner: Cosigner) -> None:
    as_log = keys.PrivateKey(NAME, SEED)
    assert not keys.parse_vkey(VKEY).verify(TEXT.encode(), as_log.sign(TEXT.encode()))
    assert not as_log.verify(TEXT.encode(), cosigner.sign(TEXT.encode()))


def test_the_note_of_the_specification_verifies() -> None:
    """The example of https://c2sp.org/signed-note."""
    signed = note.parse(
        "This is an example message.\n\n— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi"
        "2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n".encode()
    )
    key = keys.parse_vkey("example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k")
    assert note.verify(signed, [key]) == ["example.com/foo"]


def test_a_private_key_of_another_type_is_refused() -> None:
    text = PRIVATE.rpartition("+")[0] + "+" + base64.b64encode(b"\x06" + SEED).decode()
    with pytest.raises(KeyFileError, match="not that of an Ed25519 key"):
        PLUGIN.public_key(text)
