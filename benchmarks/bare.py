"""The bare loops: the encoding, hashing and writing that no log can do without."""

from __future__ import annotations

import os
from hashlib import sha256
from itertools import islice
from typing import TYPE_CHECKING, Protocol

import cbor2

from benchmarks.workload import BATCH, KIND, TIME_US

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from benchmarks.workload import Item
    from rynxs.eventlog.record import Record

Stored = tuple[bytes, bytes, bytes]
"""Header, salt and payload, as `Record` has them."""


class BareFile:
    """A growing file; each write is made durable by one fdatasync."""

    def __init__(self, path: Path) -> None:
        self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)

    def write(self, data: bytes) -> None:
        """Write and flush."""
        os.write(self._descriptor, data)
        os.fdatasync(self._descriptor)

    def write_parts(self, parts: list[bytes]) -> None:
        """Write the records of a batch, and flush once."""
        self.write(b"".join(parts))

    def close(self) -> None:
        """Close the file."""
        os.close(self._descriptor)


class Medium(Protocol):
    """Where a bare loop writes."""

    def write_parts(self, parts: list[bytes]) -> None:
        """Make the records of a batch durable."""


class BareAppender:
    """Appends records the way `Log` has to: encode, hash, chain; one durable write a batch."""

    def __init__(self, medium: Medium) -> None:
        self._medium = medium
        self._seq = 0
        self._head = bytes(32)

    def append(self, batch: list[Item]) -> None:
        """Append a batch of subjects and payloads."""
        dumps, seq, head = cbor2.dumps, self._seq, self._head
        parts = []
        for subject, value in batch:
            payload = dumps(value, canonical=True)
            digest = sha256(b"\x00" + payload).digest()
            members = (1, seq, 1, TIME_US, head, KIND, subject, digest, len(payload), None)
            header = dumps(members, canonical=True)
            head = sha256(b"\x00" + header).digest()
            parts.append(header + payload)
            seq += 1
        self._medium.write_parts(parts)
        self._seq, self._head = seq, head


class PlainFile:
    """Headers and payloads end to end in a file, their sizes known beforehand."""

    def __init__(self, path: Path, records: Sequence[Record]) -> None:
        """Write the file; none of the records has a salt, or is erased."""
        self._path = path
        stored = [(record.header, record.payload or b"") for record in records]
        self._sizes = [(len(header), len(payload)) for header, payload in stored]
        path.write_bytes(b"".join(map(b"".join, stored)))

    def read(self) -> Iterator[Stored]:
        """Yield the records, read `BATCH` at a time and cut apart."""
        sizes = iter(self._sizes)
        with self._path.open("rb", buffering=0) as file:
            while some := list(islice(sizes, BATCH)):
                data = file.read(sum(map(sum, some)))
                place = 0
                for header_size, payload_size in some:
                    middle = place + header_size
                    end = middle + payload_size
                    yield data[place:middle], b"", data[middle:end]
                    place = end


def verify(records: Iterable[Stored]) -> None:
    """Do for each record what verification can't do without.

    Decode the header, encode it again and compare, hash leaf and payload, hash one tree node.
    """
    loads, dumps = cbor2.loads, cbor2.dumps
    left = bytes(32)
    for header, salt, payload in records:
        members = loads(header)
        if dumps(members, canonical=True) != header:
            raise ValueError("header is not in deterministic form")
        leaf = sha256(b"\x00" + header).digest()
        digest = sha256(bytes((len(salt),)) + salt + payload).digest()
        left = sha256(b"\x01" + left + leaf).digest()
        if digest != members[7]:
            raise ValueError("payload does not have its hash")


def decode(records: Iterable[Stored]) -> None:
    """Do for each record what replay can't do without: strict header, two hashes, the payload."""
    loads, dumps = cbor2.loads, cbor2.dumps
    previous = bytes(32)
    for header, salt, payload in records:
        members = loads(header)
        if dumps(members, canonical=True) != header or members[4] != previous:
            raise ValueError("header is not in deterministic form, or not chained")
        previous = sha256(b"\x00" + header).digest()
        digest = sha256(bytes((len(salt),)) + salt + payload).digest()
        if digest != members[7] or type(loads(payload)) is not dict:
            raise ValueError("payload does not have its hash, or is not a map")
