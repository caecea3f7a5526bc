"""The audit of a whole log: every record, and every stored checkpoint against the tree."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from rynxs.errors import CheckpointRefused, LogCorrupt
from rynxs.eventlog import checkpoint as cp
from rynxs.eventlog import note
from rynxs.eventlog.chain import Chain
from rynxs.eventlog.genesis import origin_of
from rynxs.eventlog.log import batched

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rynxs.eventlog.chain import Tip
    from rynxs.eventlog.checkpoint import Checkpoint
    from rynxs.eventlog.note import NoteVerifier
    from rynxs.eventlog.record import Record
    from rynxs.eventlog.sink import Sink


class CheckedCheckpoint(NamedTuple):
    """A stored checkpoint that matches the log; `signed_by` is empty when no key was given."""

    name: str
    size: int
    signed_by: list[str]


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
                signed.
            LogCorrupt: the first record does not name the log.
        """
        self._sink = sink
        self._origin = origin_of(sink)
        self._chain = Chain()
        self._pending: list[tuple[Checkpoint, str]] = []
        self._signed_by: dict[str, list[str]] = {}
        self._checked: list[CheckedCheckpoint] = []
        names = [*sink.list(cp.NUMBERED), *([cp.LATEST] if sink.get(cp.LATEST) else [])]
        for name in names:
            self._read_checkpoint(name, keys)
        self._pending.sort(key=lambda pending: pending[0].size)

    def batches(self) -> Iterator[Sequence[Record]]:
        """Verify and yield the records, cut where a checkpoint has to be compared.

        Raises:
            LogCorrupt: a record does not hold, or records that a checkpoint covers are missing.
            CheckpointRefused: a checkpoint's root is not the log's.
        """
        self._compare()
        for whole in batched(self._sink.read()):
            records = whole
            while records:
                wanted = len(records)
                if self._pending:
                    wanted = min(wanted, self._pending[0][0].size - self._chain.size)
                part, records = records[:wanted], records[wanted:]
                self._chain.verify(part)
                self._compare()
                yield part
        if self._pending:
            missing, name = self._pending[0]
            raise LogCorrupt(
                self._chain.size,
                f"missing: the log ends here, {name} covers {missing.size} records",
            )

    def result(self) -> AuditResult:
        """Return what the pass verified."""
        chain = self._chain
        return AuditResult(chain.size, chain.tip, chain.frontier.root(), self._checked)

    def _read_checkpoint(self, name: str, keys: Sequence[NoteVerifier]) -> None:
        stored = self._sink.get(name)
        if stored is None:
            return
        try:
            checkpoint, signed = cp.parse(stored.data)
            self._signed_by[name] = note.verify(signed, keys) if keys else []
        except CheckpointRefused as error:
            raise CheckpointRefused(f"{name}: {error}") from None
        if name.startswith(cp.NUMBERED) and name != cp.numbered_name(checkpoint.size):
            raise CheckpointRefused(f"{name}: it is of size {checkpoint.size}")
        if self._origin is not None and checkpoint.origin != self._origin:
            raise CheckpointRefused(
                f"{name}: of log {checkpoint.origin!r}, this log is {self._origin!r}"
            )
        self._pending.append((checkpoint, name))

    def _compare(self) -> None:
        """Compare the checkpoints whose size the chain has reached."""
        while self._pending and self._pending[0][0].size == self._chain.size:
            checkpoint, name = self._pending.pop(0)
            root = self._chain.frontier.root()
            if checkpoint.root != root:
                raise CheckpointRefused(
                    f"{name}: its root is {checkpoint.root.hex()}, "
                    f"the first {checkpoint.size} records have {root.hex()}"
                )
            self._checked.append(CheckedCheckpoint(name, checkpoint.size, self._signed_by[name]))
