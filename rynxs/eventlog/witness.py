"""The stored checkpoints of a log, each compared with the chain where the chain has its size."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from rynxs.errors import CheckpointRefused, LogCorrupt
from rynxs.eventlog import checkpoint as cp
from rynxs.eventlog import note
from rynxs.eventlog.genesis import origin_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rynxs.eventlog.chain import Chain
    from rynxs.eventlog.checkpoint import Checkpoint
    from rynxs.eventlog.note import NoteVerifier
    from rynxs.eventlog.record import Record
    from rynxs.eventlog.sink import Sink


class CheckedCheckpoint(NamedTuple):
    """A stored checkpoint that matches the log; `signed_by` is empty when no key was given."""

    name: str
    size: int
    signed_by: list[str]


class StoredCheckpoints:
    """The checkpoints that a log must still have.

    Attributes:
        checked: those that the chain has matched so far.
    """

    def __init__(self, sink: Sink, keys: Sequence[NoteVerifier], start: int = 0) -> None:
        """Read those of more than `start` records; with keys, each must be signed by one of them.

        Raises:
            CheckpointRefused: one is malformed, misnamed, of another log, or not properly signed.
            LogCorrupt: the first record does not name the log.
        """
        self.checked: list[CheckedCheckpoint] = []
        self._pending: list[tuple[Checkpoint, CheckedCheckpoint]] = []
        smallest = start + 1 if start else 0
        first = cp.numbered_name(smallest)
        numbered = [name for name in sink.list(cp.NUMBERED) if name >= first]
        for name in [*numbered, cp.LATEST]:
            stored = sink.get(name)
            if stored is None:
                continue
            try:
                checkpoint, signed_by = _read(name, stored.data, keys)
            except CheckpointRefused as error:
                raise CheckpointRefused(f"{name}: {error}") from None
            if checkpoint.size >= smallest:
                checked = CheckedCheckpoint(name, checkpoint.size, signed_by)
                self._pending.append((checkpoint, checked))
        self._check_origins(sink)
        self._pending.sort(key=lambda pending: pending[0].size)

    def _check_origins(self, sink: Sink) -> None:
        origin = origin_of(sink) if self._pending else None
        for checkpoint, checked in self._pending:
            if origin is not None and checkpoint.origin != origin:
                raise CheckpointRefused(
                    f"{checked.name}: of log {checkpoint.origin!r}, this log is {origin!r}"
                )

    def verify(self, chain: Chain, records: Sequence[Record]) -> Iterator[Sequence[Record]]:
        """Let the chain verify records, in parts that end where a checkpoint does.

        Raises:
            LogCorrupt: a record does not hold.
            CheckpointRefused: a checkpoint's root is not the log's.
        """
        self._compare(chain)
        while records:
            wanted = len(records)
            if self._pending:
                wanted = min(wanted, self._pending[0][0].size - chain.size)
            part, records = records[:wanted], records[wanted:]
            yield part
            self._compare(chain)

    def finish(self, chain: Chain) -> None:
        """Check that nothing is missing that a checkpoint covers.

        Raises:
            LogCorrupt: the log is shorter than a checkpoint.
        """
        self._compare(chain)
        if self._pending:
            missing, checked = self._pending[0]
            raise LogCorrupt(
                chain.size,
                f"missing: the log ends here, {checked.name} covers {missing.size} records",
            )

    def _compare(self, chain: Chain) -> None:
        while self._pending and self._pending[0][0].size == chain.size:
            checkpoint, checked = self._pending.pop(0)
            try:
                checkpoint.require_root(chain.frontier.root())
            except CheckpointRefused as error:
                raise CheckpointRefused(f"{checked.name}: {error}") from None
            self.checked.append(checked)


def _read(name: str, data: bytes, keys: Sequence[NoteVerifier]) -> tuple[Checkpoint, list[str]]:
    checkpoint, signed = cp.parse(data)
    signed_by = note.verify(signed, keys) if keys else []
    if name.startswith(cp.NUMBERED) and name != cp.numbered_name(checkpoint.size):
        raise CheckpointRefused(f"it is of size {checkpoint.size}")
    return checkpoint, signed_by
