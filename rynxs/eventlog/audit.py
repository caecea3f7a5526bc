"""The audit of a whole log: every record, and every stored checkpoint against the tree."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from rynxs.errors import CheckpointRefused
from rynxs.eventlog.chain import Chain
from rynxs.eventlog.log import batched
from rynxs.eventlog.witness import StoredCheckpoints

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rynxs.eventlog.chain import Tip
    from rynxs.eventlog.note import NoteVerifier
    from rynxs.eventlog.record import Record
    from rynxs.eventlog.sink import Sink
    from rynxs.eventlog.witness import CheckedCheckpoint


class AuditResult(NamedTuple):
    """What was verified."""

    size: int
    tip: Tip
    root: bytes
    checkpoints: list[CheckedCheckpoint]


class Audit:
    """One pass over a log; run `batches` to the end, then ask for the `result`."""

    def __init__(self, sink: Sink, keys: Sequence[NoteVerifier]) -> None:
        """Read the stored checkpoints; with keys, each must be signed by one of them.

        Raises:
            CheckpointRefused: a checkpoint is malformed, misnamed, of another log, or not properly
                signed; or there are keys and no checkpoint.
            LogCorrupt: the first record does not name the log.
        """
        self._sink = sink
        self._keys = keys
        self._chain = Chain()
        self._stored = StoredCheckpoints(sink, keys)

    def batches(self) -> Iterator[Sequence[Record]]:
        """Verify and yield the records, cut where a checkpoint has to be compared.

        Raises:
            LogCorrupt: a record does not hold, or records that a checkpoint covers are missing.
            CheckpointRefused: a checkpoint's root is not the log's, or a key was given and there
                is no checkpoint that it could have signed.
        """
        for records in batched(self._sink.read()):
            for part in self._stored.verify(self._chain, records):
                self._chain.verify(part)
                yield part
        self._stored.finish(self._chain)
        if self._keys and not self._stored.checked:
            raise CheckpointRefused("no checkpoint is stored, so nothing in this log is signed")

    def result(self) -> AuditResult:
        """Return what the pass verified."""
        chain = self._chain
        return AuditResult(chain.size, chain.tip, chain.frontier.root(), self._stored.checked)
