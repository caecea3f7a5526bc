"""The event that replaces a log's signing key: a statement that the old and the new key both sign.

The statement is a signed note in the form of a checkpoint, for a cosigner's key can sign nothing
else. Its origin has spaces, so that no log can be called so; its size is the seq of the record, and
its root the hash of the lines that follow: the log's origin and the two vkeys. So schemes that sign
the whole text and those that sign its first three lines all bind everything.
"""

from __future__ import annotations

import base64
from hashlib import sha256
from typing import TYPE_CHECKING, NamedTuple

from rynxs.errors import CheckpointRefused, LogCorrupt, ValueRefused
from rynxs.eventlog import canonical
from rynxs.eventlog import note as notes

if TYPE_CHECKING:
    from rynxs.eventlog.note import Note, SigningKey
    from rynxs.eventlog.record import Header, Record

KEY_ROTATED = "KeyRotated"
MARK = KEY_ROTATED.encode()
"""Stands in the encoded header of every such record, and is quicker to look for than to decode."""

_PURPOSE = "rynxs key rotation v1"


class Rotation(NamedTuple):
    """That a key takes over from another.

    Attributes:
        origin: of the log.
        seq: of the record that says so.
        old: vkey of the key that is retired.
        new: vkey of its successor.
    """

    origin: str
    seq: int
    old: str
    new: str

    def text(self) -> str:
        """Return the statement's text."""
        bound = f"{self.origin}\n{self.old}\n{self.new}\n"
        digest = base64.b64encode(sha256(bound.encode()).digest()).decode()
        return f"{_PURPOSE}\n{self.seq}\n{digest}\n{bound}"


class SignedRotation(NamedTuple):
    """A rotation with the note whose text is its statement; the signatures are not checked yet."""

    rotation: Rotation
    note: Note


def payload_of(origin: str, seq: int, old: SigningKey, new: SigningKey) -> dict[str, str]:
    """Return the payload of the ``KeyRotated`` record at `seq`."""
    rotation = Rotation(origin, seq, old.vkey, new.vkey)
    signed = notes.sign(rotation.text(), [old, new])
    return {"new": rotation.new, "note": signed.decode(), "old": rotation.old}


def read(header: Header, record: Record, origin: str) -> SignedRotation:
    """Return what a verified ``KeyRotated`` record of the log `origin` says.

    Raises:
        LogCorrupt: its payload is erased, not of its shape, or states something else.
    """
    seq = header.seq
    if record.payload is None:
        raise LogCorrupt(seq, f"{KEY_ROTATED} was erased, so that its keys can't be followed")
    try:
        body = canonical.decode(record.payload)
    except ValueRefused as error:
        raise LogCorrupt(seq, f"payload {error}") from None
    old, new, signed = (body.get(name) for name in ("old", "new", "note"))
    if not (isinstance(old, str) and isinstance(new, str) and isinstance(signed, str)):
        raise LogCorrupt(seq, f"payload of {KEY_ROTATED} is not of its shape")
    if header.subject:
        raise LogCorrupt(seq, f"{KEY_ROTATED} is not about the log itself")
    rotation = Rotation(origin, seq, old, new)
    try:
        note = notes.parse(signed.encode())
    except CheckpointRefused as error:
        raise LogCorrupt(seq, f"{KEY_ROTATED}: {error}") from None
    if note.text != rotation.text():
        raise LogCorrupt(seq, f"{KEY_ROTATED}: the signed text is not that of this rotation")
    if old == new:
        raise LogCorrupt(seq, f"{KEY_ROTATED}: a key takes over from itself")
    return SignedRotation(rotation, note)
