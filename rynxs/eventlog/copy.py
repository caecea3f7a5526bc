"""Copying a log into another sink: backup, restore and migration.

The source is cut into batches as the destination wants them. A batch is verified, what the
destination has of it already is compared, and the rest is appended. So a copy that was cut off
goes on where it ended, and a destination that holds another history is found out before anything
is written to it.

A payload that the source has erased, and says so, is erased in the destination too. One that the
destination alone has erased stays so: what is redacted anywhere does not come back by a copy.
"""

from __future__ import annotations

from contextlib import contextmanager
from itertools import chain as chained
from typing import TYPE_CHECKING, NamedTuple

from rynxs.errors import (
    CheckpointRefused,
    HistoryDiffers,
    SinkError,
    VerificationError,
)
from rynxs.eventlog import checkpoint as cp
from rynxs.eventlog.as_found import AsFound
from rynxs.eventlog.batch import RECORDS_MAX
from rynxs.eventlog.chain import Chain
from rynxs.eventlog.copy_erasures import CopyErasures
from rynxs.eventlog.log import Log
from rynxs.eventlog.redaction import Redactions, erase
from rynxs.eventlog.sink import ABSENT
from rynxs.eventlog.trust import Trust
from rynxs.eventlog.witness import StoredCheckpoints

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rynxs.eventlog.note import NoteVerifier
    from rynxs.eventlog.record import Record
    from rynxs.eventlog.sink import Grouping, Sink, StoredObject

SOURCE = "source"
DESTINATION = "destination"


class CopyResult(NamedTuple):
    """What a copy did, and the log that both sinks hold.

    Attributes:
        found: records that the destination had already.
        copied: records appended to it.
        checkpoints: numbered checkpoints copied.
        objects: other objects copied, among them the newest checkpoint.
        erased: payloads erased in the destination, for the source's log says they are redacted.
        size, head, root: of the log.
    """

    found: int
    copied: int
    checkpoints: int
    objects: int
    erased: int
    size: int
    head: bytes
    root: bytes


class Copy:
    """One copy; run `records`, `objects`, `erase` and `read_back` to their ends, in this order.

    Errors say whether the source or the destination is meant.
    """

    def __init__(
        self, source: Sink, destination: Sink, trust: Trust | Sequence[NoteVerifier]
    ) -> None:
        """Note which checkpoints the two hold now; with keys, each must be signed by one of them.

        Raises:
            CheckpointRefused: there are keys, and no checkpoint in the source.
        """
        self._trust = Trust.of(trust)
        with naming(SOURCE):
            self._source = AsFound(source)
            if self._trust.keys and not self._source.notes:
                raise CheckpointRefused("no checkpoint is stored, so nothing in this log is signed")
        with naming(DESTINATION):
            self._held = AsFound(destination)
        self._destination = destination
        self._chain = Chain()
        self._found = self._copied = self._checkpoints = self._objects = 0
        self._erasures = CopyErasures()

    @property
    def object_count(self) -> int:
        """How many objects of the source there are to copy, or to find copied."""
        return len(self._source.others()) + len(self._source.notes)

    def records(self) -> Iterator[Sequence[Record]]:
        """Yield the records of the source, a batch at a time, once the destination has them.

        Raises:
            LogCorrupt, CheckpointRefused: one of the logs does not verify; what was appended until
                then is a verified prefix of the source.
            HistoryDiffers: the destination holds records that are not the source's, or more of
                them; nothing was written.
        """
        held = chained.from_iterable(self._held_batches())
        redactions = self._erasures.redactions
        for batch in self._verified(SOURCE, self._source, self._chain, redactions):
            start = self._chain.size - len(batch)
            found = self._compare(start, batch, held)
            self._found += found
            # Where the destination has fewer, it has been read to its end and compared.
            if missing := batch[found:]:
                with naming(DESTINATION):
                    self._destination.append(start + found, missing)
                self._copied += len(missing)
                self._erasures.note(start + found, missing)
            yield batch
        with naming(DESTINATION):
            self._erasures.settle()
        if next(held, None) is not None:
            raise HistoryDiffers(
                self._chain.size,
                f"the source ends here, the destination holds {self._destination.size()} records",
            )

    def objects(self) -> Iterator[Sequence[str]]:
        """Yield the names of the source's objects, one at a time, once the destination has them.

        What a checkpoint may rest on comes before it, and the newest checkpoint last. The saved
        frontier is no part of a log: every sink has its own.

        Raises:
            SinkConflict: somebody else has stored such an object meanwhile.
        """
        for name in self._source.others():
            self._objects += self._copy_other(name)
            yield [name]
        for name, note in self._source.notes.items():
            if name == cp.LATEST:
                self._objects += self._copy_latest(note)
            elif name not in self._held.notes:
                self._checkpoints += self._put(name, note, None)
            yield [name]

    def erase(self) -> Iterator[Sequence[int]]:
        """Erase in the destination what the source says is redacted; yield these seqs, if any.

        Raises:
            SinkUnavailable: perhaps not all is erased, or a payload is locked; copy again later.
        """
        with naming(DESTINATION):
            erase(self._destination, self._erasures.wanted)
        if self._erasures.wanted:
            yield self._erasures.wanted

    def read_back(self) -> Iterator[Sequence[Record]]:
        """Verify and yield all that the destination holds, then save its frontier.

        Raises:
            LogCorrupt, CheckpointRefused: the destination does not verify.
            VerificationError: it is not the log that was copied.
        """
        chain = Chain()
        log = Log(self._destination, chain)
        yield from self._verified(DESTINATION, self._destination, chain, Redactions())
        root = self._chain.frontier.root()
        with naming(DESTINATION):
            if (log.size, log.root()) != (self._chain.size, root):
                raise VerificationError(
                    f"reads back as {log.size} records with root {log.root().hex()}, copied were "
                    f"{self._chain.size} with root {root.hex()}"
                )
            log.save()

    def result(self) -> CopyResult:
        """Return what was done."""
        done = self._found, self._copied, self._checkpoints, self._objects
        chain = self._chain
        return CopyResult(
            *done, len(self._erasures.wanted), chain.size, chain.tip.head, chain.frontier.root()
        )

    def _held_batches(self) -> Iterator[list[Record]]:
        """Yield what the destination has, verified; its end is reached before anything is written.

        Raises:
            CheckpointRefused: both logs have a checkpoint of one size, and not the same.
        """
        # What names its erased records may not be copied yet: the source is asked, at the end.
        yield from self._verified(DESTINATION, self._held, Chain(), None)
        _refuse_conflicts(self._source, self._held)

    def _verified(
        self, which: str, sink: Sink, chain: Chain, redactions: Redactions | None
    ) -> Iterator[list[Record]]:
        """Yield the records of a log in batches, verified and compared with its checkpoints."""
        with naming(which):
            stored = StoredCheckpoints(sink, self._trust)
            for batch in self._read_on(sink, chain, redactions):
                for part in stored.verify(chain, batch):
                    headers = chain.verify(part)
                    if redactions is not None:
                        redactions.take(headers, part)
                yield batch
            stored.finish(chain)
            if redactions is not None:
                redactions.finish(stored.signed_size if self._trust.keys else None)

    def _read_on(
        self, sink: Sink, chain: Chain, redactions: Redactions | None
    ) -> Iterator[list[Record]]:
        """Yield the records in batches; then, as `log.read_on`, those that may name erased ones."""
        most = self._destination.grouping
        yield from _batches(sink.read(chain.size), most)
        if redactions is not None and redactions.unnamed:
            yield from _batches(sink.read(chain.size), most)

    def _compare(self, start: int, batch: Sequence[Record], held: Iterator[Record]) -> int:
        """Compare records of the source with what the destination has; return how many it has.

        Raises:
            HistoryDiffers: they are not the same.
        """
        theirs: list[Record] = []
        for seq, (wanted, there) in enumerate(zip(batch, held, strict=False), start):
            # Both were verified, so one header stands for one payload, unless it is erased.
            if wanted.header != there.header:
                raise HistoryDiffers(seq, "in the destination another one stands here")
            theirs.append(there)
        self._erasures.note(start, theirs)
        return len(theirs)

    def _copy_other(self, name: str) -> bool:
        with naming(SOURCE):
            stored = self._source.get(name)
        with naming(DESTINATION):
            there = self._destination.get(name)
        return stored is not None and self._put(name, stored, there)

    def _copy_latest(self, note: StoredObject) -> bool:
        """Copy the newest checkpoint, unless the destination has one of more records."""
        there = self._held.notes.get(cp.LATEST)
        if there is not None and cp.parse(there.data)[0].size > cp.parse(note.data)[0].size:
            return False
        return self._put(cp.LATEST, note, there)

    def _put(self, name: str, wanted: StoredObject, there: StoredObject | None) -> bool:
        """Store an object in the place of what is there; tell whether that was needed."""
        if there is not None and there.data == wanted.data:
            return False
        with naming(DESTINATION):
            self._destination.put(name, wanted.data, ABSENT if there is None else there.version)
        return True


def _refuse_conflicts(source: AsFound, held: AsFound) -> None:
    """Compare the checkpoints of one size that both have.

    Raises:
        CheckpointRefused: they differ, or one is malformed.
    """
    for name in sorted({*source.notes} & {*held.notes}):
        if source.notes[name].data == held.notes[name].data:
            continue
        with naming(SOURCE):
            wanted = cp.parse(source.notes[name].data)[0]
        with naming(DESTINATION):
            there = cp.parse(held.notes[name].data)[0]
            if wanted.size == there.size and wanted != there:
                raise CheckpointRefused(
                    f"{name}: not the source's checkpoint of {wanted.size} records"
                )


def _batches(records: Iterator[Record], most: Grouping) -> Iterator[list[Record]]:
    """Cut a stream of records where the next one would exceed the wanted count or size."""
    limit = min(most.records, RECORDS_MAX)
    batch: list[Record] = []
    size = 0
    for record in records:
        its_size = len(record.payload or b"")
        size += its_size
        if batch and (len(batch) == limit or size > most.size):
            yield batch
            batch, size = [], its_size
        batch.append(record)
    if batch:
        yield batch


@contextmanager
def naming(which: str) -> Iterator[None]:
    """Say in front of an error's text which log is meant, `SOURCE` or `DESTINATION`."""
    try:
        yield
    except (SinkError, VerificationError) as error:
        error.args = (f"{which}: {error}",)
        raise
