"""Strict verification of records as they pass: header form, hash chain, payload hash, Merkle tree.

A batch is checked column by column, which is several times faster than record by record; only a
batch that fails is looked at again, one record at a time, to name the seq and the reason.
"""

from __future__ import annotations

from functools import partial
from hashlib import sha256
from operator import add, le
from typing import TYPE_CHECKING, Any, NamedTuple

from rynxs.errors import LogCorrupt
from rynxs.eventlog import cbor
from rynxs.eventlog import record as rec
from rynxs.eventlog.merkle import HASH_SIZE, Frontier
from rynxs.eventlog.record import Header

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from rynxs.eventlog.record import Record

_MEMBERS = len(Header._fields)
_IN_THE_HEAD = 24  # from here on a number takes bytes of its own
# What `Header._make` does, without its check of the length, at the speed of C.
_make_header: Callable[[Iterable[Any]], Header] = partial(tuple.__new__, Header)


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
            and _are(bytes, previous, hashes)
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
            and [len(record[0]) for record in records] == _shortest_sizes(columns)
            and _payloads_hold(sizes, hashes, records)
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


def _decode_all(records: Sequence[Record]) -> list[Header] | None:
    """Return the headers, decoded as one array; None when that is not an array of tens.

    Where one header ends and the next begins, and whether each is in deterministic form, is not
    checked here but by `_shortest_sizes`.
    """
    count = len(records)
    try:
        members = cbor.loads(cbor.array_head(count) + b"".join([record[0] for record in records]))
    except cbor.DECODE_ERRORS:
        return None
    if set(map(type, members)) != {list} or set(map(len, members)) != {_MEMBERS}:
        return None
    return list(map(_make_header, members))


def _shortest_sizes(columns: Sequence[Sequence[Any]]) -> list[int]:
    """Return how many bytes each header has in deterministic form, given checked columns.

    An untagged item that has no more bytes than its shortest form is in that form: every length
    and number in it is as short as it can be. So, where these are the sizes of the stored headers,
    each is in deterministic form, and the decoder cut the array where the records are cut.
    """
    _, seqs, epochs, times, _, kinds, subjects, _, sizes, causes = columns
    totals = list(map(len, subjects))
    uniform = 1 + 1 + 2 * (2 + HASH_SIZE)  # the array's head, the version, and two hashes
    # None is one byte, as 0 is.
    numbers = (seqs, epochs, times, sizes, [cause or 0 for cause in causes], tuple(totals))
    kind_sizes = list(map(len, kinds))
    for column in (*numbers, kind_sizes):
        lowest, highest = _head_size(min(column)), _head_size(max(column))
        if lowest == highest:
            uniform += lowest
        else:
            totals = list(map(add, totals, map(_head_size, column)))
    return [uniform + kind + total for kind, total in zip(kind_sizes, totals, strict=True)]


def _head_size(number: int) -> int:
    """Return the bytes of the shortest CBOR head for a number or a length (RFC 8949 section 3)."""
    if number < _IN_THE_HEAD:
        return 1
    if number < 2**16:
        return 2 if number < 2**8 else 3
    return 5 if number < 2**32 else 9


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


def _payloads_hold(
    sizes: Sequence[int], hashes: Sequence[bytes], records: Sequence[Record]
) -> bool:
    payloads = [record[2] for record in records]
    if None in payloads:
        return all(map(_payload_holds, sizes, hashes, records))
    payload_hash = rec.payload_hash
    return list(sizes) == list(map(len, payloads)) and list(hashes) == [  # type: ignore[arg-type]
        payload_hash(salt, payload)  # type: ignore[arg-type]
        for _, salt, payload in records
    ]


def _payload_holds(size: int, digest: bytes, record: Record) -> bool:
    """Tell whether a record has the payload that its header says, or none any more."""
    _, salt, payload = record
    if payload is None:
        return not salt
    return size == len(payload) and digest == rec.payload_hash(salt, payload)


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
    if record.payload is None:
        return "a salt without a payload" if record.salt else None
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
        if header.seq != seq or not _payload_holds(
            header.payload_size, header.payload_hash, record
        ):
            return seq
        links.append(header.previous)
    vouched = [link == leaf for leaf, link in zip(leaves, links[1:], strict=False)]
    for place, holds in enumerate(vouched):
        if not holds:
            successor_is_good = place + 1 >= len(vouched) or vouched[place + 1]
            return first_seq + place + (0 if successor_is_good else 1)
    return first_seq + len(records) - 1
