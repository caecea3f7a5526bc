"""Ed25519 keys in the text forms of signed notes.

A public key is a vkey (https://c2sp.org/signed-note): ``name+key ID+base64(0x01 || 32 bytes)``.
A private key is in the form of Go's ``golang.org/x/mod/sumdb/note``:
``PRIVATE+KEY+name+key ID+base64(0x01 || 32-byte seed)``.
"""

from __future__ import annotations

import base64
import binascii
import os
import stat
from hashlib import sha256
from typing import NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from rynxs.api import KeyFileError, is_key_name

ALGORITHM = b"\x01"
KEY_SIZE = 32
KEY_ID_SIZE = 4
_PRIVATE = "PRIVATE+KEY+"
_FILE_SIZE_MAX = 4096
# Group read stays allowed: a Kubernetes Secret is mounted 0440 for the pod's group.
_TOO_OPEN = stat.S_IRWXO | stat.S_IWGRP | stat.S_IXGRP


class PublicKey(NamedTuple):
    """A key that checks signatures."""

    name: str
    raw: bytes

    @property
    def key_id(self) -> bytes:
        """The first four bytes of SHA-256(name || LF || 0x01 || key)."""
        return sha256(self.name.encode() + b"\n" + ALGORITHM + self.raw).digest()[:KEY_ID_SIZE]

    @property
    def vkey(self) -> str:
        """The key as text."""
        return f"{self.name}+{self.key_id.hex()}+{_base64(ALGORITHM + self.raw)}"

    def verify(self, message: bytes, signature: bytes) -> bool:
        """Tell whether `signature` is this key's signature of `message` (RFC 8032)."""
        try:
            Ed25519PublicKey.from_public_bytes(self.raw).verify(signature, message)
        except (InvalidSignature, ValueError):
            return False
        return True


class PrivateKey:
    """A key that signs; neither its repr nor any message shows it."""

    def __init__(self, name: str, key: Ed25519PrivateKey) -> None:
        self.name = name
        self._key = key
        self.public = PublicKey(name, key.public_key().public_bytes_raw())

    @classmethod
    def from_seed(cls, name: str, seed: bytes) -> PrivateKey:
        """Return the key of a name and a 32-byte seed.

        Raises:
            KeyFileError: the name may not name a key.
        """
        if not is_key_name(name):
            raise KeyFileError(f"key name {name!r} is empty or holds a plus sign or white space")
        return cls(name, Ed25519PrivateKey.from_private_bytes(seed))

    @property
    def key_id(self) -> bytes:
        """The key ID of the public key."""
        return self.public.key_id

    @property
    def vkey(self) -> str:
        """The public key as text."""
        return self.public.vkey

    @property
    def skey(self) -> str:
        """The private key as text."""
        raw = ALGORITHM + self._key.private_bytes_raw()
        return f"{_PRIVATE}{self.name}+{self.key_id.hex()}+{_base64(raw)}"

    def sign(self, message: bytes) -> bytes:
        """Return the signature of `message`, 64 bytes, the same every time (RFC 8032)."""
        return self._key.sign(message)

    def verify(self, message: bytes, signature: bytes) -> bool:
        """Tell whether `signature` is this key's signature of `message`."""
        return self.public.verify(message, signature)


def load_private_key(path: str) -> PrivateKey:
    """Return the private key of a file that only its owner, or its group, may read.

    Raises:
        KeyFileError: the file is missing, unreadable, too open, or not a private key.
    """
    try:
        with open(path, "rb") as file:  # noqa: PTH123
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            data = file.read(_FILE_SIZE_MAX + 1)
    except OSError as error:
        raise KeyFileError(f"{path}: {error.strerror}") from None
    if mode & _TOO_OPEN:
        raise KeyFileError(
            f"{path}: mode {mode:04o} lets others at a private key; run: chmod 600 {path}"
        )
    return parse_skey(data.decode(errors="replace"), path)


def parse_skey(text: str, source: str) -> PrivateKey:
    """Return the private key of its text; `source` names it in errors.

    Raises:
        KeyFileError: it is not a private key in the form above.
    """
    text = text.removesuffix("\n")
    if not text.startswith(_PRIVATE):
        raise KeyFileError(f"{source}: not a private key; it starts with {_PRIVATE}")
    name, key_id, raw = _split(text.removeprefix(_PRIVATE), f"{source}: private key")
    key = PrivateKey.from_seed(name, raw)
    if key.key_id != key_id:
        raise KeyFileError(f"{source}: the key ID does not belong to the private key")
    if key.skey != text:
        raise KeyFileError(f"{source}: not in the one form that a private key has")
    return key


def parse_vkey(text: str) -> PublicKey:
    """Return the public key of a vkey.

    Raises:
        KeyFileError: it is not a vkey of an Ed25519 key.
    """
    if text.startswith(_PRIVATE):
        raise KeyFileError("a private key was given where a public one (vkey) is expected")
    name, key_id, raw = _split(text, f"vkey {text!r}")
    key = PublicKey(name, raw)
    if key.key_id != key_id:
        raise KeyFileError(f"vkey {text!r}: the key ID is not {key.key_id.hex()}")
    if key.vkey != text:
        raise KeyFileError(f"vkey {text!r}: not in the one form, which is {key.vkey}")
    return key


def _split(text: str, source: str) -> tuple[str, bytes, bytes]:
    """Return name, key ID and the 32 bytes of ``name+key ID+base64(0x01 || 32 bytes)``."""
    try:
        name, key_id, blob = text.split("+", 2)
        raw_id, raw = bytes.fromhex(key_id), base64.b64decode(blob, validate=True)
    except (ValueError, binascii.Error):
        raise KeyFileError(f"{source} is not name+key ID+key in hex and base64") from None
    if raw[:1] != ALGORITHM or len(raw) != 1 + KEY_SIZE or len(raw_id) != KEY_ID_SIZE:
        raise KeyFileError(f"{source} is not that of an Ed25519 key")
    if not is_key_name(name):
        raise KeyFileError(f"{source} has no proper name")
    return name, raw_id, raw[1:]


def _base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()
