"""The log: batches of entries in, chained and durable records out."""

from __future__ import annotations

from hashlib import sha256
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from rynxs.errors import UsageError
from rynxs.eventlog import cbor, record
from rynxs.eventlog.chain import Chain, Tip
from rynxs.eventlog.checkpoint import Checkpoint
from rynxs.eventlog.merkle import HASH_SIZE, Frontier
from rynxs.eventlog.record import FORMAT_VERSION, Header, Record
from rynxs.eventlog.redaction import Redactions, finish_erasure
from rynxs.eventlog.witness import StoredCheckpoints

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence

    from rynxs.eventlog.sink import Grouping, Sink

FRONTIER = "frontier"
_FRONTIER_INTERVAL = 65_536
_VERIFIED_AT_ONCE = 250  # as many as a processor's cache holds while columns are passed over


class Entry(NamedTuple):
    """What is to be appended; the log adds position, chain and payload hash.

    Attributes:
        kind, subject, cause: as in the header.
        payload: a map in deterministic CBOR (`rynxs.eventlog.canonical.encode`).
        epoch, time_us: as in the header; neither may be below the log's last.
        salt: empty, or 16 random bytes when the payload holds something personal.
    """

    kind: str
    subject: str
    payload: bytes
    epoch: int
    time_us: int
    cause: int | None = None
    salt: bytes = b""


class Log:
    """One writer's view of a log: it knows size, head hash and Merkle frontier without rereading.

    Make one with `Log.open` to append at once, or `Log.load` to read the whole history first.

    Attributes:
        redactions: what the history, as far as it was read, says of erased payloads.
    """

    def __init__(self, sink: Sink, chain: Chain) -> None:
        self._sink = sink
        self._chain = chain
        self._frontier_saved = chain.size
        self.redactions = Redactions(chain.size)

    @classmethod
    def open(cls, sink: Sink) -> Log:
        """Open for appending: the cached frontier, then only the records after it are verified.

        Raises:
            LogCorrupt: the tail does not verify, or is shorter than a stored checkpoint.
        """
        log = cls(sink, _cached_chain(sink))
        for _ in log.history():
            pass
        return log

    @classmethod
    def load(cls, sink: Sink) -> Log:
        """Make a log whose `history` starts at the first record; read it to the end to append."""
        return cls(sink, Chain())

    def go_on_with(self, sink: Sink) -> None:
        """Read and write by another sink of the same log from now on, such as its writer's.

        What it holds beyond the present position is verified by `history`, from there on.
        """
        self._sink = sink

    def history(self) -> Iterator[list[tuple[Header, Record]]]:
        """Verify and yield the records from the present position to the end, a batch at a time.

        Raises:
            LogCorrupt: a record does not verify, or the log is shorter than a stored checkpoint.
            CheckpointRefused: a stored checkpoint is not of this log's records.
        """
        stored = StoredCheckpoints(self._sink, [], self._chain.size)
        for records in read_on(self._sink, self._chain, self.redactions):
            for part in stored.verify(self._chain, records):
                headers = self._chain.verify(part)
                self.redactions.take(headers, part)
                yield list(zip(headers, part, strict=True))
        stored.finish(self._chain)
        self.redactions.finish()

    def finish_redactions(self, kept: Collection[int] = ()) -> list[int]:
        """Erase what redactions that were cut off have left, and return these seqs.

        To be called by every writer that has read the history. What a lock holds stays, and `kept`.

        Raises:
            SinkUnavailable: perhaps not all is erased; call again.
        """
        unfinished = [seq for seq in self.redactions.unfinished if seq not in kept]
        return finish_erasure(self._sink, unfinished)

    @property
    def size(self) -> int:
        """Number of records."""
        return self._chain.size

    @property
    def tip(self) -> Tip:
        """Head hash, epoch and time of the last record."""
        return self._chain.tip

    def root(self) -> bytes:
        """Return the Merkle tree hash of all records, 32 bytes."""
        return self._chain.frontier.root()

    def checkpoint(self, origin: str) -> Checkpoint:
        """Return the checkpoint of the log as it stands; all it covers is durable."""
        return Checkpoint(origin, self.size, self.root())

    def append(
        self,
        entries: Sequence[Entry],
        durable: Callable[[int, Sequence[Entry], Sequence[bytes]], None] | None = None,
    ) -> None:
        """Chain entries and make them durable, in batches as large as the sink wants them.

        Args:
            entries: what to append.
            durable: is told of each batch once it is durable: the first seq, the entries, and their
                leaf hashes.

        Raises:
            UsageError: an entry does not fit the format or goes back in time; nothing was written.
            SinkConflict: another writer owns the position: stop.
            SinkUnavailable: the batches up to `size` are durable; the rest may be tried again.
        """
        for batch in _batches(entries, self._sink.grouping):
            first = self.size
            leaves = self._append_batch(batch)
            if durable is not None:
                durable(first, batch, leaves)

    def save(self) -> None:
        """Store the frontier, so that the next opening reads only what came after it."""
        if self._frontier_saved == self.size and self._sink.get(FRONTIER) is not None:
            return
        if self.size:
            self._sink.put(FRONTIER, _encode_chain(self._chain))
            self._frontier_saved = self.size

    def _append_batch(self, entries: Sequence[Entry]) -> list[bytes]:
        _check_entries(entries, self.size, self.tip)
        head, seq = self.tip.head, self.size
        records, leaves = [], []
        header, dumps = None, cbor.dumps
        for kind, subject, payload, epoch, time_us, cause, salt in entries:
            digest = sha256(bytes((len(salt),)) + salt + payload).digest()
            size = len(payload)
            header = (
                FORMAT_VERSION, seq, epoch, time_us, head, kind, subject, digest, size, cause
            )  # fmt: skip
            encoded = dumps(header)
            head = sha256(b"\x00" + encoded).digest()
            records.append(Record(encoded, salt, payload))
            leaves.append(head)
            seq += 1
        assert header is not None
        self._sink.append(self.size, records)
        self._chain.extend(Header._make(header), leaves)
        if self.size - self._frontier_saved >= _FRONTIER_INTERVAL:
            self.save()
        return leaves


def batched(records: Iterator[Record], count: int = _VERIFIED_AT_ONCE) -> Iterator[list[Record]]:
    """Cut a stream of records into lists of `count`, the last one shorter."""
    while batch := list(islice(records, count)):
        yield batch


def read_on(sink: Sink, chain: Chain, redactions: Redactions) -> Iterator[list[Record]]:
    """Yield the records from the end of `chain` on, to be added to both before the next are asked.

    If an erased one is unnamed at the end, what came since is read too: a writer beside may have
    redacted it, and have appended that before it erased.
    """
    yield from batched(sink.read(chain.size))
    if redactions.unnamed:
        yield from batched(sink.read(chain.size))


def _batches(entries: Sequence[Entry], most: Grouping) -> Iterator[Sequence[Entry]]:
    """Cut entries where the next one would exceed the wanted count or size."""
    start = size = 0
    for position, entry in enumerate(entries):
        size += len(entry.payload)
        if position - start == most.records or (size > most.size and position > start):
            yield entries[start:position]
            start, size = position, len(entry.payload)
    if start < len(entries):
        yield entries[start:]


def _check_entries(entries: Sequence[Entry], size: int, tip: Tip) -> None:
    epoch, time_us = tip.epoch, tip.time_us
    for kind, subject in {entry[:2] for entry in entries}:
        record.check_names(kind, subject)
    salt_sizes = 0, record.SALT_SIZE
    for seq, entry in enumerate(entries, size):
        kind, subject, payload, its_epoch, its_time_us, cause, salt = entry
        if type(its_epoch) is not int or type(its_time_us) is not int:
            raise UsageError(f"{kind}: epoch and time are integers")
        if cause is not None and not 0 <= cause < seq:
            raise UsageError(f"{kind}: cause {cause} is not before record {seq}")
        if len(salt) not in salt_sizes:
            raise UsageError(f"{kind}: a salt is empty or {record.SALT_SIZE} bytes")
        if not epoch <= its_epoch <= record.FIELD_MAX:
            raise UsageError(f"{kind}: epoch {its_epoch} is below {epoch} or too large")
        if not time_us <= its_time_us <= record.FIELD_MAX:
            raise UsageError(f"{kind}: time {its_time_us} is below {time_us} or too large")
        if len(payload) > record.PAYLOAD_SIZE_MAX:
            raise UsageError(
                f"{kind} of {subject or 'the log'}: payload of {len(payload)} "
                f"bytes, the limit is {record.PAYLOAD_SIZE_MAX}"
            )
        epoch, time_us = its_epoch, its_time_us


def _encode_chain(chain: Chain) -> bytes:
    tip = chain.tip
    members = (FORMAT_VERSION, chain.size, tip.head, tip.epoch, tip.time_us, chain.frontier.nodes())
    encoded = cbor.dumps(members)
    return encoded + sha256(encoded).digest()


def _cached_chain(sink: Sink) -> Chain:
    """Return the chain stored by `Log.save`; an empty one when it is missing, stale or garbled."""
    stored = sink.get(FRONTIER)
    try:
        chain = _decode_chain(stored.data) if stored else Chain()
    except (*cbor.DECODE_ERRORS, AttributeError):
        return Chain()
    return chain if _ends_like(chain, sink) else Chain()


def _decode_chain(data: bytes) -> Chain:
    """Return the chain that `_encode_chain` encoded; raises what decoding garbage raises."""
    version, size, head, epoch, time_us, nodes = cbor.loads(data[:-HASH_SIZE])
    chain = Chain(Tip(head, epoch, time_us), Frontier(size, nodes))
    if version != FORMAT_VERSION or _encode_chain(chain) != data:
        raise ValueError("not what was saved")
    return chain


def _ends_like(chain: Chain, sink: Sink) -> bool:
    """Tell whether the sink has, where the chain ends, the record that it ends with."""
    if not 0 < chain.size <= sink.size():
        return False
    last = next(iter(sink.read(chain.size - 1, chain.size)))
    try:
        header = record.decode_header(last.header)
    except record.MalformedHeader:
        return False
    tip = Tip(record.leaf_hash(last.header), header.epoch, header.time_us)
    return header.seq == chain.size - 1 and tip == chain.tip
