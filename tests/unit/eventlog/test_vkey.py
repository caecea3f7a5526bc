"""The text forms of keys, whatever their scheme."""

from __future__ import annotations

import base64
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rynxs.errors import KeyFileError
from rynxs.eventlog import vkey as vk
from rynxs.eventlog.vkey import KeyText

NAME, RAW = "log.example", b"\x01" + bytes(range(32))
KEY_ID = sha256(b"log.example\n" + RAW).digest()[:4]
VKEY = f"log.example+{KEY_ID.hex()}+{base64.b64encode(RAW).decode()}"


def test_a_vkey_is_name_key_id_and_base64_of_type_and_key() -> None:
    assert vk.format_vkey(NAME, RAW) == VKEY
    assert vk.parse_vkey(VKEY) == KeyText(NAME, KEY_ID, RAW)
    assert vk.signature_type(VKEY) == 1


def test_the_vkey_of_the_specification_has_the_key_id_that_it_says() -> None:
    """The example of https://c2sp.org/signed-note."""
    found = vk.parse_vkey("example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k")
    assert (found.name, found.key_id.hex(), found.raw[0]) == ("example.com/foo", "530d903a", 1)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "vkey '' is not name"),
        (NAME, "vkey 'log.example' is not name"),
        (f"{NAME}+{KEY_ID.hex()}", "is not name"),
        (f"{NAME}+00000000+{VKEY.split('+', 2)[2]}", f"the key ID is not {KEY_ID.hex()}"),
        (f"{NAME}+{KEY_ID.hex()}00+{VKEY.split('+', 2)[2]}", "is not name"),
        (VKEY.replace(KEY_ID.hex(), KEY_ID.hex().upper()), "which is log.example"),
        (f"other{VKEY}", "the key ID is not"),
        (f"a b{VKEY}", "has no proper name"),
        (f"\udcff{VKEY}", "has no proper name"),  # a byte of an argument that is not UTF-8
        (f"{VKEY}\n", "is not name"),
        (f"{NAME}+{vk.key_id_of(NAME, b'x').hex()}+eA==", "is not name"),  # a type and no key
        (f"PRIVATE+KEY+{VKEY}", "a private key was given"),
    ],
)
def test_what_is_not_a_vkey_in_its_one_form_is_refused_with_a_reason(
    text: str, reason: str
) -> None:
    with pytest.raises(KeyFileError, match=reason):
        vk.parse_vkey(text)


def test_a_name_that_may_not_name_a_key_is_refused_by_name() -> None:
    vk.check_key_name(NAME)
    with pytest.raises(KeyFileError, match="key name 'a b' is empty or holds"):
        vk.check_key_name("a b")


@given(st.binary(min_size=12, max_size=40), st.binary(min_size=4, max_size=4))
def test_a_private_key_survives_its_text(raw: bytes, key_id: bytes) -> None:
    text = vk.format_private_key(KeyText(NAME, key_id, raw))
    assert vk.parse_private_key(f"{text}\n", "here") == (NAME, key_id, raw)
    with pytest.raises(KeyFileError, match=r"^here: ") as refused:
        vk.parse_private_key(f"{text}*", "here")
    assert base64.b64encode(raw).decode() not in str(refused.value)


def test_the_key_id_of_a_type_that_is_made_in_another_way_does_not_hide_the_type() -> None:
    assert vk.signature_type(f"{NAME}+00000000+{base64.b64encode(b'Txy').decode()}") == ord("T")


def test_the_shortest_key_is_a_type_and_one_byte() -> None:
    assert vk.parse_vkey(vk.format_vkey(NAME, b"\x01x")).raw == b"\x01x"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (NAME, "vkey 'log.example' is not name"),
        (f"{NAME}+00000000+!VHh5", "is not name"),
        (f"PRIVATE+KEY+{VKEY}", "a private key was given"),
    ],
)
def test_what_has_not_the_form_of_a_vkey_has_no_type(text: str, reason: str) -> None:
    with pytest.raises(KeyFileError, match=reason):
        vk.signature_type(text)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (VKEY, "not a private key"),
        ("PRIVATE+KEY+a", "private key is not name"),
        (f"PRIVATE+KEY+{VKEY}\n\n", "private key is not name"),
        (f"PRIVATE+KEY+{VKEY.replace(KEY_ID.hex(), KEY_ID.hex().upper())}", "not in the one form"),
        (f"PRIVATE+KEY+a b{VKEY}", "private key has no proper name"),
    ],
)
def test_what_is_not_a_private_key_is_refused_with_its_source_and_a_reason_that_hides_it(
    text: str, reason: str
) -> None:
    with pytest.raises(KeyFileError, match=f"^here: .*{reason}") as refused:
        vk.parse_private_key(text, "here")
    assert VKEY.split("+", 2)[2] not in str(refused.value)
