"""Cosignatures (https://c2sp.org/tlog-cosignature): who signs a checkpoint, and when.

A cosigner says that, at a time, the checkpoint was the largest it had seen of that log, and that
all it saw before is consistent with it. The signature is a note's; in front of the scheme's own
stands the time. Here is what is signed; the schemes are plugins.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rynxs.errors import CheckpointRefused
from rynxs.eventlog import checkpoint as cp

if TYPE_CHECKING:
    from rynxs.eventlog.checkpoint import Checkpoint
    from rynxs.eventlog.note import NoteVerifier, SigningKey
    from rynxs.sources import Clock

Statement = Callable[[str, int, bytes], bytes]
"""Makes what is signed, of the cosigner's name, the POSIX time in seconds and the note's text."""

_TIMESTAMP_SIZE = 8
_TIMESTAMP_MAX = 2**63 - 1
_SUBTREE_LABEL = b"subtree/v1\n\0"
_NAME_SIZE_MAX = 255
_SECOND_US = 1_000_000


def ed25519_statement(name: str, timestamp: int, text: bytes) -> bytes:
    """Return what an Ed25519 cosigner signs: two lines, then the whole text of the checkpoint.

    The cosigner's name is not in it, so that two cosigners must not share a key.

    Raises:
        CheckpointRefused: the text is not a checkpoint.
    """
    _parsed(text)
    return b"cosignature/v1\ntime %d\n%b" % (timestamp, text)


def subtree_statement(name: str, timestamp: int, text: bytes) -> bytes:
    """Return the ``cosigned_message`` that an ML-DSA-44 cosigner signs.

    The names of cosigner and log, the time, the first and last record and the root are in it;
    extension lines of the checkpoint are not.

    Raises:
        CheckpointRefused: the text is not a checkpoint, or a name is over 255 bytes.
    """
    checkpoint = _parsed(text)
    return b"".join(
        (
            _SUBTREE_LABEL,
            _named("cosigner", name),
            timestamp.to_bytes(8, "big"),
            _named("log", checkpoint.origin),
            (0).to_bytes(8, "big"),
            checkpoint.size.to_bytes(8, "big"),
            checkpoint.root,
        )
    )


@dataclass(frozen=True)
class CosignatureVerifier:
    """A public key that checks cosignatures.

    Attributes:
        key: checks the scheme's own signatures.
        statement: makes what they are of.
    """

    key: NoteVerifier
    statement: Statement

    @property
    def name(self) -> str:
        """Name of the cosigner."""
        return self.key.name

    @property
    def key_id(self) -> bytes:
        """Key ID, 4 bytes."""
        return self.key.key_id

    def verify(self, message: bytes, signature: bytes) -> bool:
        """Tell whether `signature` is this cosigner's of the checkpoint whose text `message` is."""
        timestamp = int.from_bytes(signature[:_TIMESTAMP_SIZE], "big")
        if len(signature) <= _TIMESTAMP_SIZE or timestamp > _TIMESTAMP_MAX:
            return False
        try:
            stated = self.statement(self.name, timestamp, message)
        except CheckpointRefused:
            return False
        return self.key.verify(stated, signature[_TIMESTAMP_SIZE:])


class Cosigner(CosignatureVerifier):
    """A private key that cosigns checkpoints, at the time of a clock."""

    def __init__(self, key: SigningKey, statement: Statement, clock: Clock) -> None:
        super().__init__(key, statement)
        self._signer = key
        self._clock = clock

    @property
    def vkey(self) -> str:
        """The public key as text."""
        return self._signer.vkey

    def __repr__(self) -> str:
        return f"Cosigner({self.vkey!r})"

    def sign(self, message: bytes) -> bytes:
        """Return the time now and the signature of a checkpoint's text.

        Raises:
            CheckpointRefused: the message is not a checkpoint.
        """
        timestamp = self._clock.now_us() // _SECOND_US
        stated = self.statement(self.name, timestamp, message)
        return timestamp.to_bytes(_TIMESTAMP_SIZE, "big") + self._signer.sign(stated)


def _parsed(text: bytes) -> Checkpoint:
    try:
        decoded = text.decode()
    except UnicodeDecodeError:
        raise CheckpointRefused("what is to be cosigned is not UTF-8") from None
    if not decoded.endswith("\n"):
        raise CheckpointRefused("what is to be cosigned does not end in a line feed")
    return cp.parse_form(decoded)  # a rotation's statement as well: rotation.py asks for that


def _named(what: str, name: str) -> bytes:
    raw = name.encode()
    if not 0 < len(raw) <= _NAME_SIZE_MAX:
        raise CheckpointRefused(
            f"the name of the {what}, {name!r}, is not of 1 to {_NAME_SIZE_MAX} bytes"
        )
    return bytes((len(raw),)) + raw
