"""Reading records: one GET a batch and one a detached payload, a few batches fetched ahead."""

from __future__ import annotations

from collections import deque
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING

from rynxs.api import RECORDS_MAX, SinkCorrupt, SinkUnavailable
from rynxs_sink_s3.batch_object import key_of
from rynxs_sink_s3.batches import missing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from concurrent.futures import Future

    from rynxs.api import Record
    from rynxs_sink_s3.batch_object import Batch
    from rynxs_sink_s3.batches import Batches
    from rynxs_sink_s3.payloads import Payloads

    _Listed = tuple[int, str]  # a batch's first seq and its ETag
    _Fetched = tuple[Batch, list[Record]]


class ReadAhead:
    """Fetches batches in threads of its own."""

    def __init__(self, batches: Batches, payloads: Payloads, ahead: int) -> None:
        """`ahead` is how many batches are fetched before they are asked for."""
        self._batches = batches
        self._payloads = payloads
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
            yield from self._payloads.records(kept, start, stop)
            return
        position = start
        fetch = partial(self._fetch, start, stop)
        for batch, records in self._in_order(self._starts(start, stop), fetch):
            if batch.first_seq > position:
                raise missing(position, batch.first_seq)
            if batch.first_seq < position and position > start:
                raise SinkCorrupt(
                    position, f"{key_of(batch.first_seq)} starts inside another batch"
                )
            if batch.next_seq > position:
                yield from records
                position = batch.next_seq
        if position < (known if stop is None else min(stop, known)):
            raise SinkCorrupt(position, f"missing: the log had {known} records before")

    def close(self) -> None:
        """End the threads; what they were to fetch is given up."""
        self._is_open = False
        self._payloads.close()
        if self._threads is not None:
            self._threads.shutdown(wait=True, cancel_futures=True)
            self._threads = None

    def _starts(self, start: int, stop: int | None) -> Iterator[_Listed]:
        """Yield the batches that may hold records `start` to `stop`, as they are listed."""
        after, is_last = max(start - RECORDS_MAX, -1), False
        before: _Listed | None = None  # the latest batch that starts at or before `start`
        while not is_last:
            starts = self._batches.starts_after(after)
            is_last = starts.is_last
            for listed in zip(starts.seqs, starts.etags, strict=True):
                seq = listed[0]
                if seq <= start:
                    before = listed
                    continue
                if before is not None:
                    yield before
                    before = None
                if stop is not None and seq >= stop:
                    return
                yield listed
            after = starts.seqs[-1] if starts.seqs else after
        if before is not None:
            yield before

    def _in_order(
        self, starts: Iterator[_Listed], fetch: Callable[[_Listed], _Fetched]
    ) -> Iterator[_Fetched]:
        if self._ahead == 0:
            for listed in starts:
                self._check_open()
                yield fetch(listed)
            return
        if self._threads is None:
            self._threads = ThreadPoolExecutor(self._ahead, thread_name_prefix="rynxs-s3-read")
        threads = self._threads
        coming: deque[Future[_Fetched]] = deque()
        try:
            for listed in islice(starts, self._ahead):
                coming.append(threads.submit(fetch, listed))
            while coming:
                self._check_open()
                fetched = coming.popleft().result()
                for listed in islice(starts, 1):
                    coming.append(threads.submit(fetch, listed))
                yield fetched
        finally:
            for future in coming:
                future.cancel()

    def _check_open(self) -> None:
        if not self._is_open:
            raise SinkUnavailable("the log is closed")

    def _fetch(self, start: int, stop: int | None, listed: _Listed) -> _Fetched:
        """Return a batch, and those of its records that are asked for, with their payloads."""
        seq, etag = listed
        batch = self._batches.fetch(seq, etag)
        if batch is None:
            raise SinkCorrupt(seq, f"missing: {key_of(seq)} was listed and is gone")
        return batch, self._payloads.records(batch, start, stop)
