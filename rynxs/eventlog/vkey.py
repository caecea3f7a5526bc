"""Keys in the text forms of signed notes (https://c2sp.org/signed-note), of whatever scheme.

A public key is a vkey: ``name+key ID+base64(signature type || key)``. A private key has the form of
Go's ``golang.org/x/mod/sumdb/note``: ``PRIVATE+KEY+name+key ID+base64(signature type || seed)``.
"""

from __future__ import annotations

import base64
import binascii
from hashlib import sha256
from typing import NamedTuple

from rynxs.errors import KeyFileError
from rynxs.eventlog.note import KEY_ID_SIZE, is_key_name

_PRIVATE = "PRIVATE+KEY+"


class KeyText(NamedTuple):
    """What the text of a key says; nothing of it is known to be a key of any scheme.

    Attributes:
        name: of the key.
        key_id: 4 bytes.
        raw: the signature type and what follows it, at least 2 bytes.
    """

    name: str
    key_id: bytes
    raw: bytes


def key_id_of(name: str, raw: bytes) -> bytes:
    """Return the first 4 bytes of SHA-256(name || LF || raw), `raw` being type and public key."""
    return sha256(name.encode() + b"\n" + raw).digest()[:KEY_ID_SIZE]


def check_key_name(name: str) -> None:
    """Refuse a name that may not name a key.

    Raises:
        KeyFileError: it is empty, holds a plus sign or white space, or is no valid Unicode.
    """
    if not is_key_name(name):
        raise KeyFileError(
            f"key name {name!r} is empty or holds a plus sign or white space, or no valid Unicode"
        )


def format_vkey(name: str, raw: bytes) -> str:
    """Return the vkey of a public key; `raw` is its signature type and the key."""
    return _joined(KeyText(name, key_id_of(name, raw), raw))


def format_private_key(key: KeyText) -> str:
    """Return the text of a private key; its key ID is that of the public key."""
    return _PRIVATE + _joined(key)


def signature_type(vkey: str) -> int:
    """Return the byte that says of which scheme a vkey is; nothing else of it is checked.

    Raises:
        KeyFileError: it has not the form of a vkey.
    """
    _refuse_private(vkey)
    return _split(vkey, f"vkey {vkey!r}").raw[0]


def parse_vkey(text: str) -> KeyText:
    """Return what a vkey says, once its key ID is found to be made of name, type and key.

    Raises:
        KeyFileError: it is not a vkey in the one form, or is a private key.
    """
    _refuse_private(text)
    key = _split(text, f"vkey {text!r}")
    if key.key_id != key_id_of(key.name, key.raw):
        wanted = key_id_of(key.name, key.raw).hex()
        raise KeyFileError(f"vkey {text!r}: the key ID is not {wanted}")
    if _joined(key) != text:
        raise KeyFileError(f"vkey {text!r}: not in the one form, which is {_joined(key)}")
    return key


def parse_private_key(text: str, source: str) -> KeyText:
    """Return what the text of a private key says; `source` names it in errors, which hide it.

    Whether the key ID belongs to the key is for its scheme to check.

    Raises:
        KeyFileError: it is not a private key in the one form.
    """
    text = text.removesuffix("\n")
    if not text.startswith(_PRIVATE):
        raise KeyFileError(f"{source}: not a private key; it starts with {_PRIVATE}")
    key = _split(text.removeprefix(_PRIVATE), f"{source}: private key")
    if format_private_key(key) != text:
        raise KeyFileError(f"{source}: not in the one form that a private key has")
    return key


def _refuse_private(text: str) -> None:
    if text.startswith(_PRIVATE):
        raise KeyFileError("a private key was given where a public one (vkey) is expected")


def _joined(key: KeyText) -> str:
    return f"{key.name}+{key.key_id.hex()}+{base64.b64encode(key.raw).decode()}"


def _split(text: str, source: str) -> KeyText:
    try:
        # Only the first two plus signs separate, for base64 has plus signs too.
        name, key_id, blob = text.split("+", 2)
        key = KeyText(name, bytes.fromhex(key_id), base64.b64decode(blob, validate=True))
    except (ValueError, binascii.Error):
        raise KeyFileError(f"{source} is not name+key ID+key in hex and base64") from None
    if len(key.key_id) != KEY_ID_SIZE or len(key.raw) <= 1:
        raise KeyFileError(f"{source} is not name+key ID+key in hex and base64")
    if not is_key_name(name):
        raise KeyFileError(f"{source} has no proper name")
    return key
