"""The S3 sink opened for reading: only GET and LIST are sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rynxs.api import ANY, Grouping, Sink, SinkCorrupt, SinkUnavailable
from rynxs_sink_s3 import objects
from rynxs_sink_s3.batches import Batches
from rynxs_sink_s3.reading import ReadAhead
from rynxs_sink_s3.tail import find_last

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rynxs.api import Expect, Record, StoredObject
    from rynxs_sink_s3.batch_object import Batch
    from rynxs_sink_s3.bucket import Bucket
    from rynxs_sink_s3.settings import S3Settings


class S3Reader(Sink):
    """A reader of a log in a bucket, beside live writers or not."""

    def __init__(self, bucket: Bucket, settings: S3Settings) -> None:
        """Open an existing log.

        Raises:
            SinkUnavailable: there is no log, or it can't be read.
            SinkCorrupt: the last batch is not what was written.
        """
        self.grouping = Grouping(
            settings.batch_records, settings.batch_bytes, settings.linger_ms / 1_000
        )
        self._bucket = bucket
        self._batches = Batches(bucket)
        self._reading = ReadAhead(self._batches, settings.read_ahead)
        self._last: Batch | None = None
        self._find_last()
        if self._last is None:
            self._explain_absence()

    def size(self) -> int:
        """Return the number of readable records at this moment."""
        self._find_last()
        return self._last.next_seq if self._last is not None else 0

    def append(self, start: int, records: Sequence[Record]) -> None:
        """Refuse."""
        raise SinkUnavailable(f"{self._bucket.url}: the log is open for reading only")

    def read(self, start: int = 0, stop: int | None = None) -> Iterator[Record]:
        """Yield records."""
        known = self._last.next_seq if self._last is not None else 0
        return self._reading.records(start, stop, known)

    def get(self, name: str) -> StoredObject | None:
        """Return an object, or None."""
        return objects.get_object(self._bucket, name)

    def put(self, name: str, data: bytes, expect: Expect | str = ANY) -> str:
        """Refuse."""
        raise SinkUnavailable(f"{self._bucket.url}: the log is open for reading only")

    def list(self, prefix: str = "") -> Sequence[str]:
        """Return the names that start with `prefix`, sorted."""
        return objects.list_objects(self._bucket, prefix)

    def close(self) -> None:
        """End the threads that read ahead, and the connections."""
        self._reading.close()
        self._bucket.close()

    def _find_last(self) -> None:
        self._last = find_last(self._bucket, self._batches, self._last)
        if self._last is not None:
            self._batches.keep_last(self._last)

    def _explain_absence(self) -> None:
        covered = objects.checkpoint_sizes(self._bucket, 0)
        if covered:
            self._find_last()  # a writer may have begun it since
        if self._last is not None:
            return
        if covered:
            raise SinkCorrupt(
                0, f"missing: there is no batch, and a checkpoint covers {covered[0]} records"
            )
        raise SinkUnavailable(f"{self._bucket.url}: no log is here")
