"""The audit of a whole log: every record, and every stored checkpoint against the tree."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from rynxs.errors import CheckpointRefused, LogCorrupt
from rynxs.eventlog.chain import Chain
from rynxs.eventlog.log import read_on
from rynxs.eventlog.merkle import Frontier
from rynxs.eventlog.redaction import Redactions
from rynxs.eventlog.trust import Trust
from rynxs.eventlog.witness import StoredCheckpoints

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rynxs.eventlog.chain import Tip
    from rynxs.eventlog.note import NoteVerifier
    from rynxs.eventlog.record import Record
    from rynxs.eventlog.sink import Sink
    from rynxs.eventlog.stretch import Stretch
    from rynxs.eventlog.witness import CheckedCheckpoint, Expected


class AuditResult(NamedTuple):
    """What was verified.

    Attributes:
        size, tip, root: of the log.
        checkpoints: those that match it.
        redacted: number of records that its ``Redacted`` records name.
        unfinished: those of them whose payload is still there.
    """

    size: int
    tip: Tip
    root: bytes
    checkpoints: list[CheckedCheckpoint]
    redacted: int
    unfinished: list[int]


class Audit:
    """One pass over a log; run `batches` to the end, then ask for the `result`."""

    def __init__(
        self,
        sink: Sink,
        trust: Trust | Sequence[NoteVerifier],
        chain: Chain | None = None,
        vouched: Expected | None = None,
    ) -> None:
        """Read the stored checkpoints; bare keys are trust in any one of them.

        Args:
            sink: the log.
            trust: whose signatures of the checkpoints are believed.
            chain: verified already, as by `rynxs.eventlog.resume`; only what follows is audited.
            vouched: the checkpoint that the chain rests on; judged, and listed, with the others.

        Raises:
            CheckpointRefused: a checkpoint is malformed, misnamed, of another log, or not properly
                signed; or there are keys and no checkpoint.
            LogCorrupt: the first record does not name the log.
        """
        self._sink = sink
        self._trust = Trust.of(trust)
        self._chain = chain or Chain()
        self._start = self._chain.size
        self._redactions = Redactions(self._start)
        self._stored = StoredCheckpoints(sink, self._trust, self._start, vouched)

    @property
    def size(self) -> int:
        """Number of records verified so far."""
        return self._chain.size

    def cuts(self, start: int, stop: int) -> list[int]:
        """Return where a stretch has to be cut, for a checkpoint to be compared there."""
        return [size for size in self._stored.sizes if start < size < stop]

    def join(self, stretch: Stretch) -> None:
        """Take in the next records, verified as a stretch, in place of reading them.

        Raises:
            LogCorrupt: the stretch goes on from another record than the last one taken in, or a
                payload is missing that can't be redacted.
            CheckpointRefused: a checkpoint's root is not the log's, or nobody known signed it.
        """
        chain = self._chain
        if stretch.before != chain.tip:
            raise LogCorrupt(chain.size, "the record before it has changed since it was read")
        self._stored.compare(chain)
        size, nodes = chain.size, chain.frontier.nodes()
        for part in stretch.parts:
            for header, record in part.noted:
                self._redactions.take([header], [record])
                self._stored.follow(header, record)
            chain.frontier = Frontier(size, nodes)
            chain.frontier.join(part.frontier)
            self._stored.compare(chain)
        chain.tip = stretch.tip

    def batches(self) -> Iterator[Sequence[Record]]:
        """Verify and yield the records from `size` on, cut where a checkpoint is to be compared.

        Raises:
            LogCorrupt: a record does not hold, a payload is missing that no record redacts, with
                keys none that a signed checkpoint covers, or records that one covers are missing.
            CheckpointRefused: a checkpoint's root is not the log's, it is not properly signed, or a
                key was given and there is no checkpoint that it could have signed.
        """
        for records in read_on(self._sink, self._chain, self._redactions):
            for part in self._stored.verify(self._chain, records):
                self._redactions.take(self._chain.verify(part), part)
                yield part
        self._stored.finish(self._chain)
        if self._trust.keys and not self._stored.checked:
            raise CheckpointRefused("no checkpoint is stored, so nothing that was read is signed")
        self._redactions.finish(self._stored.signed_size if self._trust.keys else None)

    def result(self) -> AuditResult:
        """Return what the pass verified."""
        chain = self._chain
        return AuditResult(
            chain.size,
            chain.tip,
            chain.frontier.root(),
            self._stored.checked,
            len(self._redactions.named),
            self._redactions.unfinished,
        )
