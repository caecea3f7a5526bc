"""Growth: one pass over a log that has all that several checkpoints of it cover."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rynxs.errors import CheckpointRefused
from rynxs.eventlog.chain import Chain
from rynxs.eventlog.log import batched

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rynxs.eventlog.checkpoint import Checkpoint
    from rynxs.eventlog.record import Record
    from rynxs.eventlog.sink import Sink


class Growth:
    """The comparison of checkpoints with one log; run `batches` to the end.

    Attributes:
        size: records that the largest of the checkpoints covers.
    """

    def __init__(self, sink: Sink, checkpoints: Sequence[Checkpoint]) -> None:
        """Compare at least one checkpoint.

        Raises:
            CheckpointRefused: one covers more records than the log holds.
        """
        self._sink = sink
        self._checkpoints = sorted(checkpoints, key=lambda checkpoint: checkpoint.size)
        self.size = self._checkpoints[-1].size
        if self.size > sink.size():
            raise CheckpointRefused(
                f"covers {self.size} records, the log holds {sink.size()}: records are missing"
            )

    def batches(self) -> Iterator[Sequence[Record]]:
        """Verify the records, and yield them in parts that end where a checkpoint does.

        Raises:
            LogCorrupt: a record does not hold.
            CheckpointRefused: a checkpoint's root is not the log's.
        """
        chain = Chain()
        for checkpoint in self._checkpoints:
            for part in batched(self._sink.read(chain.size, checkpoint.size)):
                chain.verify(part)
                yield part
            try:
                checkpoint.require_root(chain.frontier.root())
            except CheckpointRefused as error:
                size = checkpoint.size
                raise CheckpointRefused(f"the checkpoint of {size} records: {error}") from None
