"""A batch as an object: an envelope and a body, under a key that says its first seq.

Envelope, big-endian, 48 bytes: magic (8), first seq (8), count (4), body size (4), writer id (16),
CRC-32 of the body (4), CRC-32 of the 44 bytes before (4). The writer id is random for each opening
of a log; no part of the records, it tells a writer's own object from one of equal records.

A row of form `DETACHED` has its header in the body, and salt and payload in an object of their own
(`rynxs_sink_s3.payloads`), whose key follows from seq, payload hash and writer id.
"""

from __future__ import annotations

import re
import struct
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, NamedTuple
from zlib import crc32

from rynxs.api import (
    ERASED,
    PRESENT,
    RECORDS_MAX,
    MalformedBatch,
    MalformedHeader,
    Record,
    SinkCorrupt,
    decode_header,
    decode_rows,
    encode_rows,
    locate_damage,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

LOG = "log/"
PAYLOADS = "payload/"
DETACHED: Final = 2  # the form of a row
WRITER_ID_SIZE = 16
OBJECT_SIZE_MAX = 64 * 1024 * 1024
_MAGIC = b"\xffRYNXB\x00\x01"
_FIELDS = struct.Struct(f">8sQII{WRITER_ID_SIZE}sI")
_CRC = struct.Struct(">I")
ENVELOPE_SIZE = _FIELDS.size + _CRC.size
_KEY = re.compile(r"log/([0-9]{20})", re.ASCII)


class Batch(NamedTuple):
    """A batch that was read.

    Attributes:
        first_seq: where it starts.
        records: those whose payload is detached have none here.
        detached: the key of each detached payload, by seq.
        writer_id: of the writer that made it.
        etag: of the object.
    """

    first_seq: int
    records: list[Record]
    detached: Mapping[int, str] = MappingProxyType({})
    writer_id: bytes = bytes(WRITER_ID_SIZE)
    etag: str = ""

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


def payload_key(seq: int, payload_hash: bytes, writer_id: bytes) -> str:
    """Return the key of a detached payload.

    The hash makes the bytes a function of the key, so that a PUT that is repeated or arrives late
    changes nothing. The writer id keeps writers apart that race for one seq, though they may log
    the same bytes: who has lost may delete what it put, and the winner's is not touched.
    """
    return f"{payloads_of(seq)}{payload_hash.hex()}-{writer_id.hex()}"


def payloads_of(seq: int) -> str:
    """Return what the keys of all payloads that were put for a seq start with."""
    return f"{PAYLOADS}{seq:020d}-"


def encode_object(
    first_seq: int, records: Sequence[Record], writer_id: bytes, detached: Collection[int] = ()
) -> bytes:
    """Return the object that holds a batch, but for the payloads of the seqs that are detached."""
    rows, forms = [], []
    for seq, record in enumerate(records, first_seq):
        is_detached = seq in detached
        rows.append(Record(record.header, b"", None) if is_detached else record)
        held = ERASED if record.payload is None else PRESENT
        forms.append(DETACHED if is_detached else held)
    body = encode_rows(rows, forms)
    fields = _FIELDS.pack(_MAGIC, first_seq, len(rows), len(body), writer_id, crc32(body))
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
    magic, its_seq, count, body_size, writer_id, body_crc = _FIELDS.unpack(fields)
    if magic != _MAGIC or _CRC.unpack_from(data, _FIELDS.size)[0] != crc32(fields):
        raise SinkCorrupt(first_seq, f"{where} holds no batch")
    if its_seq != first_seq or not 0 < count <= RECORDS_MAX:
        raise SinkCorrupt(first_seq, f"{where} holds the batch of {count} records from {its_seq}")
    body = data[ENVELOPE_SIZE:]
    if len(body) != body_size:
        raise SinkCorrupt(
            first_seq, f"{where} is of {len(data)} bytes, not {ENVELOPE_SIZE + body_size}"
        )
    records, forms = _rows(first_seq, body, body_crc, count)
    detached = {
        seq: _payload_key(seq, record, writer_id)
        for seq, record, form in zip(
            range(first_seq, first_seq + count), records, forms, strict=True
        )
        if form == DETACHED
    }
    return Batch(first_seq, records, detached, writer_id)


def writer_of(data: bytes) -> bytes | None:
    """Return the id of the writer that made an object, None when it has no sound envelope."""
    fields = data[: _FIELDS.size]
    if len(data) < ENVELOPE_SIZE or _CRC.unpack_from(data, _FIELDS.size)[0] != crc32(fields):
        return None
    writer_id: bytes = _FIELDS.unpack(fields)[4]
    return writer_id


def _rows(
    first_seq: int, body: bytes, body_crc: int, count: int
) -> tuple[list[Record], Sequence[int]]:
    where = key_of(first_seq)
    holds = crc32(body) == body_crc
    try:
        records, forms = decode_rows(body, (PRESENT, ERASED, DETACHED))
    except MalformedBatch as error:
        raise SinkCorrupt(first_seq, f"{where}: {error}") from None
    if not holds:
        raise SinkCorrupt(locate_damage(first_seq, records), f"{where} fails its checksum")
    if len(records) != count:
        raise SinkCorrupt(first_seq, f"{where} holds {len(records)} records, not {count}")
    return records, forms


def _payload_key(seq: int, record: Record, writer_id: bytes) -> str:
    try:
        return payload_key(seq, decode_header(record.header).payload_hash, writer_id)
    except MalformedHeader as error:
        raise SinkCorrupt(seq, f"{error}, so that its payload can't be found") from None
