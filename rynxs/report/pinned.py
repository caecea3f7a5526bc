"""A log as the audit found it: what is read again later must be those very records."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rynxs.errors import LogCorrupt
from rynxs.eventlog.as_found import AsFound
from rynxs.eventlog.record import leaf_hash

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rynxs.eventlog.record import Record
    from rynxs.eventlog.sink import Sink


class Pinned(AsFound):
    """A sink whose reads end at the audited size, and must end in the audited head.

    A reader that verifies the chain so gets the audited history or an error, whoever writes to the
    storage meanwhile.
    """

    def __init__(self, sink: Sink) -> None:
        """Take the checkpoints as they are now; call `pin` once the records are audited."""
        super().__init__(sink)
        self._end: tuple[int, bytes] | None = None

    def pin(self, size: int, head: bytes) -> None:
        """From now on read `size` records, the last of which has the leaf hash `head`."""
        self._end = size, head

    def size(self) -> int:
        """Return the number of records."""
        return super().size() if self._end is None else self._end[0]

    def read(self, start: int = 0, stop: int | None = None) -> Iterator[Record]:
        """Yield records.

        Raises:
            LogCorrupt: the log has been changed since it was audited.
        """
        if self._end is None:
            yield from super().read(start, stop)
            return
        size, head = self._end
        stop = size if stop is None else min(stop, size)
        seq = start
        for record in super().read(start, stop):
            if seq == size - 1 and leaf_hash(record.header) != head:
                raise LogCorrupt(seq, "is not what it was when the log was audited")
            yield record
            seq += 1
        if seq < stop:
            raise LogCorrupt(seq, "is gone since the log was audited")
