"""Detached payloads: salt and payload of a personal record as an object of their own.

It is put before the batch that names it, and without the batch's retention, so that it can be
erased while the batch is locked. One that is gone makes its record an erased one: that it may be
gone is for the log to say.
"""

from __future__ import annotations

from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from hashlib import sha256
from threading import Lock
from typing import TYPE_CHECKING

from rynxs.api import MalformedHeader, Record, SinkCorrupt, SinkUnavailable, decode_header
from rynxs_sink_s3.batch_object import payload_key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from rynxs_sink_s3.batch_object import Batch
    from rynxs_sink_s3.bucket import Bucket

AT_ONCE = 8
_SALT_SIZE = 16
_OBJECT_SIZE_MAX = _SALT_SIZE + 4 * 1024 * 1024


def keys_of(first_seq: int, records: Sequence[Record], writer_id: bytes) -> dict[int, str]:
    """Return, by seq, the keys of those payloads that are to be detached: the salted ones.

    Raises:
        SinkUnavailable: a header is none.
    """
    salted = [(seq, record) for seq, record in enumerate(records, first_seq) if record.salt]
    try:
        return {
            seq: payload_key(seq, decode_header(record.header).payload_hash, writer_id)
            for seq, record in salted
        }
    except MalformedHeader as error:
        raise SinkUnavailable(f"a record with a salt whose {error}") from None


class Payloads:
    """The objects below ``payload/``, several at once."""

    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket
        self._threads: ThreadPoolExecutor | None = None
        self._lock = Lock()
        self._is_open = True

    def store(self, first_seq: int, records: Sequence[Record], keys: Mapping[int, str]) -> None:
        """Store payloads of a batch under their keys, by seq; all are there on return.

        Raises:
            SinkUnavailable: some may be missing.
        """

        def store(seq: int) -> None:
            _, salt, payload = records[seq - first_seq]
            self._bucket.store(keys[seq], salt + (payload or b""))

        self._each(store, keys)

    def records(self, batch: Batch, start: int, stop: int | None) -> list[Record]:
        """Return records `start` to `stop`, exclusive, of a batch, as far as they are in it.

        Raises:
            SinkCorrupt: a payload is not what was written.
            SinkUnavailable: one can't be fetched.
        """
        first_seq = batch.first_seq
        low = max(start - first_seq, 0)
        high = len(batch.records) if stop is None else max(stop - first_seq, 0)
        records = batch.records[low:high]
        first_seq += low
        seqs = [seq for seq in batch.detached if first_seq <= seq < first_seq + len(records)]

        def fetch(seq: int) -> None:
            place = seq - first_seq
            records[place] = self._fetch(seq, records[place], batch.detached[seq])

        self._each(fetch, seqs)
        return records

    def close(self) -> None:
        """End the threads; what they were to fetch is given up."""
        with self._lock:
            self._is_open = False
            threads, self._threads = self._threads, None
        if threads is not None:
            # Not cancelled: `wait` never hears of futures that a shutdown has cancelled.
            threads.shutdown(wait=True)

    def _fetch(self, seq: int, record: Record, key: str) -> Record:
        """Fetch a payload; one that does not hold is fetched again, for the way may be at fault."""
        try:
            return self._fetch_once(seq, record, key)
        except SinkCorrupt:
            return self._fetch_once(seq, record, key)

    def _fetch_once(self, seq: int, record: Record, key: str) -> Record:
        stored = self._bucket.fetch(key, _OBJECT_SIZE_MAX)
        if stored is None:
            return record
        header, data = decode_header(record.header), stored.data
        if len(data) != _SALT_SIZE + header.payload_size:
            wanted = _SALT_SIZE + header.payload_size
            raise SinkCorrupt(seq, f"{key} is of {len(data)} bytes, not {wanted}")
        if sha256(bytes((_SALT_SIZE,)) + data).digest() != header.payload_hash:
            raise SinkCorrupt(seq, f"{key} has another hash than the header says")
        return Record(record.header, data[:_SALT_SIZE], data[_SALT_SIZE:])

    def _each(self, work: Callable[[int], None], seqs: Iterable[int]) -> None:
        """Work on each seq, several at once; after a failure begin no more, and wait for the rest.

        So nothing is under way any more when this returns or raises.
        """
        pending = [*seqs]
        if len(pending) <= 1:
            for seq in pending:
                work(seq)
            return

        def work_while_open(seq: int) -> None:
            self._check_open()
            work(seq)

        with self._lock:
            self._check_open()
            if self._threads is None:
                self._threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="rynxs-s3-payload")
            futures = [self._threads.submit(work_while_open, seq) for seq in pending]
        done, undone = wait(futures, return_when=FIRST_EXCEPTION)
        wait([future for future in undone if not future.cancel()])
        for future in done:
            future.result()

    def _check_open(self) -> None:
        if not self._is_open:
            raise SinkUnavailable(f"{self._bucket.url}: the log is closed")
