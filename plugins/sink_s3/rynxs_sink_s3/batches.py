"""The log's batches in a bucket: finding them by listing, and fetching them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from rynxs.api import SinkCorrupt
from rynxs_sink_s3.batch_object import LOG, OBJECT_SIZE_MAX, Batch, decode_object, key_of, seq_of

if TYPE_CHECKING:
    from rynxs_sink_s3.bucket import Bucket


class Starts(NamedTuple):
    """Part of the listing of batches: their first seqs, and whether no more come after them."""

    seqs: list[int]
    is_last: bool


class Batches:
    """The batches below ``log/``.

    The first one and the last one are kept, for they are asked for again and again: the first names
    the log, the last is its end.
    """

    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket
        self._first: Batch | None = None
        self._last: Batch | None = None

    def starts_after(self, seq: int) -> Starts:
        """Return the first seqs of up to 1,000 batches that start after `seq`, which may be -1.

        Raises:
            SinkCorrupt: a key among them is not one of a batch.
        """
        page = self._bucket.keys(LOG, key_of(seq) if seq >= 0 else "")
        return Starts([seq_of(key) for key in page.keys], page.is_last)

    def fetch(self, first_seq: int) -> Batch | None:
        """Return the batch that starts with a seq, None when there is none.

        Raises:
            SinkCorrupt: it is not what was written.
        """
        kept = self.holding(first_seq)
        if kept is not None and kept.first_seq == first_seq:
            return kept
        batch = self._fetch(first_seq)
        if first_seq == 0 and batch is not None:
            self._first = batch
        return batch

    def keep_last(self, batch: Batch) -> None:
        """Keep the batch that is the log's last now."""
        self._last = batch

    def holding(self, seq: int) -> Batch | None:
        """Return a kept batch that holds a seq, None when none does."""
        for batch in (self._first, self._last):
            if batch is not None and batch.first_seq <= seq < batch.next_seq:
                return batch
        return None

    def _fetch(self, first_seq: int) -> Batch | None:
        """Fetch a batch; one that does not hold is fetched again, for the way may be at fault."""
        try:
            return self._fetch_once(first_seq)
        except SinkCorrupt:
            return self._fetch_once(first_seq)

    def _fetch_once(self, first_seq: int) -> Batch | None:
        stored = self._bucket.fetch(key_of(first_seq), OBJECT_SIZE_MAX)
        return None if stored is None else decode_object(first_seq, stored.data)


def missing(seq: int, next_seq: int) -> SinkCorrupt:
    """Return the error that says that records are missing before a batch."""
    return SinkCorrupt(seq, f"missing: the next batch is {key_of(next_seq)}")
