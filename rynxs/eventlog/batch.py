"""The batch body: records laid out in columns, so that a batch is cut apart at the speed of C.

Layout, all numbers big-endian: count (4 bytes), a table of `count` rows (header size 2 bytes,
salt size 1, form 1, payload size 4), the headers, then each record's salt and payload. A row's form
says where the payload is: `PRESENT` is in the body, `ERASED` is nowhere. A sink that keeps payloads
elsewhere may have a form of its own, of which the body holds the header alone (`encode_rows`).
How a body is found and protected on the medium (envelope, checksum) is the sink's business.
"""

from __future__ import annotations

import struct
from functools import partial
from itertools import accumulate, chain, pairwise
from typing import TYPE_CHECKING

from rynxs.eventlog.record import PAYLOAD_SIZE_MAX, SALT_SIZE, Record

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence

RECORDS_MAX = 1_000
PRESENT = 0
ERASED = 1
_COUNT = struct.Struct(">I")
_ROW_FORMAT = "HBBI"
_ROW = struct.Struct(">" + _ROW_FORMAT)
# What `Record._make` does, without its check of the length, at the speed of C.
_make_record: Callable[[Iterable[bytes | None]], Record] = partial(tuple.__new__, Record)


class MalformedBatch(ValueError):
    """The bytes are not a batch body."""


def encode_body(records: Sequence[Record]) -> bytes:
    """Return the body that holds `records`, at least one and at most `RECORDS_MAX`."""
    return encode_rows(records, [ERASED if record[2] is None else PRESENT for record in records])


def encode_rows(records: Sequence[Record], forms: Sequence[int]) -> bytes:
    """Return the body that holds `records` in the given forms, one a record.

    A record of another form than `PRESENT` has no payload and no salt here.
    """
    assert 0 < len(records) <= RECORDS_MAX, len(records)
    if any(forms):
        held = zip(records, forms, strict=True)
        assert not any(form and (salt or payload) for (_, salt, payload), form in held)
    pack = _ROW.pack
    parts = [_COUNT.pack(len(records))]
    parts += [
        pack(len(header), len(salt), form, len(payload or b""))
        for (header, salt, payload), form in zip(records, forms, strict=True)
    ]
    parts += [record[0] for record in records]
    parts += chain.from_iterable((salt, payload or b"") for _, salt, payload in records)
    return b"".join(parts)


def decode_body(body: bytes) -> list[Record]:
    """Return the records of a body.

    Raises:
        MalformedBatch: a size or a form is wrong, or bytes are missing or left over.
    """
    return decode_rows(body, (PRESENT, ERASED))[0]


def decode_rows(body: bytes, known: Collection[int]) -> tuple[list[Record], Sequence[int]]:
    """Return the records of a body and their forms; only those `PRESENT` have their payload.

    Args:
        body: the bytes.
        known: the forms that may occur.

    Raises:
        MalformedBatch: a size or a form is wrong, or bytes are missing or left over.
    """
    if len(body) < _COUNT.size:
        raise MalformedBatch("shorter than its count")
    (count,) = _COUNT.unpack_from(body)
    table_end = _COUNT.size + count * _ROW.size
    if not 0 < count <= RECORDS_MAX or table_end > len(body):
        raise MalformedBatch(f"count {count} does not fit {len(body)} bytes")
    table = struct.unpack_from(">" + _ROW_FORMAT * count, body, _COUNT.size)
    header_sizes, salt_sizes, forms, payload_sizes = (table[place::4] for place in range(4))
    if not {*forms} <= {*known} or not {*salt_sizes} <= {0, SALT_SIZE}:
        raise MalformedBatch("form or salt size that version 1 does not know")
    if max(payload_sizes) > PAYLOAD_SIZE_MAX:
        raise MalformedBatch(f"payload over {PAYLOAD_SIZE_MAX} bytes")
    headers_end = table_end + sum(header_sizes)
    if headers_end + sum(salt_sizes) + sum(payload_sizes) != len(body):
        raise MalformedBatch("sizes do not add up")
    headers = _cut(body, table_end, header_sizes)
    payloads: list[bytes | None]
    if any(salt_sizes):
        interleaved = chain.from_iterable(zip(salt_sizes, payload_sizes, strict=True))
        contents = _cut(body, headers_end, tuple(interleaved))
        salts, payloads = contents[::2], [*contents[1::2]]
    else:
        salts, payloads = [b""] * count, [*_cut(body, headers_end, payload_sizes)]
    if any(forms):
        _leave_out(payloads, forms, zip(salt_sizes, payload_sizes, strict=True))
    return list(map(_make_record, zip(headers, salts, payloads, strict=True))), forms


def _leave_out(
    payloads: list[bytes | None], forms: Sequence[int], sizes: Iterable[tuple[int, int]]
) -> None:
    """Set to None the payloads that the body does not hold.

    Raises:
        MalformedBatch: it holds something of one.
    """
    for place, (form, held) in enumerate(zip(forms, sizes, strict=True)):
        if form == PRESENT:
            continue
        if held != (0, 0):
            raise MalformedBatch(f"a row of form {form} with a salt or a payload")
        payloads[place] = None


def _cut(body: bytes, start: int, sizes: Sequence[int]) -> list[bytes]:
    ends = list(accumulate(sizes, initial=start))
    return [body[low:high] for low, high in pairwise(ends)]
