"""Reading records: one GET a batch, with a few batches fetched ahead of the one that is read."""

from __future__ import annotations

from collections import deque
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import TYPE_CHECKING

from rynxs.api import RECORDS_MAX, SinkCorrupt, SinkUnavailable
from rynxs_sink_s3.batch_object import key_of
from rynxs_sink_s3.batches import missing

if TYPE_CHECKING:
    from collections.abc import Iterator
    from concurrent.futures import Future

    from rynxs.api import Record
    from rynxs_sink_s3.batch_object import Batch
    from rynxs_sink_s3.batches import Batches


class ReadAhead:
    """Fetches batches in threads of its own."""

    def __init__(self, batches: Batches, ahead: int) -> None:
        """`ahead` is how many batches are fetched before they are asked for."""
        self._batches = batches
        self._ahead = ahead
        self._threads: ThreadPoolExecutor | None = None
        self._is_open = True

    def records(self, start: int, stop: int | None, known: int) -> Iterator[Record]:
        """Yield records `start` to `stop`, exclusive, or to the end.

        Args:
            start: the first one.
            stop: the one after the last; None for all there are.
            known: so many records were there before, so their end must be.

        Raises:
            SinkCorrupt: a batch is missing, is not what was written, or starts inside another.
            SinkUnavailable: the log was closed.
        """
        self._check_open()
        if stop is not None and start >= stop:
            return
        kept = self._batches.holding(start)
        if kept is not None and stop is not None and stop <= kept.next_seq:
            yield from _cut(kept, start, stop)
            return
        position = start
        for batch in self._in_order(self._starts(start, stop)):
            if batch.first_seq > position:
                raise missing(position, batch.first_seq)
            if batch.first_seq < position and position > start:
                raise SinkCorrupt(
                    position, f"{key_of(batch.first_seq)} starts inside another batch"
                )
            if batch.next_seq > position:
                yield from _cut(batch, position, stop)
                position = batch.next_seq
        if position < (known if stop is None else min(stop, known)):
            raise SinkCorrupt(position, f"missing: the log had {known} records before")

    def close(self) -> None:
        """End the threads; what they were to fetch is given up."""
        self._is_open = False
        if self._threads is not None:
            self._threads.shutdown(wait=True, cancel_futures=True)
            self._threads = None

    def _starts(self, start: int, stop: int | None) -> Iterator[int]:
        """Yield the first seqs of the batches that may hold records `start` to `stop`."""
        after, is_last = max(start - RECORDS_MAX, -1), False
        before: int | None = None  # the latest batch that starts at or before `start`
        while not is_last:
            starts = self._batches.starts_after(after)
            is_last = starts.is_last
            for seq in starts.seqs:
                if seq <= start:
                    before = seq
                    continue
                if before is not None:
                    yield before
                    before = None
                if stop is not None and seq >= stop:
                    return
                yield seq
            after = starts.seqs[-1] if starts.seqs else after
        if before is not None:
            yield before

    def _in_order(self, starts: Iterator[int]) -> Iterator[Batch]:
        if self._ahead == 0:
            for seq in starts:
                self._check_open()
                yield self._fetch(seq)
            return
        if self._threads is None:
            self._threads = ThreadPoolExecutor(self._ahead, thread_name_prefix="rynxs-s3-read")
        threads = self._threads
        coming: deque[Future[Batch]] = deque()
        try:
            for seq in islice(starts, self._ahead):
                coming.append(threads.submit(self._fetch, seq))
            while coming:
                self._check_open()
                batch = coming.popleft().result()
                for seq in islice(starts, 1):
                    coming.append(threads.submit(self._fetch, seq))
                yield batch
        finally:
            for future in coming:
                future.cancel()

    def _check_open(self) -> None:
        if not self._is_open:
            raise SinkUnavailable("the log is closed")

    def _fetch(self, seq: int) -> Batch:
        batch = self._batches.fetch(seq)
        if batch is None:
            raise SinkCorrupt(seq, f"missing: {key_of(seq)} was listed and is gone")
        return batch


def _cut(batch: Batch, start: int, stop: int | None) -> list[Record]:
    low = max(start - batch.first_seq, 0)
    high = None if stop is None else max(stop - batch.first_seq, 0)
    return batch.records[low:high]
