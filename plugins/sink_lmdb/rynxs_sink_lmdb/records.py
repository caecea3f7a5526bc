"""Records in the database: eight bytes of key, and a value that says when it is damaged.

A value, big-endian: CRC-32 (4 bytes) of all that follows, started from the lower half of the seq;
header size (2), salt size (1), form (1); header, salt, payload. Of a record in the form `ERASED`
only the header is left.
"""

from __future__ import annotations

import struct
from functools import partial
from typing import TYPE_CHECKING, Final
from zlib import crc32

import lmdb

from rynxs.api import ERASED, PRESENT, Record, SinkCorrupt

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from rynxs_sink_lmdb.environment import Snapshot

Item = tuple[bytes, bytes]
"""A key and a value."""

_KEY: Final = struct.Struct(">Q")
_CRC: Final = struct.Struct(">I")
_SIZES: Final = struct.Struct(">HBB")
_HEAD: Final = struct.Struct(">IHBB")
_SALT_SIZES: Final = (0, 16)
_LOWER_HALF: Final = 2**32 - 1
_CHUNK_RECORDS: Final = 1_000
_CHUNK_BYTES: Final = 8 * 1024 * 1024
# What `Record._make` does, without its check of the length, at the speed of C.
_make_record: Callable[[Iterable[bytes | None]], Record] = partial(tuple.__new__, Record)


def encode(start: int, records: Sequence[Record]) -> list[Item]:
    """Return the keys and values of records from `start` on."""
    key, crc, sizes, checksum = _KEY.pack, _CRC.pack, _SIZES.pack, crc32
    items = []
    for seq, (header, salt, payload) in enumerate(records, start):
        if payload is None:
            body = sizes(len(header), 0, ERASED) + header
        else:
            body = sizes(len(header), len(salt), PRESENT) + header + salt + payload
        items.append((key(seq), crc(checksum(body, seq & _LOWER_HALF)) + body))
    return items


def decode(start: int, items: Iterable[Item]) -> Iterator[Record]:
    """Yield the records from `start` on that are stored as `items`.

    Raises:
        SinkCorrupt: an item is not the next record, or is damaged.
    """
    unpack, key_of, checksum = _HEAD.unpack_from, _KEY.pack, crc32
    for seq, (key, value) in enumerate(items, start):
        if key != key_of(seq):
            raise SinkCorrupt(seq, f"missing: the next record is under key {key.hex()}")
        try:
            found, header_size, salt_size, form = unpack(value)
        except struct.error:
            raise SinkCorrupt(seq, f"is cut, {len(value)} bytes are stored") from None
        if checksum(value[_CRC.size :], seq & _LOWER_HALF) != found:
            raise SinkCorrupt(seq, "fails its checksum")
        salt_start = _HEAD.size + header_size
        payload_start = salt_start + salt_size
        if payload_start > len(value) or salt_size not in _SALT_SIZES or form > ERASED:
            raise SinkCorrupt(seq, "has sizes or a form that no record has")
        payload = value[payload_start:] if form == PRESENT else None
        if payload is None and salt_start != len(value):
            raise SinkCorrupt(seq, "is erased, and more than its header is stored")
        yield _make_record(
            (value[_HEAD.size : salt_start], value[salt_start:payload_start], payload)
        )


def key_of(seq: int) -> bytes:
    """Return the key of a record."""
    return _KEY.pack(seq)


def get(seq: int, snapshot: Snapshot) -> Record:
    """Return one record.

    Raises:
        SinkCorrupt: it is damaged, or not there.
    """
    value = snapshot.txn.get(key_of(seq), db=snapshot.records)
    if value is None:
        raise SinkCorrupt(seq, "missing")
    (record,) = decode(seq, [(key_of(seq), value)])
    return record


def without_payload(item: Item) -> Item:
    """Return what is stored of a record once its payload is erased; it is checked before."""
    (seq,) = _KEY.unpack(item[0])
    (record,) = decode(seq, [item])
    return encode(seq, [Record(record.header, b"", None)])[0]


def count(snapshot: Snapshot) -> int:
    """Return the number of records, as the last key gives it.

    Raises:
        SinkCorrupt: there are more or fewer.
    """
    size = _end(snapshot)
    entries = snapshot.txn.stat(snapshot.records)["entries"]
    if entries != size:
        raise SinkCorrupt(
            min(size, entries), f"{entries} records are stored, but the last is number {size - 1}"
        )
    return size


def fetch(start: int, stop: int | None, snapshot: Snapshot) -> tuple[list[Item], int]:
    """Return some of the items from `start` to `stop`, and the number of records.

    At least one if there is one; and no more than a short transaction can read.
    """
    end = _end(snapshot)
    most = min(end if stop is None else stop, end, start + _CHUNK_RECORDS) - start
    items: list[Item] = []
    if most <= 0:
        return items, end
    room = _CHUNK_BYTES
    cursor = snapshot.txn.cursor(snapshot.records)
    cursor.set_range(_KEY.pack(start))
    try:
        for item in cursor.iternext():
            items.append(item)
            room -= len(item[1])
            if len(items) == most or room <= 0:
                break
    except lmdb.Error:
        if not items:  # else the next transaction will meet it first
            raise
    return items, end


def _end(snapshot: Snapshot) -> int:
    cursor = snapshot.txn.cursor(snapshot.records)
    if not cursor.last():
        return 0
    key = cursor.key()
    if len(key) != _KEY.size:
        raise SinkCorrupt(0, f"a key is {key.hex()}, and not {_KEY.size} bytes long")
    return int(_KEY.unpack(key)[0]) + 1
