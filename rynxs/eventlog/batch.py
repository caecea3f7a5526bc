"""The batch body: records laid out in columns, so that a batch is cut apart at the speed of C.

Layout, all numbers big-endian: count (4 bytes), a table of `count` rows (header size 2 bytes,
salt size 1, reserved 1, payload size 4), the headers, then each record's salt and payload.
How a body is found and protected on the medium (envelope, checksum) is the sink's business.
"""

from __future__ import annotations

import struct
from functools import partial
from itertools import accumulate, chain, pairwise
from typing import TYPE_CHECKING

from rynxs.eventlog.record import PAYLOAD_SIZE_MAX, SALT_SIZE, Record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

RECORDS_MAX = 1_000
_COUNT = struct.Struct(">I")
_ROW_FORMAT = "HBBI"
_ROW = struct.Struct(">" + _ROW_FORMAT)
# What `Record._make` does, without its check of the length, at the speed of C.
_make_record: Callable[[Iterable[bytes]], Record] = partial(tuple.__new__, Record)


class MalformedBatch(ValueError):
    """The bytes are not a batch body."""


def encode_body(records: Sequence[Record]) -> bytes:
    """Return the body that holds `records`, at least one and at most `RECORDS_MAX`."""
    assert 0 < len(records) <= RECORDS_MAX, len(records)
    pack = _ROW.pack
    parts = [_COUNT.pack(len(records))]
    parts += [pack(len(header), len(salt), 0, len(payload)) for header, salt, payload in records]
    parts += [record[0] for record in records]
    parts += chain.from_iterable((salt, payload) for _, salt, payload in records)
    return b"".join(parts)


def decode_body(body: bytes) -> list[Record]:
    """Return the records of a body.

    Raises:
        MalformedBatch: a size or a reserved byte is wrong, or bytes are missing or left over.
    """
    if len(body) < _COUNT.size:
        raise MalformedBatch("shorter than its count")
    (count,) = _COUNT.unpack_from(body)
    table_end = _COUNT.size + count * _ROW.size
    if not 0 < count <= RECORDS_MAX or table_end > len(body):
        raise MalformedBatch(f"count {count} does not fit {len(body)} bytes")
    table = struct.unpack_from(">" + _ROW_FORMAT * count, body, _COUNT.size)
    header_sizes, salt_sizes, reserved, payload_sizes = (table[place::4] for place in range(4))
    if any(reserved) or not {*salt_sizes} <= {0, SALT_SIZE}:
        raise MalformedBatch("reserved byte or salt size that version 1 does not know")
    if max(payload_sizes) > PAYLOAD_SIZE_MAX:
        raise MalformedBatch(f"payload over {PAYLOAD_SIZE_MAX} bytes")
    headers_end = table_end + sum(header_sizes)
    if headers_end + sum(salt_sizes) + sum(payload_sizes) != len(body):
        raise MalformedBatch("sizes do not add up")
    headers = _cut(body, table_end, header_sizes)
    if any(salt_sizes):
        interleaved = chain.from_iterable(zip(salt_sizes, payload_sizes, strict=True))
        contents = _cut(body, headers_end, tuple(interleaved))
        salts, payloads = contents[::2], contents[1::2]
    else:
        salts, payloads = [b""] * count, _cut(body, headers_end, payload_sizes)
    return list(map(_make_record, zip(headers, salts, payloads, strict=True)))


def _cut(body: bytes, start: int, sizes: Sequence[int]) -> list[bytes]:
    ends = list(accumulate(sizes, initial=start))
    return [body[low:high] for low, high in pairwise(ends)]
