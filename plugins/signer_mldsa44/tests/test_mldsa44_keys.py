"""ML-DSA-44 keys and what they sign; the messages are built here, without the kernel."""

from __future__ import annotations

import base64
import struct
from hashlib import sha256
from typing import TYPE_CHECKING
from unittest.mock import Mock

import pytest
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from rynxs.api import ConfigError, Cosigner, KeyFileError
from rynxs.eventlog import note
from rynxs.sources import fixed_sources
from rynxs_signer_mldsa44 import keys
from rynxs_signer_mldsa44.plugin import MlDsa44Settings, rynxs_signer

if TYPE_CHECKING:
    from pathlib import Path

SEED = bytes(range(32))
NAME = "log.example/one"
TIME = 1_679_315_147
SOURCES = fixed_sources(TIME * 1_000_000)
ROOT = "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I="
TEXT = f"example.com/behind-the-sofa\n20852163\n{ROOT}\n"
BARE = MLDSA44PrivateKey.from_seed_bytes(SEED)
RAW = BARE.public_key().public_bytes_raw()
PLUGIN = rynxs_signer()
PRIVATE, VKEY = PLUGIN.generate(NAME, SEED)


def cosigned_message(name: bytes = NAME.encode(), time: int = TIME) -> bytes:
    origin = b"example.com/behind-the-sofa"
    return (
        b"subtree/v1\n\0"
        + bytes((len(name),)) + name
        + struct.pack(">Q", time)
        + bytes((len(origin),)) + origin
        + struct.pack(">QQ", 0, 20_852_163)
        + base64.b64decode(ROOT)
    )  # fmt: skip


def load(tmp_path: Path, mode: int = 0o600) -> Cosigner:
    file = tmp_path / "key"
    file.write_text(f"{PRIVATE}\n")
    file.chmod(mode)
    loaded = PLUGIN.load_signer(MlDsa44Settings(keyFile=str(file)), SOURCES)
    assert isinstance(loaded, Cosigner)
    return loaded


def test_the_vkey_holds_type_6_and_1312_bytes() -> None:
    key_id = sha256(NAME.encode() + b"\n\x06" + RAW).digest()[:4]
    blob = base64.b64encode(b"\x06" + RAW).decode()
    assert f"{NAME}+{key_id.hex()}+{blob}" == VKEY
    assert len(RAW) == 1312


def test_the_private_key_is_the_seed_as_text() -> None:
    key_id = VKEY.split("+")[1]
    secret = base64.b64encode(b"\x06" + SEED).decode()
    assert f"PRIVATE+KEY+{NAME}+{key_id}+{secret}" == PRIVATE
    assert PLUGIN.public_key(f"{PRIVATE}\n") == VKEY


def test_a_signature_is_the_time_and_one_of_the_cosigned_message(tmp_path: Path) -> None:
    made = load(tmp_path).sign(TEXT.encode())
    assert made[:8] == struct.pack(">Q", TIME)
    assert len(made) == 8 + 2420
    BARE.public_key().verify(made[8:], cosigned_message())


def test_what_others_sign_is_verified_with_the_name_the_time_and_the_root_they_signed() -> None:
    key = keys.parse_vkey(VKEY)
    stamp = struct.pack(">Q", TIME)
    assert key.verify(TEXT.encode(), stamp + BARE.sign(cosigned_message()))
    assert not key.verify(TEXT.encode(), stamp + BARE.sign(cosigned_message(name=b"other")))
    assert not key.verify(TEXT.encode(), stamp + BARE.sign(cosigned_message(time=TIME + 1)))
    assert not key.verify(TEXT.encode(), stamp + BARE.sign(TEXT.encode()))
    untimed = bytes(8) + BARE.sign(cosigned_message(time=0))
    assert key.verify(TEXT.encode(), untimed)


SIGNED = struct.pack(">Q", TIME) + BARE.sign(cosigned_message())


@settings(max_examples=60)
@given(st.integers(0, 8 + 2420 - 1), st.integers(0, 7))
def test_any_flipped_bit_of_time_or_signature_is_refused(place: int, bit: int) -> None:
    altered = bytearray(SIGNED)
    altered[place] ^= 1 << bit
    assert keys.parse_vkey(VKEY).verify(TEXT.encode(), SIGNED)
    assert not keys.parse_vkey(VKEY).verify(TEXT.encode(), bytes(altered))


def test_sixteen_such_signatures_fit_into_a_note(tmp_path: Path) -> None:
    signer = load(tmp_path)
    line = note.format_signature(note.Signature(NAME, signer.key_id, signer.sign(TEXT.encode())))
    others = [line.replace(NAME, f"witness.example/{number}") for number in range(16)]
    signed = note.parse(f"{TEXT}\n{''.join([*others, line])}".encode())
    assert note.verify(signed, [keys.parse_vkey(VKEY)]) == [NAME]


@pytest.mark.parametrize(
    "vkey",
    [
        VKEY[:-4] + "AAAA",
        "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
        PRIVATE,
        "",
    ],
    ids=["another key", "Ed25519", "private", "empty"],
)
def test_what_is_not_a_vkey_of_this_scheme_is_refused(vkey: str) -> None:
    with pytest.raises(KeyFileError):
        keys.parse_vkey(vkey)


def test_a_private_key_whose_key_id_is_not_its_own_is_refused() -> None:
    name, _, secret = PRIVATE.removeprefix("PRIVATE+KEY+").split("+", 2)
    with pytest.raises(KeyFileError, match=r"^the key: the key ID does not belong"):
        PLUGIN.public_key(f"PRIVATE+KEY+{name}+00000000+{secret}")


def test_a_name_that_the_message_can_not_hold_is_refused() -> None:
    assert PLUGIN.generate("é" * 127 + "e", SEED)
    with pytest.raises(KeyFileError, match="over 255 bytes"):
        PLUGIN.generate("é" * 128, SEED)


@pytest.mark.parametrize("mode", [0o644, 0o660, 0o601])
def test_a_key_file_that_is_too_open_is_refused(tmp_path: Path, mode: int) -> None:
    with pytest.raises(KeyFileError, match=rf"mode {mode:04o} .* chmod 600"):
        load(tmp_path, mode)


def test_a_library_without_the_algorithm_is_told_in_a_sentence(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    missing = Mock()
    missing.from_seed_bytes.side_effect = UnsupportedAlgorithm("not here")
    missing.from_public_bytes.side_effect = UnsupportedAlgorithm("not here")
    monkeypatch.setattr(keys, "MLDSA44PrivateKey", missing)
    monkeypatch.setattr(keys, "MLDSA44PublicKey", missing)
    with pytest.raises(KeyFileError, match="no ML-DSA-44"):
        PLUGIN.generate(NAME, SEED)
    with pytest.raises(KeyFileError, match="no ML-DSA-44"):
        PLUGIN.parse_verifier(VKEY)


def test_the_hook_gives_the_scheme_by_name() -> None:
    assert PLUGIN.name == "mldsa44"
    assert PLUGIN.load_signer(MlDsa44Settings(), SOURCES) is None
    assert PLUGIN.parse_url("./key") == PLUGIN.parse_url("//./key") == {"keyFile": "./key"}
    with pytest.raises(ConfigError):
        PLUGIN.parse_url("")
    assert PLUGIN.generate_cosigner is not None
    assert PLUGIN.generate_cosigner(NAME, SEED) == (PRIVATE, VKEY)
