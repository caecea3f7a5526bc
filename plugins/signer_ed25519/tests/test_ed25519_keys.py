from __future__ import annotations

import base64
import os
from typing import TYPE_CHECKING

import pytest

from rynxs.api import ConfigError, KeyFileError
from rynxs.sources import fixed_sources
from rynxs_signer_ed25519 import keys
from rynxs_signer_ed25519.plugin import Ed25519Settings, rynxs_signer

if TYPE_CHECKING:
    from pathlib import Path

    from rynxs.api import SigningKey

SEED = bytes(range(32))
SOURCES = fixed_sources(1_679_315_147_500_000)
KEY = keys.PrivateKey("log.example", SEED)


def load(path: str) -> SigningKey:
    return keys.load_signer(path, SOURCES)


def write_key(path: Path, mode: int) -> Path:
    path.write_text(f"{KEY.skey}\n")
    path.chmod(mode)
    return path


def test_a_signature_is_verified_by_the_public_key_and_no_other() -> None:
    signature = KEY.sign(b"message")
    assert keys.parse_vkey(KEY.vkey).verify(b"message", signature)
    assert not keys.parse_vkey(KEY.vkey).verify(b"other", signature)
    assert not KEY.public.verify(b"message", signature[:-1])
    other = keys.PrivateKey("log.example", bytes(32))
    assert not other.public.verify(b"message", signature)


def test_the_same_message_is_signed_the_same_way_every_time() -> None:
    assert KEY.sign(b"message") == KEY.sign(b"message")


def test_keys_survive_their_text_forms() -> None:
    assert keys.parse_skey(f"{KEY.skey}\n", "here").vkey == KEY.vkey
    assert keys.parse_vkey(KEY.vkey) == KEY.public


def test_the_vkey_of_the_c2sp_example_is_read() -> None:
    """The key of https://c2sp.org/signed-note's example."""
    vkey = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
    key = keys.parse_vkey(vkey)
    assert isinstance(key, keys.PublicKey)
    assert (key.name, key.key_id.hex(), key.vkey) == ("PeterNeumann", "c74f20a3", vkey)
    text = (
        "If you think cryptography is the answer to your problem,\n"
        "then you don't know what your problem is.\n"
    )
    signature = (
        "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6Ryy"
        "BwJnAM="
    )
    assert key.verify(text.encode(), base64.b64decode(signature)[4:])


def altered_vkeys() -> list[str]:
    name, key_id, blob = KEY.vkey.split("+", 2)
    raw = base64.b64decode(blob)
    other_algorithm = base64.b64encode(b"\x02" + raw[1:]).decode()
    return [
        "",
        name,
        f"{name}+{key_id}",
        f"{name}+00000000+{blob}",
        f"{name}+{key_id.upper()}+{blob}" if key_id.upper() != key_id else "x",
        f"{name}+{key_id[:2]} {key_id[2:]}+{blob}",
        f"{name}+{key_id}+{base64.b64encode(raw[:-1]).decode()}",
        f"{name}+{key_id}+{other_algorithm}",
        f"{name}+{key_id}+!!!",
        f"na me+{key_id}+{blob}",
        f"+{key_id}+{blob}",
        KEY.skey,
        f"{KEY.vkey}\n",
    ]


@pytest.mark.parametrize("vkey", altered_vkeys(), ids=range(13))
def test_what_is_not_a_vkey_in_its_one_form_is_refused(vkey: str) -> None:
    with pytest.raises(KeyFileError):
        keys.parse_vkey(vkey)


@pytest.mark.parametrize("text", ["", "nonsense", KEY.vkey, KEY.skey[:-3], KEY.skey + "x"])
def test_what_is_not_a_private_key_is_refused_without_showing_it(text: str) -> None:
    with pytest.raises(KeyFileError) as refused:
        keys.parse_skey(text, "the file")
    assert "the file" in str(refused.value)
    assert KEY.skey.rpartition("+")[2][:20] not in str(refused.value)


def test_a_private_key_shows_itself_neither_in_its_repr_nor_in_a_vkey() -> None:
    secret = base64.b64encode(b"\x01" + SEED).decode()
    assert secret in KEY.skey
    assert secret not in repr(KEY) + str(KEY.__dict__) + KEY.vkey


@pytest.mark.parametrize("mode", [0o600, 0o400, 0o440, 0o640])
def test_a_key_file_of_its_owner_and_group_is_used(tmp_path: Path, mode: int) -> None:
    file = write_key(tmp_path / "key", mode)
    assert load(str(file)).vkey == KEY.vkey


@pytest.mark.parametrize("mode", [0o644, 0o604, 0o660, 0o601, 0o666])
def test_a_key_file_that_is_too_open_is_refused(tmp_path: Path, mode: int) -> None:
    file = write_key(tmp_path / "key", mode)
    with pytest.raises(KeyFileError, match=rf"mode {mode:04o} .* chmod 600"):
        load(str(file))


@pytest.mark.parametrize("mode", [0o600, 0o644])
def test_a_public_key_is_told_as_such_whatever_its_mode(tmp_path: Path, mode: int) -> None:
    file = tmp_path / "key.pub"
    file.write_text(f"{KEY.vkey}\n")
    file.chmod(mode)
    with pytest.raises(KeyFileError, match=r"key\.pub: a public key; the private one is wanted"):
        load(str(file))


def test_a_missing_key_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(KeyFileError, match=r"missing: No such file"):
        load(str(tmp_path / "missing"))


def test_bytes_that_are_no_text_are_no_key(tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(os.urandom(5000))
    (tmp_path / "key").chmod(0o600)
    with pytest.raises(KeyFileError, match="not a private key"):
        load(str(tmp_path / "key"))


def test_the_hook_gives_the_scheme_by_name() -> None:
    scheme = rynxs_signer()
    assert scheme.name == "ed25519"
    assert scheme.load_signer(Ed25519Settings(), SOURCES) is None
    private, vkey = scheme.generate("log.example", SEED)
    assert (private, vkey) == (KEY.skey, KEY.vkey)
    assert scheme.public_key(private) == vkey
    assert scheme.parse_url("./key") == scheme.parse_url("//./key") == {"keyFile": "./key"}
    with pytest.raises(ConfigError):
        scheme.parse_url("")


@pytest.mark.parametrize("name", ["", "a b", "a+b"])
def test_a_name_that_no_note_could_hold_is_refused(name: str) -> None:
    with pytest.raises(KeyFileError, match="key name"):
        keys.PrivateKey(name, SEED)
