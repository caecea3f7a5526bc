"""The S3 sink opened for reading: only GET and LIST are sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rynxs.api import ANY, Grouping, Sink, SinkCorrupt, SinkUnavailable, check_positions
from rynxs_sink_s3 import objects
from rynxs_sink_s3.batches import Batches
from rynxs_sink_s3.erasure import Erasure
from rynxs_sink_s3.payloads import Payloads
from rynxs_sink_s3.reading import ReadAhead
from rynxs_sink_s3.tail import find_last
from rynxs_sink_s3.versions import Versions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime

    from rynxs.api import Expect, Record, StoredObject
    from rynxs_sink_s3.bucket import Bucket
    from rynxs_sink_s3.settings import S3Settings


class S3Reader(Sink):
    """A reader of a log in a bucket, beside live writers or not."""

    def __init__(self, bucket: Bucket, settings: S3Settings, now: Callable[[], datetime]) -> None:
        """Open an existing log.

        Args:
            bucket: where the log is.
            settings: the sink's settings.
            now: the wall clock, for whether a retention is over.

        Raises:
            SinkUnavailable: there is no log, or it can't be read.
            SinkCorrupt: the last batch is not what was written.
        """
        self.grouping = Grouping(
            settings.batch_records, settings.batch_bytes, settings.linger_ms / 1_000
        )
        self._bucket = bucket
        self._batches = Batches(bucket)
        self._reading = ReadAhead(self._batches, Payloads(bucket), settings.read_ahead)
        self._erasure = Erasure(bucket, self._batches, Versions(bucket, now))
        self._find_last()
        if self._batches.last is None:
            self._explain_absence()

    def size(self) -> int:
        """Return the number of readable records at this moment."""
        self._find_last()
        return self._known()

    def append(self, start: int, records: Sequence[Record]) -> None:
        """Refuse."""
        raise SinkUnavailable(f"{self._bucket.url}: the log is open for reading only")

    def read(self, start: int = 0, stop: int | None = None) -> Iterator[Record]:
        """Yield records."""
        return self._reading.records(start, stop, self._known())

    def erase(self, seqs: Sequence[int]) -> None:
        """Refuse."""
        raise SinkUnavailable(f"{self._bucket.url}: the log is open for reading only")

    def locked_until(self, seqs: Sequence[int]) -> int | None:
        """Return when the last lock on these payloads opens."""
        check_positions(seqs, self.size())
        return self._erasure.locked_until(seqs)

    def get(self, name: str) -> StoredObject | None:
        """Return an object, or None."""
        return objects.get_object(self._bucket, name)

    def put(self, name: str, data: bytes, expect: Expect | str = ANY) -> str:
        """Refuse."""
        raise SinkUnavailable(f"{self._bucket.url}: the log is open for reading only")

    def delete(self, name: str) -> None:
        """Refuse."""
        raise SinkUnavailable(f"{self._bucket.url}: the log is open for reading only")

    def list(self, prefix: str = "") -> Sequence[str]:
        """Return the names that start with `prefix`, sorted."""
        return objects.list_objects(self._bucket, prefix)

    def close(self) -> None:
        """End the threads that read ahead, and the connections."""
        self._reading.close()
        self._bucket.close()

    def _known(self) -> int:
        last = self._batches.last
        return last.next_seq if last is not None else 0

    def _find_last(self) -> None:
        last = find_last(self._bucket, self._batches, self._batches.last)
        if last is not None:
            self._batches.keep_last(last)

    def _explain_absence(self) -> None:
        covered = objects.checkpoint_sizes(self._bucket, 0)
        if covered:
            self._find_last()  # a writer may have begun it since
        if self._batches.last is not None:
            return
        if covered:
            raise SinkCorrupt(
                0, f"missing: there is no batch, and a checkpoint covers {covered[0]} records"
            )
        raise SinkUnavailable(f"{self._bucket.url}: no log is here")
