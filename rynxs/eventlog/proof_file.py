"""Proofs as text, each complete with the signed checkpoint that it leads to.

An inclusion proof is a tlog-proof (https://c2sp.org/tlog-proof): its extra data is the header that
is proven, and may go on with salt and payload. A consistency proof is the body that a witness takes
(https://c2sp.org/tlog-witness, add-checkpoint): the old size, the hashes, the new checkpoint.
"""

from __future__ import annotations

import base64
import binascii
import re
from typing import TYPE_CHECKING, NamedTuple

from rynxs.errors import ProofRefused
from rynxs.eventlog import cbor, proof
from rynxs.eventlog import checkpoint as cp
from rynxs.eventlog import record as rec
from rynxs.eventlog.merkle import HASH_SIZE

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rynxs.eventlog.checkpoint import Checkpoint
    from rynxs.eventlog.record import Header

FIRST_LINE = "c2sp.org/tlog-proof@v1"
PROOF_SIZE_MAX = 16 * 1024 * 1024
"""Bytes; a payload of the largest size in base64, and a checkpoint, are well below it."""

_NUMBER = re.compile(r"0|[1-9][0-9]{0,18}", re.ASCII)


class Leaf(NamedTuple):
    """The record that an inclusion proof is about.

    Attributes:
        header: encoded, what the leaf hash is the hash of.
        content: salt and payload, None when the proof goes without them.
    """

    header: bytes
    content: tuple[bytes, bytes] | None = None

    def encode(self) -> bytes:
        """Return the extra data: the header, or a CBOR array of header, salt and payload."""
        return cbor.dumps([self.header, *self.content]) if self.content else self.header


class InclusionProof(NamedTuple):
    """That a record is in the tree of a checkpoint.

    Attributes:
        leaf: the record.
        seq: its place.
        hashes: RFC 9162 section 2.1.3, each 32 bytes.
        checkpoint: the signed note.
    """

    leaf: Leaf
    seq: int
    hashes: tuple[bytes, ...]
    checkpoint: bytes

    def text(self) -> bytes:
        """Return the file's bytes."""
        head = [FIRST_LINE, f"extra {_base64(self.leaf.encode())}", f"index {self.seq}"]
        return _joined(head, self.hashes, self.checkpoint)

    def verify(self) -> tuple[Checkpoint, Header]:
        """Return the checkpoint and the header, once one is shown to hold the other.

        The checkpoint's signatures are not looked at.

        Raises:
            ProofRefused: the header is not at that place of the checkpoint's tree.
            CheckpointRefused: the checkpoint is malformed.
        """
        checkpoint, _ = cp.parse(self.checkpoint)
        try:
            header = rec.decode_header(self.leaf.header)
        except rec.MalformedHeader as error:
            raise ProofRefused(f"extra data: {error}") from None
        if header.seq != self.seq:
            raise ProofRefused(f"the header is that of record {header.seq}, not of {self.seq}")
        if self.leaf.content and rec.payload_hash(*self.leaf.content) != header.payload_hash:
            raise ProofRefused(f"the payload is not that of record {header.seq}")
        leaf = rec.leaf_hash(self.leaf.header)
        proof.verify_inclusion(self.seq, checkpoint.size, leaf, self.hashes, checkpoint.root)
        return checkpoint, header


class ConsistencyProof(NamedTuple):
    """That the tree of a checkpoint starts with that of an older one.

    Attributes:
        old: size of the older tree.
        hashes: RFC 9162 section 2.1.4, each 32 bytes.
        checkpoint: the newer checkpoint's signed note.
    """

    old: int
    hashes: tuple[bytes, ...]
    checkpoint: bytes

    def text(self) -> bytes:
        """Return the file's bytes."""
        return _joined([f"old {self.old}"], self.hashes, self.checkpoint)

    def verify(self, old: Checkpoint) -> Checkpoint:
        """Return the newer checkpoint, once it is shown to be a growth of `old`.

        Raises:
            ProofRefused: it is not.
            CheckpointRefused: the newer checkpoint is malformed.
        """
        new, _ = cp.parse(self.checkpoint)
        if old.size != self.old:
            raise ProofRefused(
                f"it is a proof from size {self.old}, the old checkpoint has {old.size}"
            )
        if old.origin != new.origin:
            raise ProofRefused(f"of log {new.origin!r}, the old checkpoint is of {old.origin!r}")
        proof.verify_consistency(old.size, new.size, old.root, new.root, self.hashes)
        return new


def parse(data: bytes) -> InclusionProof | ConsistencyProof:
    """Return the proof that a file holds; nothing of it is verified here.

    Raises:
        ProofRefused: it is neither kind of proof, with the line that is wrong.
    """
    if len(data) > PROOF_SIZE_MAX:
        raise ProofRefused(f"a proof is at most {PROOF_SIZE_MAX} bytes")
    head, blank, note = data.partition(b"\n\n")
    try:
        lines = head.decode("ascii").split("\n")
    except UnicodeDecodeError:
        raise ProofRefused("not a proof: bytes outside ASCII before the checkpoint") from None
    if lines[0] != FIRST_LINE and not lines[0].startswith("old "):
        raise ProofRefused(f"not a proof: the first line is neither {FIRST_LINE!r} nor 'old SIZE'")
    if not blank:
        raise ProofRefused("no checkpoint after an empty line")
    if lines[0] != FIRST_LINE:
        return ConsistencyProof(_number(lines, 0, "old"), _hashes(lines, 1), note)
    if len(lines) < len(("first", "extra", "index")):
        raise ProofRefused("a line is missing: expected are extra and index")
    leaf = _leaf(_decoded(_field(lines, 1, "extra"), 2))
    return InclusionProof(leaf, _number(lines, 2, "index"), _hashes(lines, 3), note)


def _joined(head: Sequence[str], hashes: Iterable[bytes], checkpoint: bytes) -> bytes:
    lines = [*head, *map(_base64, hashes)]
    return "\n".join(lines).encode() + b"\n\n" + checkpoint


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _field(lines: Sequence[str], place: int, name: str) -> str:
    key, space, value = lines[place].partition(" ")
    if key != name or not space:
        raise ProofRefused(f"line {place + 1}: expected is '{name} ...'")
    return value


def _number(lines: Sequence[str], place: int, name: str) -> int:
    value = _field(lines, place, name)
    if not _NUMBER.fullmatch(value):
        raise ProofRefused(f"line {place + 1}: {value[:40]!r} is not a decimal number")
    return int(value)


def _hashes(lines: Sequence[str], start: int) -> tuple[bytes, ...]:
    if len(lines) - start > proof.HASHES_MAX:
        raise ProofRefused(f"a proof has at most {proof.HASHES_MAX} hashes")
    hashes = tuple(_decoded(line, place + 1) for place, line in enumerate(lines) if place >= start)
    for place, digest in enumerate(hashes, start + 1):
        if len(digest) != HASH_SIZE:
            raise ProofRefused(f"line {place}: a hash is {HASH_SIZE} bytes, found {len(digest)}")
    return hashes


def _decoded(text: str, line: int) -> bytes:
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise ProofRefused(f"line {line}: not base64") from None
    if _base64(data) != text:
        raise ProofRefused(f"line {line}: not in the one form of base64")
    return data


def _leaf(extra: bytes) -> Leaf:
    """Return the leaf of extra data: a header has ten members, header with content is three."""
    try:
        value = cbor.loads(extra)
    except cbor.DECODE_ERRORS:
        raise ProofRefused("line 2: the extra data is not a header") from None
    if isinstance(value, list) and [type(part) for part in value] == [bytes] * 3:
        header, salt, payload = value
        if len(salt) in (0, rec.SALT_SIZE) and cbor.dumps(value) == extra:
            return Leaf(header, (salt, payload))
        raise ProofRefused("line 2: the extra data is not in deterministic form")
    return Leaf(extra)
