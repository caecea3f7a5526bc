"""Checkpoints (https://c2sp.org/tlog-checkpoint): what a log had, in three signed lines."""

from __future__ import annotations

import base64
import binascii
import re
from typing import TYPE_CHECKING, NamedTuple

from rynxs.errors import CheckpointRefused, SinkConflict
from rynxs.eventlog import note
from rynxs.eventlog.merkle import HASH_SIZE
from rynxs.eventlog.sink import ABSENT

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from rynxs.eventlog.note import Note, NoteSigner
    from rynxs.eventlog.sink import Sink

LATEST = "checkpoint"
NUMBERED = "checkpoints/"
ORIGIN = r"^[!-*,-~]{1,255}$"
"""What a log may be called: printable ASCII, no space, and no plus sign, as in a key's name."""

_SIZE = re.compile(r"0|[1-9][0-9]{0,18}", re.ASCII)


class Checkpoint(NamedTuple):
    """The body of a checkpoint.

    Attributes:
        origin: names the log; not empty, no line break.
        size: number of records.
        root: Merkle tree hash over them, 32 bytes.
        extensions: further lines, none of them empty.
    """

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    def require_root(self, root: bytes) -> None:
        """Check that the first `size` records of a log have this checkpoint's root.

        Raises:
            CheckpointRefused: they have another.
        """
        if self.root != root:
            raise CheckpointRefused(
                f"its root is {self.root.hex()}, the first {self.size} records have {root.hex()}"
            )

    def text(self) -> str:
        """Return the note text."""
        lines = [self.origin, str(self.size), base64.b64encode(self.root).decode()]
        return "\n".join([*lines, *self.extensions]) + "\n"


def parse_text(text: str) -> Checkpoint:
    """Return the checkpoint that a note's text is.

    Raises:
        CheckpointRefused: a line is missing or not in the one allowed form, or no log is called so:
            the text of a key rotation, which has the form of a checkpoint, is none.
    """
    parsed = parse_form(text)
    if not re.fullmatch(ORIGIN, parsed.origin):
        raise CheckpointRefused(f"checkpoint origin {parsed.origin!r} does not match {ORIGIN}")
    return parsed


def parse_form(text: str) -> Checkpoint:
    """Return what a text in the form of a checkpoint says, whatever its first line.

    Raises:
        CheckpointRefused: a line is missing or not in the one allowed form.
    """
    lines = text.removesuffix("\n").split("\n")
    try:
        origin, size, root, *extensions = lines
    except ValueError:
        raise CheckpointRefused("checkpoint is not an origin, a size and a root") from None
    if not all(lines):
        raise CheckpointRefused("checkpoint has an empty line")
    if not _SIZE.fullmatch(size):
        raise CheckpointRefused(f"checkpoint size {size!r} is not a decimal number")
    try:
        digest = base64.b64decode(root, validate=True)
    except (binascii.Error, ValueError):
        raise CheckpointRefused("checkpoint root is not base64") from None
    if len(digest) != HASH_SIZE or base64.b64encode(digest).decode() != root:
        raise CheckpointRefused(f"checkpoint root is not {HASH_SIZE} bytes of base64")
    return Checkpoint(origin, int(size), digest, tuple(extensions))


def parse(data: bytes) -> tuple[Checkpoint, Note]:
    """Return a signed checkpoint's body and its note; signatures are not checked here."""
    parsed = note.parse(data)
    return parse_text(parsed.text), parsed


def sign(checkpoint: Checkpoint, signers: Sequence[NoteSigner]) -> bytes:
    """Return the checkpoint as a signed note.

    Raises:
        CheckpointRefused: the origin is not one, so that something else would be signed.
    """
    if not re.fullmatch(ORIGIN, checkpoint.origin):
        raise CheckpointRefused(f"origin {checkpoint.origin!r} does not match {ORIGIN}")
    assert parse_form(checkpoint.text()) == checkpoint
    return note.sign(checkpoint.text(), signers)


def numbered_name(size: int) -> str:
    """Return the object name of the checkpoint of that size."""
    return f"{NUMBERED}{size:020d}"


def latest(sink: Sink) -> tuple[Checkpoint, bytes] | None:
    """Return the newest stored checkpoint, parsed and as bytes, or None.

    Raises:
        CheckpointRefused: what is stored is not a checkpoint.
    """
    stored = sink.get(LATEST)
    if stored is None:
        return None
    return parse(stored.data)[0], stored.data


def stored(sink: Sink, names: Iterable[str]) -> Iterator[tuple[Checkpoint, Note, bytes]]:
    """Yield the checkpoints that are stored under some names, parsed and as bytes.

    Raises:
        CheckpointRefused: what is stored is not a checkpoint.
    """
    for name in names:
        found = sink.get(name)
        if found is not None:
            yield *parse(found.data), found.data


def largest_size(sink: Sink) -> int:
    """Return the size of the largest stored checkpoint, 0 if there is none.

    Raises:
        CheckpointRefused: what is stored is not a checkpoint.
    """
    names = [LATEST, *sorted(sink.list(NUMBERED))[-1:]]
    return max((checkpoint.size for checkpoint, _, _ in stored(sink, names)), default=0)


def check_storable(sink: Sink, checkpoint: Checkpoint) -> Checkpoint | None:
    """Return the newest stored checkpoint, None if there is none, which this one may follow.

    Raises:
        CheckpointRefused: another checkpoint of this size, or a larger one, is stored already.
    """
    same = sink.get(numbered_name(checkpoint.size))
    if same is not None and parse(same.data)[0] != checkpoint:
        raise CheckpointRefused(f"another checkpoint of size {checkpoint.size} is stored already")
    newest = latest(sink)
    if newest is not None and newest[0].size > checkpoint.size:
        raise CheckpointRefused(f"a checkpoint larger than {checkpoint.size} is stored already")
    return newest[0] if newest else None


def store(sink: Sink, checkpoint: Checkpoint, signed: bytes) -> None:
    """Store a checkpoint: its numbered object is created once, the latest only grows.

    Raises:
        CheckpointRefused: another checkpoint of this size, or a larger one, is stored already.
    """
    try:
        sink.put(numbered_name(checkpoint.size), signed, ABSENT)
    except SinkConflict:
        existing = sink.get(numbered_name(checkpoint.size))
        if existing is None or parse(existing.data)[0] != checkpoint:
            raise CheckpointRefused(
                f"another checkpoint of size {checkpoint.size} is stored already"
            ) from None
    current = sink.get(LATEST)
    if current is not None and parse(current.data)[0].size > checkpoint.size:
        raise CheckpointRefused(f"a checkpoint larger than {checkpoint.size} is stored already")
    sink.put(LATEST, signed, current.version if current else ABSENT)
