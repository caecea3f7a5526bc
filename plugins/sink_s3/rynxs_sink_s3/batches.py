"""The log's batches in a bucket: finding them by listing, and fetching them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from rynxs.api import RECORDS_MAX, SinkCorrupt
from rynxs_sink_s3.batch_object import LOG, OBJECT_SIZE_MAX, Batch, decode_object, key_of, seq_of

if TYPE_CHECKING:
    from rynxs_sink_s3.bucket import Bucket


class Starts(NamedTuple):
    """Part of the listing of batches.

    Attributes:
        seqs: their first seqs.
        etags: of their objects.
        is_last: whether no more come after them.
    """

    seqs: list[int]
    etags: list[str]
    is_last: bool


class Batches:
    """The batches below ``log/``.

    The first one and the last one are kept, for they are asked for again and again: the first names
    the log, the last is its end. One whose ETag is not the listed one, for a payload in it has been
    erased by another process, is fetched again.
    """

    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket
        self._first: Batch | None = None
        self._last: Batch | None = None

    @property
    def last(self) -> Batch | None:
        """The batch that was the log's last when it was looked for."""
        return self._last

    def starts_after(self, seq: int) -> Starts:
        """Return the first seqs of up to 1,000 batches that start after `seq`, which may be -1.

        Raises:
            SinkCorrupt: a key among them is not one of a batch.
        """
        page = self._bucket.keys(LOG, key_of(seq) if seq >= 0 else "")
        return Starts([seq_of(key) for key in page.keys], page.etags, page.is_last)

    def fetch(self, first_seq: int, etag: str | None = None) -> Batch | None:
        """Return the batch that starts with a seq, None when there is none.

        Args:
            first_seq: where it starts.
            etag: what the object's was said to be; None to take a kept batch for current.

        Raises:
            SinkCorrupt: it is not what was written.
        """
        kept = self.holding(first_seq)
        if kept is not None and kept.first_seq == first_seq and etag in {None, kept.etag}:
            return kept
        batch = self.fetch_again(first_seq)
        if batch is not None:
            self.replace(batch)
        return batch

    def find(self, seq: int) -> Batch:
        """Return the batch that holds a seq as it is stored now.

        Raises:
            SinkCorrupt: it is missing, or not what was written.
        """
        starts = self.starts_after(max(seq - RECORDS_MAX, -1)).seqs
        before = [first for first in starts if first <= seq]
        batch = self.fetch_again(before[-1]) if before else None
        if batch is None or seq >= batch.next_seq:
            raise SinkCorrupt(seq, "missing: no batch holds it")
        return batch

    def keep_last(self, batch: Batch) -> None:
        """Keep the batch that is the log's last now."""
        self._last = batch

    def replace(self, batch: Batch) -> None:
        """Take note of what a batch is now, if it is one that is kept."""
        if batch.first_seq == 0:
            self._first = batch
        if self._last is not None and self._last.first_seq == batch.first_seq:
            self._last = batch

    def holding(self, seq: int) -> Batch | None:
        """Return a kept batch that holds a seq, None when none does."""
        for batch in (self._last, self._first):
            if batch is not None and batch.first_seq <= seq < batch.next_seq:
                return batch
        return None

    def fetch_again(self, first_seq: int) -> Batch | None:
        """Fetch a batch; one that does not hold is fetched again, for the way may be at fault."""
        try:
            return self._fetch_once(first_seq)
        except SinkCorrupt:
            return self._fetch_once(first_seq)

    def _fetch_once(self, first_seq: int) -> Batch | None:
        stored = self._bucket.fetch(key_of(first_seq), OBJECT_SIZE_MAX)
        if stored is None:
            return None
        return decode_object(first_seq, stored.data)._replace(etag=stored.etag)


def missing(seq: int, next_seq: int) -> SinkCorrupt:
    """Return the error that says that records are missing before a batch."""
    return SinkCorrupt(seq, f"missing: the next batch is {key_of(next_seq)}")
