"""Copying a log into another sink: backup, restore and migration.

The source is cut into batches as the destination wants them. A batch is verified, what the
destination has of it already is compared, and the rest is appended. So a copy that was cut off
goes on where it ended, and a destination that holds another history is found out before anything
is written to it.
"""

from __future__ import annotations

from contextlib import contextmanager
from itertools import chain as chained
from typing import TYPE_CHECKING, NamedTuple

from rynxs.errors import CheckpointRefused, HistoryDiffers, SinkError, VerificationError
from rynxs.eventlog import checkpoint as cp
from rynxs.eventlog.as_found import AsFound
from rynxs.eventlog.batch import RECORDS_MAX
from rynxs.eventlog.chain import Chain
from rynxs.eventlog.log import Log
from rynxs.eventlog.sink import ABSENT
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
        size, head, root: of the log.
    """

    found: int
    copied: int
    checkpoints: int
    objects: int
    size: int
    head: bytes
    root: bytes


class Copy:
    """One copy; run `records`, `objects` and `read_back` to their ends, in this order.

    Errors say whether the source or the destination is meant.
    """

    def __init__(self, source: Sink, destination: Sink, keys: Sequence[NoteVerifier]) -> None:
        """Note which checkpoints the two hold now; with keys, each must be signed by one of them.

        Raises:
            CheckpointRefused: there are keys, and no checkpoint in the source.
        """
        with naming(SOURCE):
            self._source = AsFound(source)
            if keys and not self._source.notes:
                raise CheckpointRefused("no checkpoint is stored, so nothing in this log is signed")
        with naming(DESTINATION):
            self._held = AsFound(destination)
        self._destination = destination
        self._keys = keys
        self._chain = Chain()
        self._found = self._copied = self._checkpoints = self._objects = 0

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
        for batch in self._verified(SOURCE, self._source, self._chain):
            start = self._chain.size - len(batch)
            found = _compare(start, batch, held)
            self._found += found
            # Where the destination has fewer, it has been read to its end and compared.
            if missing := batch[found:]:
                with naming(DESTINATION):
                    self._destination.append(start + found, missing)
                self._copied += len(missing)
            yield batch
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

    def read_back(self) -> Iterator[Sequence[Record]]:
        """Verify and yield all that the destination holds, then save its frontier.

        Raises:
            LogCorrupt, CheckpointRefused: the destination does not verify.
            VerificationError: it is not the log that was copied.
        """
        chain = Chain()
        log = Log(self._destination, chain)
        yield from self._verified(DESTINATION, self._destination, chain)
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
        return CopyResult(*done, chain.size, chain.tip.head, chain.frontier.root())

    def _held_batches(self) -> Iterator[list[Record]]:
        """Yield what the destination has, verified; its end is reached before anything is written.

        Raises:
            CheckpointRefused: both logs have a checkpoint of one size, and not the same.
        """
        yield from self._verified(DESTINATION, self._held, Chain())
        _refuse_conflicts(self._source, self._held)

    def _verified(self, which: str, sink: Sink, chain: Chain) -> Iterator[list[Record]]:
        """Yield the records of a log in batches, verified and compared with its checkpoints."""
        with naming(which):
            stored = StoredCheckpoints(sink, self._keys)
            for batch in _batches(sink.read(), self._destination.grouping):
                for part in stored.verify(chain, batch):
                    chain.verify(part)
                yield batch
            stored.finish(chain)

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
        size += len(record.payload)
        if batch and (len(batch) == limit or size > most.size):
            yield batch
            batch, size = [], len(record.payload)
        batch.append(record)
    if batch:
        yield batch


def _compare(start: int, batch: Sequence[Record], held: Iterator[Record]) -> int:
    """Compare records of the source with those that the destination has; return how many it has.

    Raises:
        HistoryDiffers: they are not the same.
    """
    found = 0
    for wanted, there in zip(batch, held, strict=False):
        if wanted != there:
            raise HistoryDiffers(start + found, "in the destination another one stands here")
        found += 1
    return found


@contextmanager
def naming(which: str) -> Iterator[None]:
    """Say in front of an error's text which log is meant, `SOURCE` or `DESTINATION`."""
    try:
        yield
    except (SinkError, VerificationError) as error:
        error.args = (f"{which}: {error}",)
        raise
