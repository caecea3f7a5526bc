# ruff: noqa: PT017 - of what is refused, something is promised too
"""Targets: what the S3 sink reads of a bucket (docs/FORMAT.md, section 15)."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final
from zlib import crc32

from rynxs.errors import SinkCorrupt
from rynxs.testing.histories import history
from rynxs_sink_s3 import batch_object, hint
from tests.fuzz.target import Target

if TYPE_CHECKING:
    from rynxs_sink_s3.batch_object import Batch

_FIRST: Final = 7
_WRITER: Final = b"sixteen bytes id"
_BODY_AT: Final = batch_object.ENVELOPE_SIZE
_COUNT: Final = struct.Struct(">HB")


def whole(data: bytes) -> None:
    """An object is corrupt, or the one encoding of its batch."""
    try:
        found = batch_object.decode_object(_FIRST, data)
    except SinkCorrupt as corrupt:
        assert corrupt.seq >= _FIRST
        return
    _check(found, data)
    assert batch_object.writer_of(data) == found.writer_id


def body(data: bytes) -> None:
    """Within a proper envelope, a body is corrupt or the one encoding of its rows.

    An input is the number of records in two bytes, one that tells whether the checksum holds, and
    the body.
    """
    if len(data) < _COUNT.size:
        return
    count, broken = _COUNT.unpack_from(data)
    held = data[_COUNT.size :]
    fields = batch_object._FIELDS.pack(
        batch_object._MAGIC, _FIRST, count, len(held), _WRITER, crc32(held) ^ broken
    )
    whole(fields + crc32(fields).to_bytes(4, "big") + held)


def _check(found: Batch, data: bytes) -> None:
    encoded = batch_object.encode_object(_FIRST, found.records, found.writer_id, found.detached)
    assert encoded == data
    for seq, key in found.detached.items():
        assert found.records[seq - _FIRST].payload is None
        assert key.startswith(batch_object.payloads_of(seq))
    again = hint.decode_hint(hint.encode_hint(hint.hint_of(found)))
    assert again is not None
    assert again.fits(found)


def tail_hint(data: bytes) -> None:
    """A hint is none, or survives being written."""
    found = hint.decode_hint(data)
    if found is not None:
        assert hint.decode_hint(hint.encode_hint(found)) == found


def batch_key(data: bytes) -> None:
    """A key is no batch's, or the one key of a seq."""
    key = batch_object.LOG + data.decode(errors="replace")
    try:
        seq = batch_object.seq_of(key)
    except SinkCorrupt:
        return
    assert batch_object.key_of(seq) == key


def _objects() -> list[bytes]:
    records = history(_FIRST + 3)[_FIRST:]
    salted = [seq for seq, record in enumerate(records, _FIRST) if record.salt]
    assert salted
    return [
        batch_object.encode_object(_FIRST, records, _WRITER),
        batch_object.encode_object(_FIRST, records, _WRITER, salted),
    ]


def _bodies() -> list[bytes]:
    return [
        _COUNT.pack(count, broken) + each[_BODY_AT:]
        for each in _objects()
        for count, broken in ((3, 0), (3, 1), (2, 0))
    ]


def _hints() -> list[bytes]:
    batch = batch_object.decode_object(_FIRST, _objects()[0])
    return [hint.encode_hint(hint.hint_of(batch)), b'{"first": 0, "head": "", "records": 1}']


TARGETS: Final = (
    Target("batch-object", whole, _objects),
    Target("batch-body", body, _bodies),
    Target("hint", tail_hint, _hints, lambda: [b'"first": ', b'"records": ', b'"head": ', b"1e3"]),
    Target("batch-key", batch_key, lambda: [b"0" * 20, b"1" * 20]),
)
