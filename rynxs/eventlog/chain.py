"""Strict verification of records as they pass: header form, hash chain, payload hash, Merkle tree.

A batch is checked column by column, which is several times faster than record by record; only a
batch that fails is looked at again, one record at a time, to name the seq and the reason.
"""

from __future__ import annotations

from hashlib import sha256
from operator import le
from typing import TYPE_CHECKING, NamedTuple

from rynxs.errors import LogCorrupt
from rynxs.eventlog import cbor
from rynxs.eventlog import record as rec
from rynxs.eventlog.merkle import Frontier
from rynxs.eventlog.record import Header

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rynxs.eventlog.record import Record

_MEMBERS = len(Header._fields)


class Tip(NamedTuple):
    """Where a verified chain ends.

    Attributes:
        head: leaf hash of the last record, `GENESIS` when there is none.
        epoch, time_us: those of the last record, 0 when there is none.
    """

    head: bytes = rec.GENESIS
    epoch: int = 0
    time_us: int = 0


class Chain:
    """A verified chain: its tip and its Merkle frontier. Memory does not grow with its length."""

    def __init__(self, tip: Tip | None = None, frontier: Frontier | None = None) -> None:
        self.tip = tip or Tip()
        self.frontier = frontier or Frontier()

    @property
    def size(self) -> int:
        """Number of records in the chain."""
        return self.frontier.size

    def verify(self, records: Sequence[Record]) -> list[Header]:
        """Check the next records, add them to the chain and return their headers.

        Raises:
            LogCorrupt: a record does not hold; the chain is then as before the call.
        """
        if not records:
            return []
        headers = _decode_all(records)
        leaves = [sha256(b"\x00" + record[0]).digest() for record in records]
        if headers is None or not self._columns_hold(headers, leaves, records):
            self._explain(records)
        assert headers is not None
        self._advance(headers[-1], leaves)
        return headers

    def extend(self, last: Header, leaves: Sequence[bytes]) -> None:
        """Add records that this process has just encoded and made durable."""
        self._advance(last, leaves)

    def copy(self) -> Chain:
        """Return an independent chain that ends at the same tip."""
        return Chain(self.tip, self.frontier.copy())

    def _advance(self, last: Header, leaves: Sequence[bytes]) -> None:
        self.frontier.extend(leaves)
        self.tip = Tip(leaves[-1], last.epoch, last.time_us)

    def _columns_hold(
        self, headers: Sequence[Header], leaves: Sequence[bytes], records: Sequence[Record]
    ) -> bool:
        count = len(headers)
        columns = tuple(zip(*headers, strict=True))
        versions, seqs, epochs, times, previous, kinds, subjects, hashes, sizes, causes = columns
        return (
            _are_numbers(seqs, epochs, times, sizes)
            and _are(str, kinds, subjects)
            and set(map(type, versions)) == {int}
            and versions.count(rec.FORMAT_VERSION) == count
            and seqs == tuple(range(self.size, self.size + count))
            and previous == (self.tip.head, *leaves[:-1])
            and self.tip.epoch <= epochs[0]
            and self.tip.time_us <= times[0]
            and all(map(le, epochs, epochs[1:]))
            and all(map(le, times, times[1:]))
            and all(map(rec.is_kind, set(kinds)))
            and all(map(rec.is_subject, set(subjects)))
            and _causes_hold(causes, seqs)
            and sizes == tuple(len(record[2]) for record in records)
            and hashes
            == tuple(
                sha256(bytes((len(salt),)) + salt + payload).digest()
                for _, salt, payload in records
            )
        )

    def _explain(self, records: Sequence[Record]) -> None:
        """Raise the `LogCorrupt` of the first record that does not hold."""
        seq, tip = self.size, self.tip
        for record in records:
            try:
                header = rec.decode_header(record.header)
            except rec.MalformedHeader as error:
                raise LogCorrupt(seq, str(error)) from None
            fault = _fault(header, record, seq, tip)
            if fault is not None:
                raise LogCorrupt(seq, fault)
            seq, tip = seq + 1, Tip(rec.leaf_hash(record.header), header.epoch, header.time_us)
        raise AssertionError("the column check refused what the record check accepts")


def _decode_all(records: Iterable[Record]) -> list[Header] | None:
    """Return the headers, or None when one is not an array of ten in deterministic form.

    Each header is decoded alone, then all are encoded at once. An untagged item takes at least as
    many bytes as its deterministic form, so equal concatenations mean that each header is equal.
    """
    encoded = [record[0] for record in records]
    loads = cbor.loads
    try:
        members = [loads(header) for header in encoded]
        if set(map(type, members)) != {list} or set(map(len, members)) != {_MEMBERS}:
            return None
        canonical = cbor.dumps(members)
    except cbor.DECODE_ERRORS:
        return None
    if canonical[_array_head_size(len(encoded)) :] != b"".join(encoded):
        return None
    return list(map(Header._make, members))


def _array_head_size(count: int) -> int:
    return next(
        size for limit, size in ((24, 1), (256, 2), (65_536, 3), (2**32, 5)) if count < limit
    )


def _are(wanted: type, *columns: Sequence[object]) -> bool:
    return all(set(map(type, column)) == {wanted} for column in columns)


def _are_numbers(*columns: Sequence[int]) -> bool:
    return _are(int, *columns) and all(
        min(column) >= 0 and max(column) <= rec.FIELD_MAX for column in columns
    )


def _causes_hold(causes: Sequence[int | None], seqs: Sequence[int]) -> bool:
    return all(
        cause is None or (type(cause) is int and 0 <= cause < seq)
        for cause, seq in zip(causes, seqs, strict=True)
    )


def _fault(header: Header, record: Record, seq: int, tip: Tip) -> str | None:
    """Say what is wrong with a well-formed header at this place of the chain."""
    if header.seq != seq:
        return f"header says seq {header.seq}"
    if header.previous != tip.head:
        return f"previous is {header.previous.hex()}, the record before hashes to {tip.head.hex()}"
    if header.epoch < tip.epoch:
        return f"epoch {header.epoch} after epoch {tip.epoch}"
    if header.time_us < tip.time_us:
        return f"time {header.time_us} after time {tip.time_us}"
    return _payload_fault(header, record, seq)


def _payload_fault(header: Header, record: Record, seq: int) -> str | None:
    if header.cause is not None and header.cause >= seq:
        return f"cause {header.cause} is not an earlier record"
    if header.payload_size != len(record.payload):
        return f"payload is {len(record.payload)} bytes, header says {header.payload_size}"
    found = rec.payload_hash(record.salt, record.payload)
    if header.payload_hash != found:
        return f"payload hashes to {found.hex()}, header says {header.payload_hash.hex()}"
    return None


def locate_damage(first_seq: int, records: Sequence[Record]) -> int:
    """Return the seq of the damaged record in a batch that is known to be damaged.

    A header or payload that does not hold is the damaged one. Where a link is broken, the record
    that its own successor vouches for is good, and the other end of the link is damaged. Damage
    that none of this shows is in the last header.
    """
    leaves = [rec.leaf_hash(record.header) for record in records]
    links = []
    for seq, record in enumerate(records, first_seq):
        try:
            header = rec.decode_header(record.header)
        except rec.MalformedHeader:
            return seq
        if header.seq != seq or header.payload_hash != rec.payload_hash(
            record.salt, record.payload
        ):
            return seq
        links.append(header.previous)
    vouched = [link == leaf for leaf, link in zip(leaves, links[1:], strict=False)]
    for place, holds in enumerate(vouched):
        if not holds:
            successor_is_good = place + 1 >= len(vouched) or vouched[place + 1]
            return first_seq + place + (0 if successor_is_good else 1)
    return first_seq + len(records) - 1
