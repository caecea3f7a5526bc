"""ML-DSA-44 keys (FIPS 204), which cosign checkpoints: type 0x06 of https://c2sp.org/signed-note.

What is signed, and that a time stands in front of the signature, is that of
https://c2sp.org/tlog-cosignature. A private key is kept as its 32-byte seed.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey, MLDSA44PublicKey

from rynxs.api import (
    CosignatureVerifier,
    Cosigner,
    KeyFileError,
    KeyText,
    check_key_name,
    format_private_key,
    format_vkey,
    key_id_of,
    parse_private_key,
    read_private_key,
    subtree_statement,
)
from rynxs.api import parse_vkey as parse_key_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rynxs.api import NoteVerifier, SigningKey, Sources

COSIGNATURE = b"\x06"
SEED_SIZE = 32
KEY_SIZE = 1312
NAME_SIZE_MAX = 255


class PublicKey(NamedTuple):
    """A key that checks bare signatures, of whatever message."""

    name: str
    raw: bytes

    @property
    def key_id(self) -> bytes:
        """Key ID, 4 bytes."""
        return key_id_of(self.name, COSIGNATURE + self.raw)

    @property
    def vkey(self) -> str:
        """The key as text."""
        return format_vkey(self.name, COSIGNATURE + self.raw)

    def verify(self, message: bytes, signature: bytes) -> bool:
        """Tell whether `signature` is this key's signature of `message`."""
        try:
            MLDSA44PublicKey.from_public_bytes(self.raw).verify(signature, message)
        except (InvalidSignature, ValueError):
            return False
        return True


class PrivateKey:
    """A key that makes bare signatures; neither its repr nor any message shows it."""

    def __init__(self, name: str, seed: bytes) -> None:
        """Make the key of a name and a 32-byte seed.

        Raises:
            KeyFileError: the name may not name a key, or is too long for what is signed, which
                holds it; or the OpenSSL at hand has no ML-DSA.
        """
        check_key_name(name)
        if len(name.encode()) > NAME_SIZE_MAX:
            raise KeyFileError(f"key name {name!r} has over {NAME_SIZE_MAX} bytes")
        with _available():
            self._key = MLDSA44PrivateKey.from_seed_bytes(seed)
        self.public = PublicKey(name, self._key.public_key().public_bytes_raw())

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
        raw = COSIGNATURE + self._key.private_bytes_raw()
        return format_private_key(KeyText(self.name, self.key_id, raw))

    def sign(self, message: bytes) -> bytes:
        """Return a signature of `message`, 2420 bytes, another one every time (FIPS 204)."""
        return self._key.sign(message)

    def verify(self, message: bytes, signature: bytes) -> bool:
        """Tell whether `signature` is this key's signature of `message`."""
        return self.public.verify(message, signature)


def load_signer(path: str, sources: Sources) -> SigningKey:
    """Return the private key of a file that only its owner, or its group, may read.

    Raises:
        KeyFileError: the file is missing, unreadable, too open, or not a private key.
    """
    return Cosigner(parse_skey(read_private_key(path), path), subtree_statement, sources.clock)


def parse_skey(text: str, source: str) -> PrivateKey:
    """Return the private key of its text; `source` names it in errors.

    Raises:
        KeyFileError: it is not the private key of an ML-DSA-44 key.
    """
    found = parse_private_key(text, source)
    key = PrivateKey(found.name, _split(found, SEED_SIZE, f"{source}: private key"))
    if key.key_id != found.key_id:
        raise KeyFileError(f"{source}: the key ID does not belong to the private key")
    return key


def parse_vkey(text: str) -> NoteVerifier:
    """Return the public key of a vkey.

    Raises:
        KeyFileError: it is not a vkey of an ML-DSA-44 key, or the OpenSSL at hand has no ML-DSA.
    """
    found = parse_key_text(text)
    shown = f"vkey {found.name}+{found.key_id.hex()}"
    key = PublicKey(found.name, _split(found, KEY_SIZE, shown))
    with _available():
        MLDSA44PublicKey.from_public_bytes(key.raw)
    return CosignatureVerifier(key, subtree_statement)


@contextmanager
def _available() -> Iterator[None]:
    """Tell when the library that `cryptography` was built with has no ML-DSA."""
    try:
        yield
    except UnsupportedAlgorithm:
        raise KeyFileError("the cryptography package at hand has no ML-DSA-44") from None


def _split(key: KeyText, size: int, source: str) -> bytes:
    """Return a key's bytes without its type."""
    if key.raw[:1] != COSIGNATURE or len(key.raw) != 1 + size:
        raise KeyFileError(f"{source} is not that of an ML-DSA-44 key")
    return key.raw[1:]
