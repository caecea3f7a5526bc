"""The record: a header that is chained and a payload that the header commits to.

docs/FORMAT.md is the specification. The leaf hash is both the link of the hash chain and the
Merkle leaf of RFC 9162 section 2.1.1.
"""

from __future__ import annotations

import re
from functools import lru_cache
from hashlib import sha256
from typing import NamedTuple

from rynxs.errors import UsageError
from rynxs.eventlog import cbor

FORMAT_VERSION = 1
GENESIS = bytes(32)
SALT_SIZE = 16
PAYLOAD_SIZE_MAX = 4 * 1024 * 1024
FIELD_MAX = 2**63 - 1

_SUBJECTS_REMEMBERED = 16_384  # the same come again and again
_KIND = re.compile(r"[A-Z][A-Za-z0-9]{0,62}", re.ASCII)
_SUBJECT = re.compile(r"(?:[A-Za-z0-9._-]{1,253}(?:/[A-Za-z0-9._-]{1,253}){2,3})?", re.ASCII)


class Header(NamedTuple):
    """The ten members of a header, in their order on the wire.

    Attributes:
        version: `FORMAT_VERSION`.
        seq: position in the log, from 0.
        epoch: fencing token of the leadership term that wrote the record; never decreases.
        time_us: microseconds since 1970-01-01T00:00:00Z; never decreases.
        previous: leaf hash of record ``seq - 1``, `GENESIS` for the first.
        kind: event kind, such as ``AgentObserved``.
        subject: what the event is about, ``group/Kind[/namespace]/name``; empty for the log itself.
        payload_hash: see `payload_hash`.
        payload_size: bytes of the payload, without its salt.
        cause: seq of the record that led to this one, or None.
    """

    version: int
    seq: int
    epoch: int
    time_us: int
    previous: bytes
    kind: str
    subject: str
    payload_hash: bytes
    payload_size: int
    cause: int | None


class Record(NamedTuple):
    """One log entry as it is stored.

    Attributes:
        header: encoded.
        salt: empty, or 16 bytes; empty once the payload is erased.
        payload: encoded; None once it is erased.
    """

    header: bytes
    salt: bytes
    payload: bytes | None


class MalformedHeader(ValueError):
    """The bytes are not a version 1 header in deterministic form."""


def encode_header(header: Header) -> bytes:
    """Return the deterministic CBOR array of a header."""
    return cbor.dumps(tuple(header))


def decode_header(data: bytes) -> Header:
    """Return the header that `data` is.

    Raises:
        MalformedHeader: not in deterministic form, unknown version, extra or ill-typed members.
    """
    try:
        members = cbor.loads(data)
    except cbor.DECODE_ERRORS:
        raise MalformedHeader("header is not CBOR") from None
    if type(members) is not list or len(members) != len(Header._fields):
        raise MalformedHeader(f"header is not an array of {len(Header._fields)} members")
    if type(members[0]) is not int or members[0] != FORMAT_VERSION:
        raise MalformedHeader(f"header version {members[0]!r}, known is {FORMAT_VERSION}")
    header = Header._make(members)
    _check_types(header)
    if encode_header(header) != data:
        raise MalformedHeader("header is not in deterministic form")
    return header


def check_names(kind: str, subject: str) -> None:
    """Check the grammar of an event kind and a subject.

    Raises:
        UsageError: a name has characters or a length that a header does not allow.
    """
    if not is_kind(kind):
        raise UsageError(f"event kind {kind!r} does not match {_KIND.pattern}")
    if not is_subject(subject):
        raise UsageError(f"subject {subject!r} is not group/Kind[/namespace]/name")


def is_kind(text: str) -> bool:
    """Tell whether `text` may be the kind of a header."""
    return _KIND.fullmatch(text) is not None


@lru_cache(maxsize=_SUBJECTS_REMEMBERED)
def is_subject(text: str) -> bool:
    """Tell whether `text` may be the subject of a header."""
    return _SUBJECT.fullmatch(text) is not None


def leaf_hash(header: bytes) -> bytes:
    """Return SHA-256(0x00 || header), 32 bytes (RFC 9162 section 2.1.1)."""
    return sha256(b"\x00" + header).digest()


def payload_hash(salt: bytes, payload: bytes) -> bytes:
    """Return SHA-256(uint8(len(salt)) || salt || payload), 32 bytes."""
    # Most salts are empty, and a constant is cheaper to put in front than a made byte.
    return sha256(bytes((len(salt),)) + salt + payload if salt else b"\x00" + payload).digest()


def _check_types(header: Header) -> None:
    for name in ("seq", "epoch", "time_us", "payload_size"):
        _check_number(name, getattr(header, name))
    if header.cause is not None:
        _check_number("cause", header.cause)
    for name in ("previous", "payload_hash"):
        value = getattr(header, name)
        if type(value) is not bytes or len(value) != len(GENESIS):
            raise MalformedHeader(f"header {name} is not 32 bytes")
    if type(header.kind) is not str or not is_kind(header.kind):
        raise MalformedHeader("header kind is not a kind's name")
    if type(header.subject) is not str or not is_subject(header.subject):
        raise MalformedHeader("header subject is not a subject's name")


def _check_number(name: str, value: object) -> None:
    if type(value) is not int or not 0 <= value <= FIELD_MAX:
        raise MalformedHeader(f"header {name} is not an unsigned 63-bit integer")
