# ruff: noqa: PT017 - of what is refused, something is promised too
"""Targets: signed notes, checkpoints, cosignatures and keys (docs/FORMAT.md, section 7)."""

from __future__ import annotations

from functools import cache
from hashlib import sha256
from typing import TYPE_CHECKING, Final, NamedTuple

from rynxs.errors import CheckpointRefused, KeyFileError
from rynxs.eventlog import checkpoint as cp
from rynxs.eventlog import cosignature, note, vkey
from rynxs.eventlog.checkpoint import Checkpoint
from rynxs.eventlog.cosignature import CosignatureVerifier, Cosigner
from rynxs.eventlog.record import FIELD_MAX
from rynxs.plugins import PluginManager
from rynxs.sources import FixedClock
from rynxs_signer_ed25519.keys import PrivateKey
from tests.fuzz.target import Target

if TYPE_CHECKING:
    from rynxs.eventlog.note import NoteVerifier

ORIGIN: Final = "log.example/fuzz"
CHECKPOINT: Final = Checkpoint(ORIGIN, 5, sha256(b"root").digest())
EXTENDED: Final = Checkpoint(ORIGIN, 2**63 - 1, sha256(b"root").digest(), ("one", "zwei ü"))
_SIGNED_AT_S: Final = 1_700_000_000


class Keys(NamedTuple):
    """The keys that the seeds are signed with."""

    signer: PrivateKey
    cosigner: Cosigner
    other: PrivateKey


@cache
def keys() -> Keys:
    """Return the keys, always the same."""
    signer, cosigner, other = (
        PrivateKey(f"{name}.example", sha256(name.encode()).digest())
        for name in ("signer", "cosigner", "other")
    )
    clock = FixedClock(_SIGNED_AT_S * 1_000_000)
    return Keys(signer, Cosigner(cosigner, cosignature.ed25519_statement, clock), other)


@cache
def signed_notes() -> tuple[bytes, ...]:
    """Return notes with one signature and with two, and one that is no checkpoint."""
    signer, cosigner, _ = keys()
    return (
        cp.sign(CHECKPOINT, [signer]),
        cp.sign(EXTENDED, [signer, cosigner]),
        note.sign("a text\n\nof more lines\n", [signer]),
    )


def signed_note(data: bytes) -> None:
    """A note is refused, or the one form of its text and signatures; nothing is forged."""
    try:
        parsed = note.parse(data)
    except CheckpointRefused:
        return
    assert note.merge(data, parsed.signatures) == data
    signer, cosigner, other = keys()
    known: list[NoteVerifier] = [signer, CosignatureVerifier(cosigner, cosigner.statement)]
    try:
        signers = note.signed_by(parsed, known)
    except CheckpointRefused:
        pass
    else:
        assert not signers or parsed.text in {note.parse(each).text for each in signed_notes()}
    try:
        more = note.parse(note.countersign(data, [other]))
    except CheckpointRefused:
        assert len(parsed.signatures) == note.SIGNATURES_MAX
        return
    assert more.text == parsed.text
    assert other in note.signed_by(more, [other])


def checkpoint(data: bytes) -> None:
    """A checkpoint is refused, or the one form of origin, size, root and extensions."""
    try:
        found, parsed = cp.parse(data)
    except CheckpointRefused:
        return
    assert found.text() == parsed.text
    assert 0 <= found.size < 10**19
    again, _ = cp.parse(cp.sign(found, [keys().signer]))
    assert again == found


def cosigned(data: bytes) -> None:
    """What a cosigner is to sign is refused or stated whole; no cosignature is forged.

    An input is a signature, its size before it in one byte, and the text that it is of.
    """
    size = data[0] if data else 0
    signature, text = data[1 : 1 + size], data[1 + size :]
    timestamp = int.from_bytes(signature[:8], "big") % (FIELD_MAX + 1)
    if keys().cosigner.verify(text, signature):
        assert (text, timestamp) == (EXTENDED.text().encode(), _SIGNED_AT_S)
    try:
        assert cosignature.ed25519_statement(ORIGIN, timestamp, text).endswith(text)
        stated = cosignature.subtree_statement(ORIGIN, timestamp, text)
    except CheckpointRefused:
        return
    assert stated.endswith(cp.parse_form(text.decode()).root)


def _cosigned() -> list[bytes]:
    cosigner, text = keys().cosigner, EXTENDED.text().encode()
    signature = cosigner.sign(text)
    return [bytes((len(signature),)) + signature + text, b"\0" + CHECKPOINT.text().encode()]


def public_key(data: bytes) -> None:
    """The text of a public key is refused, or the one form of name and key."""
    text = data.decode(errors="surrogateescape")  # as it comes from a command line
    try:
        found = vkey.parse_vkey(text)
    except KeyFileError:
        pass
    else:
        assert vkey.format_vkey(found.name, found.raw) == text
        assert vkey.signature_type(text) == found.raw[0]
    for scheme in ("ed25519", "mldsa44"):
        try:
            _plugins().signer(scheme).parse_verifier(text)
        except KeyFileError:
            continue


def private_key(data: bytes) -> None:
    """The text of a private key is refused without showing it, or the one form of a key."""
    text = data.decode(errors="replace")  # as it comes from a file
    try:
        found = vkey.parse_private_key(text, "key")
    except KeyFileError as refused:
        assert str(refused).startswith("key: ")
        assert str(refused).isascii()
    else:
        assert vkey.format_private_key(found) == text.removesuffix("\n")
    for scheme in ("ed25519", "mldsa44"):
        try:
            public = _plugins().signer(scheme).public_key(text)
        except KeyFileError:
            continue
        assert vkey.parse_vkey(public).name == vkey.parse_private_key(text, "key").name


@cache
def _plugins() -> PluginManager:
    return PluginManager()


def _public_keys() -> list[bytes]:
    generated = [_plugins().signer(name).generate("a.example", bytes(32)) for name in _SCHEMES]
    cosigners = [keys().cosigner.vkey]
    return [text.encode() for text in (*(public for _, public in generated), *cosigners)]


def _private_keys() -> list[bytes]:
    generated = [_plugins().signer(name).generate("a.example", bytes(32)) for name in _SCHEMES]
    return [f"{private}\n".encode() for private, _ in generated]


_SCHEMES: Final = ("ed25519", "mldsa44")

TARGETS: Final = (
    Target("note", signed_note, signed_notes, lambda: ["— ".encode(), b"\n\n"]),
    Target("checkpoint", checkpoint, signed_notes, lambda: ["— ".encode(), b"\n\n"]),
    Target("cosignature", cosigned, _cosigned),
    Target("public-key", public_key, _public_keys),
    Target("private-key", private_key, _private_keys, lambda: [b"PRIVATE+KEY+"]),
)
