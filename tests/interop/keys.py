"""Keys of the rynxs plugins, and notes that Go signs with them."""

from __future__ import annotations

import base64
from hashlib import sha256
from typing import TYPE_CHECKING, NamedTuple

from rynxs.eventlog import note
from rynxs.sources import fixed_sources
from rynxs_signer_ed25519.plugin import rynxs_signer
from tests.interop.program import ask

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from rynxs.api import SignerPlugin, SigningKey
    from rynxs.eventlog.note import NoteVerifier

ED25519 = rynxs_signer()
SIGNED_AT_S = 1_800_000_000


class Key(NamedTuple):
    """A key pair as text; `private` may sign in Go and in Python."""

    private: str
    vkey: str
    scheme: SignerPlugin = ED25519

    @classmethod
    def of(cls, name: str, seed: str, scheme: SignerPlugin = ED25519) -> Key:
        """Return the key that a plugin makes of a name and a seed."""
        return cls(*scheme.generate(name, sha256(seed.encode()).digest()), scheme)

    @classmethod
    def of_cosigner(cls, name: str, seed: str, scheme: SignerPlugin = ED25519) -> Key:
        """Return a key that cosigns, likewise."""
        assert scheme.generate_cosigner is not None
        return cls(*scheme.generate_cosigner(name, sha256(seed.encode()).digest()), scheme)

    @property
    def verifier(self) -> NoteVerifier:
        return self.scheme.parse_verifier(self.vkey)

    def file(self, directory: Path) -> Path:
        """Write the private key to a file of the directory."""
        file = directory / f"{self.verifier.key_id.hex()}.key"
        file.write_text(self.private + "\n")
        file.chmod(0o600)
        return file

    def signer(self, directory: Path, at_s: int = SIGNED_AT_S) -> SigningKey:
        """Return our plugin's private key, which it reads from a file, and that signs at a time."""
        settings = self.scheme.settings(keyFile=str(self.file(directory)))
        signer = self.scheme.load_signer(settings, fixed_sources(at_s * 1_000_000))
        assert signer is not None
        return signer


LOG = Key.of("log.example/interop", "log")


def go_signed(text: str, *keys: Key) -> bytes:
    """Return the note that golang.org/x/mod/sumdb/note makes of a text."""
    return go_signed_all([text], keys)[0]


def go_signed_all(texts: Sequence[str], keys: Sequence[Key] = (LOG,)) -> list[bytes]:
    """Return the notes of several texts, each signed by all keys."""
    private = [key.private for key in keys]
    answers = ask("sign", [{"text": text, "private": private} for text in texts])
    return [base64.b64decode(answer["note"]) for answer in answers]


def line(name: str, key_id: bytes, signature: bytes) -> bytes:
    """Return a signature line, whoever made the signature."""
    return note.format_signature(note.Signature(name, key_id, signature)).encode()
