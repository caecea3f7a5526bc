"""Keys for the signers' kit: made of fixed bytes, written to files, and never to be seen."""

from __future__ import annotations

import base64
from hashlib import sha256
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from pathlib import Path

NAME: Final = "log.example/kit"
SEED: Final = sha256(b"the key under test").digest()
OTHER_SEED: Final = sha256(b"another key").digest()
_SHOWN_MAX = 12
"""So many characters in a row of a private key must never be seen."""


class KeyPair(NamedTuple):
    """What `SignerPlugin.generate` returns for `SEED` or `OTHER_SEED`.

    Attributes:
        private: the private key's text.
        vkey: the public key's.
    """

    private: str
    vkey: str

    def secrets(self, other: KeyPair) -> set[str]:
        """Return every short part of the private key of `SEED` that is not public.

        Public is what stands before and in its key ID, and what the key of another seed has too.
        """
        _, key_id, _ = self.vkey.split("+", 2)
        secret = self.private.partition(f"+{key_id}+")[2] or self.private
        forms = [secret, SEED.hex(), base64.b64encode(SEED).decode(), repr(SEED)[2:-1]]
        parts = {
            form[start : start + _SHOWN_MAX]
            for form in forms
            for start in range(len(form) - _SHOWN_MAX + 1)
        }
        # A window that begins in what all keys share, a type's prefix say, shows too little.
        return {part for part in parts if not _share(part, other.private)}


def _share(part: str, text: str) -> bool:
    """Tell whether a text has the beginning of a part, up to half of it."""
    return part[: _SHOWN_MAX // 2] in text


def written(file: Path, data: bytes, mode: int) -> Path:
    """Write a file of a mode and return it."""
    file.write_bytes(data)
    file.chmod(mode)
    return file


def flipped(data: bytes, position: int) -> bytes:
    """Return bytes with one bit of one byte flipped."""
    altered = bytearray(data)
    altered[position] ^= 1 << position % 8
    return bytes(altered)
