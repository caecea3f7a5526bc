"""A batch as an object: its layout, and that whatever was changed is found and located."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any
from zlib import crc32

import pytest

from rynxs.api import Record, SinkCorrupt, decode_header, encode_body
from rynxs.testing.histories import history
from rynxs_sink_s3.batch_object import (
    ENVELOPE_SIZE,
    Batch,
    decode_object,
    encode_object,
    key_of,
    seq_of,
    writer_of,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

FIRST, COUNT = 4, 3
RECORDS = list(history(FIRST + COUNT)[FIRST:])
BODY = encode_body(RECORDS)
WRITER_ID = bytes(range(16))
DATA = encode_object(FIRST, RECORDS, WRITER_ID)


def _enveloped(body: bytes = BODY, magic: bytes = b"\xffRYNXB\x00\x01", **changed: int) -> bytes:
    """Return an object whose checksums hold, as docs/FORMAT.md lays it out."""
    numbers = {"seq": FIRST, "count": COUNT, "size": len(body), "crc": crc32(body)} | changed
    fields = magic + struct.pack(">QII", numbers["seq"], numbers["count"], numbers["size"])
    fields += WRITER_ID + struct.pack(">I", numbers["crc"])
    return fields + struct.pack(">I", crc32(fields)) + body


def test_an_object_is_laid_out_as_the_format_says() -> None:
    assert _enveloped() == DATA
    assert decode_object(FIRST, DATA) == Batch(FIRST, RECORDS, {}, WRITER_ID)


def test_a_detached_payload_is_not_in_the_batch_which_says_where_it_is() -> None:
    personal = RECORDS[0]
    assert personal.salt
    assert personal.payload is not None
    data = encode_object(FIRST, RECORDS, WRITER_ID, {FIRST})
    assert personal.salt not in data
    assert personal.payload not in data
    row = struct.pack(">HBBI", len(personal.header), 0, 2, 0)
    assert data[ENVELOPE_SIZE + 4 : ENVELOPE_SIZE + 12] == row
    digest = decode_header(personal.header).payload_hash
    batch = decode_object(FIRST, data)
    assert batch.records == [Record(personal.header, b"", None), *RECORDS[1:]]
    assert batch.detached == {
        FIRST: f"payload/{FIRST:020d}-{digest.hex()}-{WRITER_ID.hex()}",
    }


def test_a_batch_that_is_encoded_again_is_what_it_was_but_for_what_was_erased() -> None:
    batch = decode_object(FIRST, encode_object(FIRST, RECORDS, WRITER_ID, {FIRST}))
    again = encode_object(FIRST, batch.records, batch.writer_id, batch.detached)
    assert decode_object(FIRST, again) == batch
    batch.records[1] = Record(RECORDS[1].header, b"", None)
    erased = encode_object(FIRST, batch.records, batch.writer_id, batch.detached)
    assert decode_object(FIRST, erased) == batch


@pytest.mark.parametrize("size", [0, 5, ENVELOPE_SIZE - 1])
def test_what_has_no_sound_envelope_has_no_writer(size: int) -> None:
    assert writer_of(DATA) == WRITER_ID
    assert writer_of(DATA[:size]) is None
    assert writer_of(b"x" + DATA[1:]) is None


def test_a_detached_row_with_a_header_that_is_none_is_corrupt_there() -> None:
    bad = Record(b"no header", b"", None)
    with pytest.raises(SinkCorrupt, match="can't be found") as caught:
        decode_object(FIRST, encode_object(FIRST, [RECORDS[0], bad], WRITER_ID, {FIRST + 1}))
    assert caught.value.seq == FIRST + 1


def test_a_batch_knows_the_seq_after_it() -> None:
    assert decode_object(FIRST, DATA).next_seq == FIRST + COUNT


@pytest.mark.parametrize("seq", [0, 1, 10**6, 2**63 - 1])
def test_keys_name_the_first_seq_and_sort_as_seqs_do(seq: int) -> None:
    assert key_of(seq) == f"log/{seq:020d}"
    assert seq_of(key_of(seq)) == seq
    assert key_of(seq) < key_of(seq + 1)


@pytest.mark.parametrize(
    "key",
    [
        *("hint", "log/", "log/1", "log/x", f"log/+{0:019d}", f"log/{0:021d}", f"log/{0:020d}x"),
        *(f"log/{0:020d}/x", f"log/{0:019d}\n", f"log/{0:020d}\n", "log/" + "\u0660" * 20),
    ],
)
def test_a_key_of_any_other_form_is_corrupt(key: str) -> None:
    with pytest.raises(SinkCorrupt, match="is among the batches and is none"):
        seq_of(key)


def test_one_flipped_bit_anywhere_is_found_and_blamed_on_the_record_that_holds_it() -> None:
    culprits = _culprits()
    assert len(culprits) == len(DATA)
    for place, byte in enumerate(DATA):
        damaged = DATA[:place] + bytes((byte ^ 1 << place % 8,)) + DATA[place + 1 :]
        with pytest.raises(SinkCorrupt) as caught:
            decode_object(FIRST, damaged)
        assert caught.value.seq in culprits[place], place


def _culprits() -> Sequence[set[int]]:
    """Return, for each byte, the seqs that a flip in it may be blamed on."""
    blamed = [{FIRST}] * (ENVELOPE_SIZE + 4 + 8 * COUNT)
    for owner, record in enumerate(RECORDS, FIRST):
        header = [{owner}] * len(record.header)
        if owner > FIRST:
            # Either end of a link between two records may be the damaged one.
            place = record.header.index(decode_header(record.header).previous)
            header[place : place + 32] = [{owner - 1, owner}] * 32
        blamed += header
    for owner, record in enumerate(RECORDS, FIRST):
        blamed += [{owner}] * len(record.salt + (record.payload or b""))
    return blamed


def test_an_object_cut_anywhere_or_extended_is_found() -> None:
    for size in range(len(DATA)):
        with pytest.raises(SinkCorrupt) as caught:
            decode_object(FIRST, DATA[:size])
        assert caught.value.seq == FIRST
    with pytest.raises(SinkCorrupt, match=rf"{len(DATA) + 1} bytes, not {len(DATA)}"):
        decode_object(FIRST, DATA + b"x")


@pytest.mark.parametrize(
    ("made", "told"),
    [
        ({"seq": FIRST + 1}, "holds the batch of 3 records from 5"),
        ({"count": 0}, "holds the batch of 0 records"),
        ({"count": 1_001}, "holds the batch of 1001 records"),
        ({"count": COUNT + 1}, "holds 3 records, not 4"),
        ({"crc": 0}, "fails its checksum"),
        ({"magic": b"\xffRYNXB\x00\x02"}, "holds no batch"),
        ({"body": b""}, "shorter than its count"),
        ({"body": BODY[:-1]}, "sizes do not add up"),
        ({"body": b"\x00" * len(BODY)}, "count 0"),
    ],
)
def test_an_envelope_that_does_not_fit_is_found_though_its_checksum_holds(
    made: dict[str, Any], told: str
) -> None:
    with pytest.raises(SinkCorrupt, match=told) as caught:
        decode_object(FIRST, _enveloped(**made))
    assert caught.value.seq in range(FIRST, FIRST + COUNT)
    assert key_of(FIRST) in str(caught.value)
