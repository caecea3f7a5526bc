"""Detached payloads that no batch names, and who removes them.

A payload is put before its batch, so it stays behind when the batch is not made. No GET of the log
ever finds it, but it is personal, so it has to go. Which one is an orphan is known only where the
fate of its seq is:

- a writer removes what it put itself when another writer has won the seq, when it appended other
  records there after a failure, and when it is closed before the batch was sent;
- what a killed writer left lies at or after the end of the log. The next writer lists that before
  its own first payload, and removes what lies at a seq once that seq is its own. Not before: until
  then the other writer may live, and win.

Removing is tried once; what is left goes when the seq's payload is erased, for that removes all
that was ever put for the seq.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from rynxs.api import SinkUnavailable
from rynxs_sink_s3.batch_object import PAYLOADS, payloads_of

if TYPE_CHECKING:
    from collections.abc import Collection

    from rynxs_sink_s3.bucket import Bucket
    from rynxs_sink_s3.versions import Versions


class Orphans:
    """What a writer knows of payloads without a batch."""

    def __init__(self, bucket: Bucket, versions: Versions, size: int) -> None:
        """`size` is the log's when it was opened."""
        self._bucket = bucket
        self._versions = versions
        self._opened_at = size
        self._is_listed = False
        self._own: set[str] = set()
        self._left: set[str] = set()

    def before_storing(self, keys: Collection[str]) -> None:
        """Take note of payloads that are about to be put.

        Raises:
            SinkUnavailable: the server can't be asked what was left.
        """
        if not keys:
            return
        if not self._is_listed:
            page = self._bucket.keys(PAYLOADS, PAYLOADS + f"{self._opened_at:020d}")
            self._left.update(page.keys)
            self._is_listed = True
        self._own.update(keys)

    def after_appending(self, keys: Collection[str], size: int) -> None:
        """Remove what is an orphan now that this writer's batch has made the log so large."""
        if not self._own and not self._left:
            return
        self._own.difference_update(keys)
        passed = {key for key in self._left if key < payloads_of(size)}
        self._left -= passed
        self._remove(passed)
        self.remove_own()

    def remove_own(self) -> None:
        """Remove what this writer put and none of its batches names, nor will."""
        keys, self._own = self._own, set()
        self._remove(keys)

    def keep_own(self) -> None:
        """Leave what this writer put, for a batch may name it after all."""
        self._own = set()

    def _remove(self, keys: Collection[str]) -> None:
        with suppress(SinkUnavailable):
            for key in sorted(keys):
                self._versions.remove(self._versions.of(key))
