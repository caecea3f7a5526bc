"""Growth: one pass over a log that has all that several checkpoints of it cover."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rynxs.errors import CheckpointRefused
from rynxs.eventlog.chain import Chain
from rynxs.eventlog.log import batched
from rynxs.eventlog.redaction import Redactions
from rynxs.eventlog.witness import ExpectedCheckpoints

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rynxs.eventlog.record import Record
    from rynxs.eventlog.sink import Sink
    from rynxs.eventlog.trust import Trust
    from rynxs.eventlog.witness import CheckedCheckpoint, Expected


class Growth:
    """The comparison of checkpoints with one log; run `batches` to the end.

    Attributes:
        size: records that the largest of the checkpoints covers.
    """

    def __init__(self, sink: Sink, trust: Trust, expected: Sequence[Expected]) -> None:
        """Compare at least one checkpoint.

        Raises:
            CheckpointRefused: one covers more records than the log holds, is of another log, or is
                not properly signed, and no record of the log could change that.
            LogCorrupt: the first record does not name the log.
        """
        self._sink = sink
        self._names = [each.name for each in expected]
        self._expected = ExpectedCheckpoints(sink, trust, expected)
        self._redactions = Redactions()
        self.size = max(each.checkpoint.size for each in expected)
        if self.size > sink.size():
            raise CheckpointRefused(
                f"covers {self.size} records, the log holds {sink.size()}: records are missing"
            )

    @property
    def checked(self) -> list[CheckedCheckpoint]:
        """The checkpoints that hold, in the order in which they were given."""
        by_name = {checked.name: checked for checked in self._expected.checked}
        return [by_name[name] for name in self._names if name in by_name]

    def batches(self) -> Iterator[Sequence[Record]]:
        """Verify the records that the checkpoints cover, and yield them.

        Later records are read only if a checkpoint is signed by a key that just a later rotation
        links to a known one, or if a payload is missing that just a later record redacts.

        Raises:
            LogCorrupt: a record does not hold, or a payload is missing that no record redacts.
            CheckpointRefused: a checkpoint's root is not the log's, or it is not properly signed.
        """
        chain = Chain()
        yield from self._verified(chain, self.size)
        if not self._expected.is_done or self._redactions.unnamed:
            yield from self._verified(chain, None)
        self._expected.finish(chain)
        self._redactions.finish()

    def _verified(self, chain: Chain, stop: int | None) -> Iterator[Sequence[Record]]:
        for records in batched(self._sink.read(chain.size, stop)):
            for part in self._expected.verify(chain, records):
                self._redactions.take(chain.verify(part), part)
                yield part
