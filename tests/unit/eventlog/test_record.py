from __future__ import annotations

from hashlib import sha256
from typing import Any

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rynxs.errors import UsageError
from rynxs.eventlog import record
from rynxs.eventlog.record import Header, MalformedHeader

NUMBERS = st.integers(0, record.FIELD_MAX)
HEADERS = st.builds(
    Header,
    st.just(1),
    NUMBERS,
    NUMBERS,
    NUMBERS,
    st.binary(min_size=32, max_size=32),
    st.from_regex(r"[A-Z][A-Za-z0-9]{0,62}", fullmatch=True),
    st.sampled_from(["", "universe.ai/Agent/default/a", "universe.ai/Universe/u"]),
    st.binary(min_size=32, max_size=32),
    NUMBERS,
    st.none() | NUMBERS,
)
GOOD = Header(1, 7, 1, 5, bytes(32), "AgentObserved", "g.ai/Agent/n/a", bytes(32), 3, None)


@given(HEADERS)
def test_a_header_survives_encoding_and_decoding(header: Header) -> None:
    assert record.decode_header(record.encode_header(header)) == header


@given(HEADERS, st.integers(0, 2**32))
def test_a_header_with_one_byte_changed_is_refused_or_another_header(
    header: Header, place: int
) -> None:
    encoded = bytearray(record.encode_header(header))
    encoded[place % len(encoded)] ^= 1 << place % 8
    try:
        changed = record.decode_header(bytes(encoded))
    except MalformedHeader:
        return
    assert changed != header
    assert record.encode_header(changed) == bytes(encoded)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"version": 2}, "version"),
        ({"version": True}, "version"),
        ({"seq": True}, "seq"),
        ({"seq": 7.0}, "seq"),
        ({"seq": -1}, "seq"),
        ({"epoch": 2**63}, "epoch"),
        ({"time_us": "5"}, "time_us"),
        ({"previous": bytes(31)}, "previous"),
        ({"payload_hash": "0" * 32}, "payload_hash"),
        ({"kind": "agentObserved"}, "kind"),
        ({"kind": "A" * 64}, "kind"),
        ({"subject": "a b"}, "subject"),
        ({"subject": None}, "subject"),
        ({"subject": "only/two"}, "subject"),
        ({"cause": -1}, "cause"),
        ({"cause": False}, "cause"),
        ({"payload_size": None}, "payload_size"),
    ],
)
def test_a_header_with_an_ill_typed_member_is_refused(change: dict[str, Any], reason: str) -> None:
    encoded = cbor2.dumps(tuple(GOOD._replace(**change)), canonical=True)
    with pytest.raises(MalformedHeader, match=reason):
        record.decode_header(encoded)


def test_a_header_in_another_form_is_refused_with_a_reason() -> None:
    good = record.encode_header(GOOD)
    long_number = good.replace(b"\x8a\x01\x07", b"\x8a\x01\x18\x07", 1)
    indefinite = b"\x9f" + good[1:] + b"\xff"
    extra = b"\x8b" + good[1:] + b"\x00"
    missing = b"\x89" + good[1:-1]
    for changed, reason in (
        (long_number, "not in deterministic form"),
        (indefinite, "not in deterministic form"),
        (extra, "not an array of 10 members"),
        (missing, "not an array of 10 members"),
        (good + b"\x00", "not in deterministic form"),
        (good[:-1], "not CBOR"),
        (b"", "not CBOR"),
        (b"\xa0", "not an array of 10 members"),
        (b"\x6a" + bytes(10), "not an array of 10 members"),
    ):
        with pytest.raises(MalformedHeader, match=reason):
            record.decode_header(changed)


def test_the_leaf_hash_is_that_of_rfc_9162() -> None:
    assert record.leaf_hash(b"header") == sha256(b"\x00header").digest()


def test_the_payload_hash_commits_to_the_length_of_the_salt() -> None:
    salted = record.payload_hash(b"s" * 16, b"payload")
    assert salted == sha256(b"\x10" + b"s" * 16 + b"payload").digest()
    assert salted != record.payload_hash(b"", b"s" * 16 + b"payload")


def test_names_that_a_header_does_not_allow_are_refused_by_name() -> None:
    record.check_names("AgentObserved", "")
    with pytest.raises(UsageError, match="lower"):
        record.check_names("lower", "")
    with pytest.raises(UsageError, match="no slash"):
        record.check_names("Kind", "no slash")
