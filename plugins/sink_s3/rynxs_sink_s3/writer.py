"""The S3 sink opened for appending: one conditional PUT a batch, whose key is the fence.

A batch that starts where the log ends can be created once. A writer that has been overtaken meets
its next key, learns that the object is not its own, and stops. After a failure that leaves the
fate of a batch open, only the same bytes may follow, for the lost PUT may still arrive.

A record with a salt is personal: its payload is put before the batch, as an object of its own.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from rynxs.api import (
    ANY,
    RECORDS_MAX,
    Grouping,
    Sink,
    SinkConflict,
    SinkCorrupt,
    SinkUnavailable,
    check_object_name,
    check_positions,
)
from rynxs_sink_s3 import hint, objects
from rynxs_sink_s3.batch_object import (
    OBJECT_SIZE_MAX,
    Batch,
    encode_object,
    key_of,
    writer_of,
)
from rynxs_sink_s3.batches import Batches
from rynxs_sink_s3.bucket import Refused
from rynxs_sink_s3.erasure import Erasure
from rynxs_sink_s3.orphans import Orphans
from rynxs_sink_s3.payloads import Payloads, keys_of
from rynxs_sink_s3.probe import probe
from rynxs_sink_s3.reading import ReadAhead
from rynxs_sink_s3.tail import find_last
from rynxs_sink_s3.versions import Versions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from rynxs.api import Expect, Record, StoredObject
    from rynxs_sink_s3.bucket import Bucket
    from rynxs_sink_s3.settings import S3Settings

HINT_INTERVAL = 500


class S3Writer(Sink):
    """A writer of a log in a bucket; of several, each position belongs to one."""

    def __init__(
        self, bucket: Bucket, settings: S3Settings, token: bytes, now: Callable[[], datetime]
    ) -> None:
        """Find the end of the log, and probe the server.

        Args:
            bucket: where the log is.
            settings: the sink's settings.
            token: 16 random bytes of this opening. Not a function of the log: two writers with one
                clock and one entropy must differ in it.
            now: the wall clock, for retention and whether it is over.

        Raises:
            SinkUnavailable: the bucket can't be used, or is no fence.
            SinkCorrupt: the last batch is not what was written, or is missing.
        """
        self.grouping = Grouping(
            settings.batch_records, settings.batch_bytes, settings.linger_ms / 1_000
        )
        self._bucket = bucket
        self._lock = settings.object_lock
        self._writer_id = token
        self._now = now
        self._batches = Batches(bucket)
        self._payloads = Payloads(bucket)
        self._reading = ReadAhead(self._batches, self._payloads, settings.read_ahead)
        self._find_last()
        self._check_covered()
        probe(bucket, token)
        self._versions = Versions(bucket, now)
        self._erasure = Erasure(bucket, self._batches, self._versions)
        self._orphans = Orphans(bucket, self._versions, self.size())
        self._in_doubt: bytes | None = None  # the batch that may still arrive
        self._since_hint = 0  # batches
        self._is_hinted = True
        self._is_open = True

    def size(self) -> int:
        """Return the number of durable records."""
        last = self._batches.last
        return last.next_seq if last is not None else 0

    def append(self, start: int, records: Sequence[Record]) -> None:
        """Create the batch's object, and before that the payloads that are objects themselves."""
        size = self.size()
        if start != size:
            raise SinkConflict(f"append at {start}, but the log holds {size} records")
        if not 0 < len(records) <= RECORDS_MAX:
            raise SinkUnavailable(f"a batch has 1 to {RECORDS_MAX} records, not {len(records)}")
        self._check_open()
        keys = keys_of(start, records, self._writer_id)
        data = encode_object(start, records, self._writer_id, keys)
        if len(data) > OBJECT_SIZE_MAX:
            raise SinkUnavailable(f"a batch of {len(data)} bytes, the limit is {OBJECT_SIZE_MAX}")
        self._store_payloads(start, records, keys, data)
        etag = self._create(start, data)
        # Kept with its payloads, so that reading it back costs nothing.
        self._batches.keep_last(Batch(start, list(records), writer_id=self._writer_id, etag=etag))
        self._orphans.after_appending(keys.values(), self.size())
        self._since_hint += 1
        self._is_hinted = False
        if self._since_hint >= HINT_INTERVAL:
            self._store_hint()

    def read(self, start: int = 0, stop: int | None = None) -> Iterator[Record]:
        """Yield records, up to where this writer has seen the log end.

        Raises:
            SinkConflict: only such are asked for as another writer has made since.
        """
        size = self.size()
        is_beyond = stop is not None and size <= start < stop and self._in_doubt is None
        if is_beyond and self._batches.starts_after(size - 1).seqs:
            raise SinkConflict(f"{self._bucket.url}: {key_of(size)} belongs to another writer")
        return self._reading.records(start, size if stop is None else min(stop, size), size)

    def erase(self, seqs: Sequence[int]) -> None:
        """Erase payloads and salts, in all versions that the bucket keeps."""
        self._check_open()
        check_positions(seqs, self.size())
        self._erasure.erase(seqs)

    def locked_until(self, seqs: Sequence[int]) -> int | None:
        """Return when the last lock on these payloads opens."""
        self._check_open()
        check_positions(seqs, self.size())
        return self._erasure.locked_until(seqs)

    def get(self, name: str) -> StoredObject | None:
        """Return an object, or None."""
        return objects.get_object(self._bucket, name)

    def put(self, name: str, data: bytes, expect: Expect | str = ANY) -> str:
        """Store an object."""
        self._check_open()
        return objects.put_object(self._bucket, name, data, expect)

    def delete(self, name: str) -> None:
        """Remove an object with all its versions."""
        self._check_open()
        check_object_name(name)
        self._versions.remove(self._versions.of(name))

    def list(self, prefix: str = "") -> Sequence[str]:
        """Return the names that start with `prefix`, sorted."""
        return objects.list_objects(self._bucket, prefix)

    def close(self) -> None:
        """Leave a hint for the next opening, and no payload of a batch that was never sent."""
        if not self._is_open:
            return
        self._is_open = False
        self._reading.close()
        if self._in_doubt is None:
            self._orphans.remove_own()
        if not self._is_hinted:
            self._store_hint()
        self._bucket.close()

    def _store_payloads(
        self, start: int, records: Sequence[Record], keys: Mapping[int, str], data: bytes
    ) -> None:
        """Store the payloads that a batch is to name.

        Not again when the batch itself was sent already: then they are stored, and if it was made,
        one may have been erased since.

        Raises:
            SinkUnavailable: another batch may still arrive, or one may not be stored.
        """
        if self._in_doubt not in {None, data}:
            raise SinkUnavailable(
                f"{self._bucket.url}: the batch of record {start} that was sent before may still "
                "arrive; send the same records again, or open the log anew"
            )
        if self._in_doubt is None:
            self._orphans.before_storing(keys.values())
            self._payloads.store(start, records, keys)

    def _create(self, start: int, data: bytes) -> str:
        """Create a batch's object and return its ETag."""
        self._in_doubt = data
        outcome = self._bucket.create(key_of(start), data, self._retention())
        etag = self._own(start, data) if isinstance(outcome, Refused) else outcome
        self._in_doubt = None
        return etag

    def _own(self, start: int, data: bytes) -> str:
        """Return the ETag of the object that exists, if it is the one that an attempt made.

        Raises:
            SinkConflict: it is another writer's, or another writer has erased a payload in it.
        """
        key = key_of(start)
        found = self._bucket.fetch(key, OBJECT_SIZE_MAX)
        if found is None:
            raise SinkUnavailable(f"{self._bucket.url}: {key} is said to exist, and does not")
        if found.data == data:
            return found.etag
        self._in_doubt = None  # what was sent before can't arrive any more
        if writer_of(found.data) in {None, self._writer_id}:
            self._orphans.keep_own()  # the batch was made, and changed since
        else:
            self._orphans.remove_own()
        raise SinkConflict(f"{self._bucket.url}: {key} belongs to another writer")

    def _retention(self) -> dict[str, Any]:
        if self._lock is None:
            return {}
        until = self._now() + timedelta(days=self._lock.days)
        return {"ObjectLockMode": self._lock.mode, "ObjectLockRetainUntilDate": until}

    def _find_last(self) -> None:
        last = find_last(self._bucket, self._batches, self._batches.last)
        if last is not None:
            self._batches.keep_last(last)

    def _check_covered(self) -> None:
        """Refuse a log that is shorter than a checkpoint; they are stored under their sizes."""
        larger = objects.checkpoint_sizes(self._bucket, self.size())
        if larger:
            # Another writer may have gone on since; then what it signed is there by now.
            self._find_last()
        size = self.size()
        if larger and size < larger[-1]:
            raise SinkCorrupt(
                size, f"missing: the log ends here, and a checkpoint covers {larger[-1]} records"
            )

    def _store_hint(self) -> None:
        """Store the hint if that works at once; the log does without."""
        assert self._batches.last is not None
        data = hint.encode_hint(hint.hint_of(self._batches.last))
        self._is_hinted = self._bucket.try_to_store(hint.KEY, data)
        self._since_hint = 0

    def _check_open(self) -> None:
        if not self._is_open:
            raise SinkUnavailable(f"{self._bucket.url}: the log is closed")


def utc_now() -> datetime:
    """Return the wall clock's time."""
    return datetime.now(UTC)
