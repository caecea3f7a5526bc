"""Signed notes (https://c2sp.org/signed-note): a text and the signature lines under it.

The scheme of a signature is a plugin's business; here is only the format, and the rule that an
unknown signature is ignored while a bad signature of a known key refuses the note.
"""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, NamedTuple, Protocol

from rynxs.errors import CheckpointRefused

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

NOTE_SIZE_MAX = 1_000_000
SIGNATURES_MAX = 100
KEY_ID_SIZE = 4
_SIGNATURE_MARK = "— "


class Signature(NamedTuple):
    """One signature line: the key's name, its 4-byte key ID, and the signature's bytes."""

    name: str
    key_id: bytes
    signature: bytes


class Note(NamedTuple):
    """A note: its text, which ends in a newline, and its signatures."""

    text: str
    signatures: tuple[Signature, ...]


class NoteVerifier(Protocol):
    """A public key that can check signatures."""

    @property
    def name(self) -> str:
        """Key name, as in the signature line."""

    @property
    def key_id(self) -> bytes:
        """Key ID, 4 bytes."""

    def verify(self, message: bytes, signature: bytes) -> bool:
        """Tell whether `signature` is this key's signature of `message`."""


class NoteSigner(NoteVerifier, Protocol):
    """A private key that can sign, and check its own signatures."""

    def sign(self, message: bytes) -> bytes:
        """Return the signature of `message`."""


class SigningKey(NoteSigner, Protocol):
    """A private key as a plugin gives it: it also tells its public key."""

    @property
    def vkey(self) -> str:
        """The public key as text (https://c2sp.org/signed-note, verifier keys)."""


def sign(text: str, signers: Sequence[NoteSigner]) -> bytes:
    """Return the signed note of a text that ends in a newline.

    Raises:
        CheckpointRefused: there are too many signers, or too much text, for a note.
    """
    assert text.endswith("\n"), "a note's text ends in a newline"
    return _encode(Note(text, tuple(_signature(text, key) for key in signers)))


def countersign(signed: bytes, signers: Sequence[NoteSigner]) -> bytes:
    """Return a signed note with the signatures of those signers who have not signed it yet.

    What is there stays as it is, but for a signature of one of the signers that is not valid.

    Raises:
        CheckpointRefused: it is not a signed note, or has no room for their signatures.
    """
    parsed = parse(signed)
    lines = list(parsed.signatures)
    for key in signers:
        mine = [line for line in lines if (line.name, line.key_id) == (key.name, key.key_id)]
        if mine and all(key.verify(parsed.text.encode(), line.signature) for line in mine):
            continue
        lines = [line for line in lines if line not in mine]
        lines.append(_signature(parsed.text, key))
    return _encode(Note(parsed.text, tuple(lines)))


def merge(signed: bytes, lines: Iterable[Signature]) -> bytes:
    """Return a signed note with further signature lines, each key's only if it has none there.

    Raises:
        CheckpointRefused: it is not a signed note, or has no room for them.
    """
    parsed = parse(signed)
    there = {(line.name, line.key_id) for line in parsed.signatures}
    added = tuple(line for line in lines if (line.name, line.key_id) not in there)
    return _encode(Note(parsed.text, parsed.signatures + added))


def format_signature(signature: Signature) -> str:
    """Return the line of one signature, newline included."""
    blob = base64.b64encode(signature.key_id + signature.signature).decode()
    return f"{_SIGNATURE_MARK}{signature.name} {blob}\n"


def parse(data: bytes) -> Note:
    """Return the note that `data` is.

    Raises:
        CheckpointRefused: it is not a signed note.
    """
    _check_bounds(len(data), 0)
    try:
        whole = data.decode()
    except UnicodeDecodeError:
        raise CheckpointRefused("note is not UTF-8") from None
    if any(character < " " and character != "\n" for character in whole):
        raise CheckpointRefused("note holds a control character")
    body, blank, lines = whole.rpartition("\n\n")
    if not blank or not lines.endswith("\n"):
        raise CheckpointRefused("note has no signature lines after a blank line")
    signatures = [_parse_signature(line) for line in lines[:-1].split("\n")]
    _check_bounds(len(data), len(signatures))
    return Note(body + "\n", tuple(signatures))


def verify(note: Note, keys: Sequence[NoteVerifier]) -> list[str]:
    """Return the names of the keys, out of `keys`, that signed the note; at least one.

    Raises:
        CheckpointRefused: a known key's signature is bad, or no known key signed.
    """
    signed = signed_by(note, keys)
    if not signed:
        raise unknown_signers(note, keys)
    return [key.name for key in signed]


def signed_by(note: Note, keys: Iterable[NoteVerifier]) -> list[NoteVerifier]:
    """Return those of the keys that signed the note, in the order of its lines, perhaps none.

    A line of a known key is one with its name and its key ID; all other lines are ignored.

    Raises:
        CheckpointRefused: a known key's signature is bad.
    """
    known = {(key.name, key.key_id): key for key in keys}
    signed: dict[tuple[str, bytes], NoteVerifier] = {}
    for name, key_id, signature in note.signatures:
        key = known.get((name, key_id))
        if key is None:
            continue
        if not key.verify(note.text.encode(), signature):
            raise CheckpointRefused(f"the signature of {name} is not valid")
        signed[name, key_id] = key
    return list(signed.values())


def unknown_signers(note: Note, keys: Iterable[NoteVerifier]) -> CheckpointRefused:
    """Return the error that says who signed a note, and whose signature was expected."""
    found = ", ".join(f"{s.name}+{s.key_id.hex()}" for s in note.signatures)
    wanted = ", ".join(f"{key.name}+{key.key_id.hex()}" for key in keys)
    return CheckpointRefused(f"signed by {found}, and by none of the known keys ({wanted})")


def is_key_name(name: str) -> bool:
    """Tell whether `name` may name a key: valid Unicode, not empty, no plus sign or white space."""
    return (
        bool(name)
        and "+" not in name
        and not any(c.isspace() or c < "!" or "\ud800" <= c <= "\udfff" for c in name)
    )


def _signature(text: str, key: NoteSigner) -> Signature:
    return Signature(key.name, key.key_id, key.sign(text.encode()))


def _encode(note: Note) -> bytes:
    """Return a note's bytes, which `parse` takes again."""
    data = f"{note.text}\n{''.join(map(format_signature, note.signatures))}".encode()
    _check_bounds(len(data), len(note.signatures))
    return data


def _check_bounds(size: int, signatures: int) -> None:
    if size > NOTE_SIZE_MAX:
        raise CheckpointRefused(f"note is over {NOTE_SIZE_MAX} bytes")
    if signatures > SIGNATURES_MAX:
        raise CheckpointRefused(f"note has over {SIGNATURES_MAX} signatures")


def _parse_signature(line: str) -> Signature:
    name, space, blob = line.removeprefix(_SIGNATURE_MARK).partition(" ")
    if not line.startswith(_SIGNATURE_MARK) or not space or not is_key_name(name):
        raise CheckpointRefused("note has a malformed signature line")
    try:
        raw = base64.b64decode(blob, validate=True)
    except (binascii.Error, ValueError):
        raise CheckpointRefused(f"the signature of {name} is not base64") from None
    if len(raw) <= KEY_ID_SIZE or base64.b64encode(raw).decode() != blob:
        raise CheckpointRefused(f"the signature of {name} is malformed")
    return Signature(name, raw[:KEY_ID_SIZE], raw[KEY_ID_SIZE:])
