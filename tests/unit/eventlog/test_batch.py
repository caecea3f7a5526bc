from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rynxs.eventlog.batch import (
    ERASED,
    PRESENT,
    RECORDS_MAX,
    MalformedBatch,
    decode_body,
    decode_rows,
    encode_body,
    encode_rows,
)
from rynxs.eventlog.record import PAYLOAD_SIZE_MAX, Record

HEADERS = st.binary(max_size=40)
RECORDS = st.lists(
    st.builds(
        Record,
        HEADERS,
        st.sampled_from([b"", b"0123456789abcdef"]),
        st.binary(max_size=40),
    )
    | st.builds(Record, HEADERS, st.just(b""), st.none()),
    min_size=1,
    max_size=20,
)


@given(RECORDS)
def test_records_survive_a_batch_body(records: list[Record]) -> None:
    assert decode_body(encode_body(records)) == records


@given(RECORDS, st.integers(0, 2**20))
def test_a_body_cut_short_or_with_bytes_left_over_is_refused(
    records: list[Record], place: int
) -> None:
    body = encode_body(records)
    for damaged in (body[: place % len(body)], body + b"\x00"):
        with pytest.raises(MalformedBatch):
            decode_body(damaged)


@given(st.binary(max_size=200))
def test_arbitrary_bytes_are_a_body_or_refused(data: bytes) -> None:
    try:
        records = decode_body(data)
    except MalformedBatch:
        return
    assert encode_body(records) == data


def test_what_version_one_does_not_know_is_refused_with_a_reason() -> None:
    body = encode_body([Record(b"h", b"", b"p")])
    other_form = body[:7] + b"\x02" + body[8:]
    erased_and_there = body[:7] + b"\x01" + body[8:]
    salt = encode_body([Record(b"h", b"0123456789abcdef", b"")])
    erased_and_salted = salt[:7] + b"\x01" + salt[8:]
    salt_of_three = body[:6] + b"\x03" + body[7:] + b"abc"
    huge_payload = body[:8] + (PAYLOAD_SIZE_MAX + 1).to_bytes(4, "big") + body[12:]
    none = b"\x00\x00\x00\x00"
    for damaged, reason in (
        (other_form, "form or salt size"),
        (salt_of_three, "form or salt size"),
        (erased_and_there, "form 1 with a salt or a payload"),
        (erased_and_salted, "form 1 with a salt or a payload"),
        (huge_payload, "payload over 4194304 bytes"),
        (none, "count 0 does not fit 4 bytes"),
        (none[:3], "shorter than its count"),
        (body + b"\x00", "sizes do not add up"),
    ):
        with pytest.raises(MalformedBatch, match=reason):
            decode_body(damaged)


def test_a_sink_may_have_a_form_of_its_own_of_which_the_body_holds_the_header() -> None:
    records = [Record(b"h", b"", b"p"), Record(b"g", b"", None), Record(b"f", b"", None)]
    forms = (PRESENT, 7, ERASED)
    body = encode_rows(records, forms)
    assert decode_rows(body, {PRESENT, ERASED, 7}) == (records, forms)
    with pytest.raises(MalformedBatch):
        decode_body(body)


def test_the_largest_batch_and_the_largest_payload_survive() -> None:
    most = [Record(b"h", b"", b"p")] * RECORDS_MAX
    assert decode_body(encode_body(most)) == most
    largest = [Record(b"h", b"", bytes(PAYLOAD_SIZE_MAX))]
    assert decode_body(encode_body(largest)) == largest
