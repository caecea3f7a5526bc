"""A segment: batches one after the other, each an envelope and a body.

Envelope, big-endian, 32 bytes: magic (8), first seq (8), count (4), body size (4), CRC-32 of the
body (4), CRC-32 of the 28 bytes before (4). The magic starts with a byte that UTF-8 does not have,
and a first seq is small, so no text in a payload can pass for an envelope.
"""

from __future__ import annotations

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
from rynxs_sink_file.files import read_all

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rynxs.api import Record

MAGIC = b"\xffRYNXS\x00\x01"
_FIELDS = struct.Struct(">8sQIII")
_CRC = struct.Struct(">I")
ENVELOPE_SIZE = _FIELDS.size + _CRC.size
_SEQ_LIMIT = 2**56


class Envelope(NamedTuple):
    """The head of a batch; `records` records from `first_seq` in `body_size` bytes."""

    first_seq: int
    records: int
    body_size: int
    body_crc: int

    @property
    def size(self) -> int:
        """Bytes of the whole batch."""
        return ENVELOPE_SIZE + self.body_size

    @property
    def next_seq(self) -> int:
        """Seq of the record after the batch."""
        return self.first_seq + self.records


def encode_batch(first_seq: int, records: Sequence[Record]) -> bytes:
    """Return the bytes of a batch."""
    body = encode_body(records)
    fields = _FIELDS.pack(MAGIC, first_seq, len(records), len(body), crc32(body))
    return b"".join((fields, _CRC.pack(crc32(fields)), body))


def parse_envelope(data: bytes) -> Envelope | None:
    """Return the envelope that `data` starts with, or None."""
    if len(data) < ENVELOPE_SIZE or not data.startswith(MAGIC):
        return None
    fields = data[: _FIELDS.size]
    if _CRC.unpack_from(data, _FIELDS.size)[0] != crc32(fields):
        return None
    _, first_seq, count, body_size, body_crc = _FIELDS.unpack(fields)
    if first_seq >= _SEQ_LIMIT or not 0 < count <= RECORDS_MAX:
        return None
    return Envelope(first_seq, count, body_size, body_crc)


def read_envelope(descriptor: int, offset: int) -> Envelope | None:
    """Return the envelope at an offset of a file, or None."""
    return parse_envelope(read_all(descriptor, ENVELOPE_SIZE, offset))


def body_holds(envelope: Envelope, body: bytes) -> bool:
    """Tell whether a body is whole and has its checksum."""
    return len(body) == envelope.body_size and crc32(body) == envelope.body_crc


def decode_batch(envelope: Envelope, body: bytes) -> list[Record]:
    """Return the records of a batch.

    Raises:
        SinkCorrupt: the body is not what was written; names the record as far as can be told.
    """
    last = envelope.next_seq - 1
    try:
        records = decode_body(body)
    except MalformedBatch as error:
        raise SinkCorrupt(
            envelope.first_seq, f"batch of records {envelope.first_seq} to {last}: {error}"
        ) from None
    if not body_holds(envelope, body):
        raise SinkCorrupt(
            locate_damage(envelope.first_seq, records),
            f"batch of records {envelope.first_seq} to {last} fails its checksum",
        )
    if len(records) != envelope.records:
        raise SinkCorrupt(
            envelope.first_seq, f"batch holds {len(records)} records, not {envelope.records}"
        )
    return records
