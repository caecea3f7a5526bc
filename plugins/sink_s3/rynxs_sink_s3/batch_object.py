"""A batch as an object: an envelope and a body, under a key that says its first seq.

Envelope, big-endian, 48 bytes: magic (8), first seq (8), count (4), body size (4), writer id (16),
CRC-32 of the body (4), CRC-32 of the 44 bytes before (4). The writer id is random for each opening
of a log; no part of the records, it tells a writer's own object from one of equal records.
"""

from __future__ import annotations

import re
import struct
from typing import TYPE_CHECKING, NamedTuple
from zlib import crc32

from rynxs.api import (
    RECORDS_MAX,
    MalformedBatch,
    SinkCorrupt,
    decode_body,
    encode_body,
    locate_damage,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rynxs.api import Record

LOG = "log/"
WRITER_ID_SIZE = 16
OBJECT_SIZE_MAX = 64 * 1024 * 1024
_MAGIC = b"\xffRYNXB\x00\x01"
_FIELDS = struct.Struct(f">8sQII{WRITER_ID_SIZE}sI")
_CRC = struct.Struct(">I")
ENVELOPE_SIZE = _FIELDS.size + _CRC.size
_KEY = re.compile(r"log/([0-9]{20})", re.ASCII)


class Batch(NamedTuple):
    """A batch that was read: where it starts, and its records."""

    first_seq: int
    records: list[Record]

    @property
    def next_seq(self) -> int:
        """Seq of the record after the batch."""
        return self.first_seq + len(self.records)


def key_of(first_seq: int) -> str:
    """Return the key of the batch that starts with a seq; keys sort as seqs do."""
    return f"{LOG}{first_seq:020d}"


def seq_of(key: str) -> int:
    """Return the first seq that a key below ``log/`` names.

    Raises:
        SinkCorrupt: the key is not one of a batch.
    """
    matched = _KEY.fullmatch(key)
    if matched is None:
        raise SinkCorrupt(0, f"{key!r} is among the batches and is none")
    return int(matched[1])


def encode_object(first_seq: int, records: Sequence[Record], writer_id: bytes) -> bytes:
    """Return the object that holds a batch."""
    body = encode_body(records)
    fields = _FIELDS.pack(_MAGIC, first_seq, len(records), len(body), writer_id, crc32(body))
    return b"".join((fields, _CRC.pack(crc32(fields)), body))


def decode_object(first_seq: int, data: bytes) -> Batch:
    """Return the batch that an object holds.

    Raises:
        SinkCorrupt: it is not what was written under this key; names the record as far as can be
            told.
    """
    where = key_of(first_seq)
    if len(data) < ENVELOPE_SIZE:
        raise SinkCorrupt(first_seq, f"{where} is cut short, it has {len(data)} bytes")
    fields = data[: _FIELDS.size]
    magic, its_seq, count, body_size, _, body_crc = _FIELDS.unpack(fields)
    if magic != _MAGIC or _CRC.unpack_from(data, _FIELDS.size)[0] != crc32(fields):
        raise SinkCorrupt(first_seq, f"{where} holds no batch")
    if its_seq != first_seq or not 0 < count <= RECORDS_MAX:
        raise SinkCorrupt(first_seq, f"{where} holds the batch of {count} records from {its_seq}")
    body = data[ENVELOPE_SIZE:]
    if len(body) != body_size:
        raise SinkCorrupt(
            first_seq, f"{where} is of {len(data)} bytes, not {ENVELOPE_SIZE + body_size}"
        )
    return Batch(first_seq, _records(first_seq, body, body_crc, count))


def _records(first_seq: int, body: bytes, body_crc: int, count: int) -> list[Record]:
    where = key_of(first_seq)
    holds = crc32(body) == body_crc
    try:
        records = decode_body(body)
    except MalformedBatch as error:
        raise SinkCorrupt(first_seq, f"{where}: {error}") from None
    if not holds:
        raise SinkCorrupt(locate_damage(first_seq, records), f"{where} fails its checksum")
    if len(records) != count:
        raise SinkCorrupt(first_seq, f"{where} holds {len(records)} records, not {count}")
    return records
