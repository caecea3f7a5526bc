"""Ed25519 keys: of type 0x01, which sign notes, and of type 0x04, which cosign checkpoints.

https://c2sp.org/signed-note and https://c2sp.org/tlog-cosignature. Both have the same texts but for
the type; a key of one type is not to be used as one of the other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from rynxs.api import (
    CosignatureVerifier,
    Cosigner,
    KeyFileError,
    KeyText,
    check_key_name,
    ed25519_statement,
    format_private_key,
    format_vkey,
    key_id_of,
    parse_private_key,
    read_private_key,
)
from rynxs.api import parse_vkey as parse_key_text

if TYPE_CHECKING:
    from rynxs.api import NoteVerifier, SigningKey, Sources

SIGNATURE = b"\x01"
COSIGNATURE = b"\x04"
KEY_SIZE = 32


class PublicKey(NamedTuple):
    """A key that checks signatures (RFC 8032)."""

    name: str
    raw: bytes
    signature_type: bytes = SIGNATURE

    @property
    def key_id(self) -> bytes:
        """Key ID, 4 bytes."""
        return key_id_of(self.name, self.signature_type + self.raw)

    @property
    def vkey(self) -> str:
        """The key as text."""
        return format_vkey(self.name, self.signature_type + self.raw)

    def verify(self, message: bytes, signature: bytes) -> bool:
        """Tell whether `signature` is this key's signature of `message`."""
        try:
            Ed25519PublicKey.from_public_bytes(self.raw).verify(signature, message)
        except (InvalidSignature, ValueError):
            return False
        return True


class PrivateKey:
    """A key that signs; neither its repr nor any message shows it."""

    def __init__(self, name: str, seed: bytes, signature_type: bytes = SIGNATURE) -> None:
        """Make the key of a name and a 32-byte seed.

        Raises:
            KeyFileError: the name may not name a key.
        """
        check_key_name(name)
        self._key = Ed25519PrivateKey.from_private_bytes(seed)
        raw = self._key.public_key().public_bytes_raw()
        self.public = PublicKey(name, raw, signature_type)

    @property
    def name(self) -> str:
        """The key's name."""
        return self.public.name

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
        raw = self.public.signature_type + self._key.private_bytes_raw()
        return format_private_key(KeyText(self.name, self.key_id, raw))

    def sign(self, message: bytes) -> bytes:
        """Return the signature of `message`, 64 bytes, the same every time (RFC 8032)."""
        return self._key.sign(message)

    def verify(self, message: bytes, signature: bytes) -> bool:
        """Tell whether `signature` is this key's signature of `message`."""
        return self.public.verify(message, signature)


def load_signer(path: str, sources: Sources) -> SigningKey:
    """Return the private key of a file that only its owner, or its group, may read.

    Raises:
        KeyFileError: the file is missing, unreadable, too open, or not a private key.
    """
    key = parse_skey(read_private_key(path), path)
    if key.public.signature_type == COSIGNATURE:
        return Cosigner(key, ed25519_statement, sources.clock)
    return key


def parse_skey(text: str, source: str) -> PrivateKey:
    """Return the private key of its text; `source` names it in errors.

    Raises:
        KeyFileError: it is not the private key of an Ed25519 key.
    """
    found = parse_private_key(text, source)
    key = PrivateKey(found.name, *_split(found.raw, f"{source}: private key"))
    if key.key_id != found.key_id:
        raise KeyFileError(f"{source}: the key ID does not belong to the private key")
    return key


def parse_vkey(text: str) -> NoteVerifier:
    """Return the public key of a vkey, which checks signatures or cosignatures by its type.

    Raises:
        KeyFileError: it is not a vkey of an Ed25519 key.
    """
    found = parse_key_text(text)
    key = PublicKey(found.name, *_split(found.raw, f"vkey {text!r}"))
    if key.signature_type == COSIGNATURE:
        return CosignatureVerifier(key, ed25519_statement)
    return key


def _split(raw: bytes, source: str) -> tuple[bytes, bytes]:
    """Return the 32 bytes and the type of a key."""
    signature_type, key = raw[:1], raw[1:]
    if signature_type not in (SIGNATURE, COSIGNATURE) or len(key) != KEY_SIZE:
        raise KeyFileError(f"{source} is not that of an Ed25519 key")
    return key, signature_type
