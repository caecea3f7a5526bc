"""Finding the last batch: by the hint and one listing, or without by galloping over listings.

Only the listing and the batch itself are believed. The hint says where to list from; a wrong one
costs requests. A gap does not mislead the gallop, which only asks whether any batch comes later.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rynxs.api import SinkCorrupt
from rynxs_sink_s3 import hint as hints
from rynxs_sink_s3.batch_object import key_of

if TYPE_CHECKING:
    from rynxs_sink_s3.batch_object import Batch
    from rynxs_sink_s3.batches import Batches, Starts
    from rynxs_sink_s3.bucket import Bucket

_STRIDE = 4
_LISTED = 1_000  # a listing spans so many keys at least, unless it is the last


def find_last(bucket: Bucket, batches: Batches, known: Batch | None) -> Batch | None:
    """Return the last batch, None for an empty log.

    Args:
        bucket: where the hint is.
        batches: where the batches are.
        known: a batch that was the last one before, if one is known.

    Raises:
        SinkCorrupt: the last batch is not what was written.
    """
    if known is not None:
        return _last_after(batches, known)
    hint = _read_hint(bucket)
    if hint is not None:
        starts = batches.starts_after(hint.first)
        hinted = None if starts.seqs else batches.fetch(hint.first)
        if hinted is not None and hint.fits(hinted):
            return hinted
        if starts.seqs and starts.seqs[0] == hint.first + hint.records:
            return _batch(batches, _gallop(batches, starts, hint.first))
    return _last_after(batches, None)


def _last_after(batches: Batches, known: Batch | None) -> Batch | None:
    """Return the last batch; one that is known is looked at again, for erasing changes batches."""
    before = known.first_seq - 1 if known is not None else -1
    starts = batches.starts_after(before)
    if not starts.seqs:
        return known
    if known is not None and starts.seqs == [known.first_seq] and starts.is_last:
        return _batch(batches, known.first_seq, starts.etags[0])
    return _batch(batches, _gallop(batches, starts, before))


def _batch(batches: Batches, first_seq: int, etag: str | None = None) -> Batch:
    batch = batches.fetch(first_seq, etag)
    if batch is None:
        raise SinkCorrupt(first_seq, f"missing: {key_of(first_seq)} was listed and is gone")
    return batch


def _read_hint(bucket: Bucket) -> hints.Hint | None:
    stored = bucket.fetch(hints.KEY, hints.SIZE_MAX)
    return None if stored is None else hints.decode_hint(stored.data)


def _gallop(batches: Batches, starts: Starts, before: int) -> int:
    """Return the first seq of the last batch, given a listing of some of those after `before`."""
    low, is_last = starts.seqs[-1], starts.is_last
    step = low - before
    high: int | None = None  # nothing starts after it
    while not is_last:
        middle = low + step if high is None else _middle(low, high)
        starts = batches.starts_after(middle)
        if starts.seqs:
            low, is_last = starts.seqs[-1], starts.is_last
            step *= _STRIDE
        elif middle == low:
            return low
        else:
            high = middle
    return low


def _middle(low: int, high: int) -> int:
    """Return where to look next; once a listing spans the rest, that is from `low` on."""
    return (low + high) // 2 if high - low > _LISTED else low
