"""Redaction: payloads erased on purpose, and the records that say so.

A ``Redacted`` record names records before it whose payloads and salts are erased once it is
durable. So every verifier can tell an erasure that was asked for from a payload that is lost
(docs/FORMAT.md, sections 3 and 11).
"""

from __future__ import annotations

from itertools import pairwise
from operator import itemgetter
from typing import TYPE_CHECKING, Any, NamedTuple, TypeGuard

from rynxs.errors import LogCorrupt, SinkUnavailable, ValueRefused
from rynxs.eventlog import canonical

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rynxs.eventlog.record import Header, Record
    from rynxs.eventlog.sink import Sink

REDACTED = "Redacted"
HOLD_PLACED = "HoldPlaced"
HOLD_RELEASED = "HoldReleased"
LOG_CLOSED = "LogClosed"
# What a verifier, or the next writer, needs to know of a log.
KEPT_KINDS = frozenset(
    {
        "EpochStarted",
        "KeyRotated",
        "SnapshotTaken",
        "TailQuarantined",
        HOLD_PLACED,
        HOLD_RELEASED,
        LOG_CLOSED,
        REDACTED,
    }
)
SNAPSHOTS = "snapshots/"
_SIZE_DIGITS = 20
_kind_of = itemgetter(5)
_payload_of = itemgetter(2)


class Redaction(NamedTuple):
    """What a ``Redacted`` record says.

    Attributes:
        seq: its own.
        actor: the name of who asked for it.
        reason: why.
        seqs: the records whose payloads it says are erased, in ascending order.
    """

    seq: int
    actor: str
    reason: str
    seqs: Sequence[int]


class Redactions:
    """What a log says of its erased payloads, taken in record by record, in the log's order."""

    def __init__(self, start: int = 0) -> None:
        """`start` is the first seq that is taken in; of those before it nothing is known."""
        self._start = start
        self._erased: set[int] = set()
        self._kept: dict[int, str] = {}
        self._by: dict[int, Redaction] = {}
        self._covered: int | None = None

    def take(self, headers: Sequence[Header], records: Sequence[Record]) -> None:
        """Take in the next records, which the chain has verified.

        Raises:
            LogCorrupt: a payload is missing that can't be redacted, or a ``Redacted`` is not of its
                shape, or names what it can't erase.
        """
        if None in map(_payload_of, records):
            self._note_erased(headers, records)
        if not KEPT_KINDS.isdisjoint(map(_kind_of, headers)):
            self._note_kept(headers, records)

    def finish(self, covered: int | None = None) -> None:
        """Demand that each erased record has been named.

        Args:
            covered: how many records a checkpoint that a known key signed covers, and the naming
                record must be among them; None if signatures are not asked for.

        Raises:
            LogCorrupt: no ``Redacted`` names one, or none that is signed for.
        """
        self._covered = covered
        for seq in self.unnamed:
            raise LogCorrupt(seq, "payload is missing, and no Redacted record names it")
        for seq in sorted(self._erased - {*self.vouched}):
            raise LogCorrupt(
                seq,
                f"payload is missing, and no checkpoint that a known key signed covers record "
                f"{self._by[seq].seq}, which says it was redacted; whoever asked for it signs one: "
                "rynxs checkpoint create",
            )

    @property
    def unnamed(self) -> list[int]:
        """Erased records that no ``Redacted`` has named so far."""
        return sorted(self._erased - self._by.keys())

    @property
    def unfinished(self) -> list[int]:
        """Records that a ``Redacted`` names, and whose payload is still there."""
        return sorted(seq for seq in self._by.keys() - self._erased if seq >= self._start)

    @property
    def named(self) -> list[int]:
        """Records that a ``Redacted`` names."""
        return sorted(self._by)

    @property
    def vouched(self) -> list[int]:
        """Those of `named` whose naming record is covered, as `finish` was told."""
        covered = self._covered
        return [seq for seq in self.named if covered is None or self._by[seq].seq < covered]

    def beyond(self, size: int) -> list[Redaction]:
        """Return the redactions among the records from `size` on, in order."""
        found = {redaction.seq: redaction for redaction in self._by.values()}
        return [found[seq] for seq in sorted(found) if seq >= size]

    def of(self, seq: int) -> Redaction | None:
        """Return the redaction that first named a record, or None."""
        return self._by.get(seq)

    def _note_erased(self, headers: Sequence[Header], records: Sequence[Record]) -> None:
        for header, record in zip(headers, records, strict=True):
            if record.payload is not None:
                continue
            if header.kind in KEPT_KINDS:
                raise LogCorrupt(
                    header.seq, f"payload is missing, and a {header.kind} can't be redacted"
                )
            self._erased.add(header.seq)

    def _note_kept(self, headers: Sequence[Header], records: Sequence[Record]) -> None:
        for header, record in zip(headers, records, strict=True):
            if header.kind not in KEPT_KINDS:
                continue
            self._kept[header.seq] = header.kind
            if header.kind == REDACTED:
                redaction = decode_redaction(header, record)
                for seq in redaction.seqs:
                    if seq in self._kept:
                        raise LogCorrupt(
                            header.seq,
                            f"names record {seq}, and a {self._kept[seq]} can't be redacted",
                        )
                    self._by.setdefault(seq, redaction)


def decode_redaction(header: Header, record: Record) -> Redaction:
    """Return what a ``Redacted`` record says.

    Raises:
        LogCorrupt: it is not of its shape, or names a record that is not before it.
    """
    if record.payload is None:
        raise LogCorrupt(header.seq, "payload is missing, and a Redacted can't be redacted")
    try:
        body = canonical.decode(record.payload)
    except ValueRefused as error:
        raise LogCorrupt(header.seq, f"payload {error}") from None
    reason, actor, seqs = body.get("reason"), body.get("actor"), body.get("seqs")
    name = actor.get("name") if isinstance(actor, dict) else None
    if not (isinstance(reason, str) and isinstance(name, str) and _ascend(seqs)):
        raise LogCorrupt(header.seq, "payload of Redacted is not of its shape")
    if seqs[-1] >= header.seq:
        raise LogCorrupt(header.seq, f"names record {seqs[-1]}, which is not before it")
    if header.cause not in seqs:
        raise LogCorrupt(header.seq, f"does not name its cause, record {header.cause}")
    return Redaction(header.seq, name, reason, seqs)


def erase(sink: Sink, seqs: Sequence[int]) -> None:
    """Erase payloads that a durable ``Redacted`` names, and every snapshot that knows of them.

    Done again, it finishes what was cut off. The snapshots go first, so that where the payloads are
    gone, they are gone too.

    Raises:
        SinkUnavailable: perhaps not all is erased; call again.
    """
    if not seqs:
        return
    for name in sink.list(SNAPSHOTS):
        size = name.removeprefix(SNAPSHOTS)[:_SIZE_DIGITS]
        if not size.isdecimal() or int(size) > min(seqs):
            sink.delete(name)
    sink.erase(seqs)
    for seq in seqs:
        if any(record.payload is not None for record in sink.read(seq, seq + 1)):
            raise SinkUnavailable(f"record {seq}: its payload was erased, and is still there")


def finish_erasure(sink: Sink, unfinished: Sequence[int]) -> list[int]:
    """Erase what redactions that were cut off have left, without what a lock holds; return it.

    Raises:
        SinkUnavailable: perhaps not all is erased; call again.
    """
    open_now = [seq for seq in unfinished if sink.locked_until([seq]) is None]
    erase(sink, open_now)
    return open_now


def _ascend(seqs: Any) -> TypeGuard[list[int]]:
    """Tell whether something is a list of at least one seq, each above the one before."""
    return (
        isinstance(seqs, list)
        and bool(seqs)
        and all(type(seq) is int for seq in seqs)
        and seqs[0] >= 0
        and all(low < high for low, high in pairwise(seqs))
    )
