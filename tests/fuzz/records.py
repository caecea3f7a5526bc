# ruff: noqa: PT017 - of what is refused, something is promised too
"""Targets: headers, payloads, batch bodies, the chain of records (docs/FORMAT.md, 2 to 5, 9)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from rynxs.errors import LogCorrupt, ValueRefused
from rynxs.eventlog import batch, canonical, cbor
from rynxs.eventlog import record as rec
from rynxs.eventlog.chain import Chain
from rynxs.eventlog.record import MalformedHeader
from rynxs.testing.histories import history
from tests.fuzz.target import Target

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rynxs.eventlog.record import Record

_HEADER_SIZE_MAX: Final = 1_198  # docs/FORMAT.md, section 4
_VALUES: Final[tuple[dict[str, Any], ...]] = (
    {},
    {"a": [1, -1, 2**64 - 1, -(2**63), True, None], "é": "ü", "z": {"deep": [[[{}]]]}},
    {"half": 1.5, "single": 100_000.0, "double": 1.1, "negative zero": -0.0},
)


def item(data: bytes) -> None:
    """An item of CBOR decodes, or raises one of the errors that stand beside the decoder."""
    try:
        cbor.loads(data)
    except cbor.DECODE_ERRORS:
        return


def header(data: bytes) -> None:
    """A header is malformed, or the one encoding of its members."""
    try:
        found = rec.decode_header(data)
    except MalformedHeader:
        return
    assert rec.encode_header(found) == data
    assert len(data) <= _HEADER_SIZE_MAX
    rec.check_names(found.kind, found.subject)


def payload(data: bytes) -> None:
    """A payload is refused, or the one encoding of a map of JSON values."""
    try:
        value = canonical.decode(data)
    except ValueRefused as refused:
        assert str(refused).encode(), "what can't be encoded can't be shown"
        return
    assert canonical.encode(value) == data
    assert json.loads(json.dumps(value, allow_nan=False)) == value


def value(data: bytes) -> None:
    """A JSON value is refused with a path that can be printed, or read back as it was written."""
    try:
        found = json.loads(data)
    except (ValueError, RecursionError):
        return
    try:
        encoded = canonical.encode(found)
    except ValueRefused as refused:
        assert str(refused).encode(), "what can't be encoded can't be shown"
        return
    read = canonical.decode(encoded)
    assert read == found
    assert canonical.encode(read) == encoded


def body(data: bytes) -> None:
    """A batch's body is malformed, or the one encoding of its records."""
    try:
        records, forms = batch.decode_rows(data, (batch.PRESENT, batch.ERASED))
    except batch.MalformedBatch:
        return
    assert batch.encode_rows(records, forms) == data
    assert batch.encode_body(records) == data


def chain(data: bytes) -> None:
    """Records are corrupt at one of them, or a chain by each single header's own word."""
    try:
        records = batch.decode_body(data)
    except batch.MalformedBatch:
        return
    _verify(records)
    _verify(_linked(records))


def _verify(records: Sequence[Record]) -> None:
    found = Chain()
    try:
        headers = found.verify(records)
    except LogCorrupt as corrupt:
        assert 0 <= corrupt.seq < len(records)
        return
    previous = rec.GENESIS
    for seq, (decoded, record) in enumerate(zip(headers, records, strict=True)):
        assert rec.decode_header(record.header) == decoded
        assert (decoded.seq, decoded.previous) == (seq, previous)
        if record.payload is not None:
            assert decoded.payload_hash == rec.payload_hash(record.salt, record.payload)
        previous = rec.leaf_hash(record.header)
    assert (found.size, found.tip.head) == (len(records), previous)


def _linked(records: Sequence[Record]) -> list[Record]:
    """Return records whose headers have the hashes that they should have."""
    linked = []
    previous = rec.GENESIS
    for record in records:
        encoded = record.header
        try:
            decoded = rec.decode_header(encoded)
        except MalformedHeader:
            pass
        else:
            holds = rec.payload_hash(record.salt, record.payload or b"")
            encoded = rec.encode_header(decoded._replace(previous=previous, payload_hash=holds))
        linked.append(record._replace(header=encoded))
        previous = rec.leaf_hash(encoded)
    return linked


def _headers() -> list[bytes]:
    return [record.header for record in history(3)]


def _payloads() -> list[bytes]:
    return [canonical.encode(value) for value in _VALUES]


def _bodies() -> list[bytes]:
    records = history(3)
    erased = [records[0], records[1]._replace(salt=b"", payload=None)]
    return [batch.encode_body(records), batch.encode_body(erased)]


TARGETS: Final = (
    Target("item", item, lambda: [*_headers(), *_payloads()]),
    Target("header", header, _headers),
    Target("payload", payload, _payloads),
    Target("value", value, lambda: [json.dumps(each).encode() for each in _VALUES]),
    Target("body", body, _bodies),
    Target("chain", chain, _bodies),
)
