"""Erasing payloads for good: no version of any object holds them afterwards.

A detached payload is deleted, all that was ever put for its seq with it. One that is inside a batch
goes by replacing the batch's object, on condition that it is still the one that was read, and then
removing its older versions. The key exists all the time, so it goes on fencing; and the writer id
stays, so the batch's payloads are found.
"""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

from rynxs.api import Record, SinkUnavailable
from rynxs_sink_s3.batch_object import OBJECT_SIZE_MAX, PAYLOADS, encode_object, key_of, payloads_of
from rynxs_sink_s3.bucket import Refused

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rynxs_sink_s3.batch_object import Batch
    from rynxs_sink_s3.batches import Batches
    from rynxs_sink_s3.bucket import Bucket
    from rynxs_sink_s3.versions import Version, Versions

_HUNDRED = 100


class _Task(NamedTuple):
    """What is to be erased of a batch.

    Attributes:
        batch: as it is stored.
        seqs: in it, the records to erase.
        detached: the versions of all payloads that were ever put for them.
    """

    batch: Batch
    seqs: list[int]
    detached: list[Version]

    @property
    def inside(self) -> set[int]:
        """Those whose payload is in the batch's object."""
        records, first = self.batch.records, self.batch.first_seq
        return {seq for seq in self.seqs if records[seq - first].payload is not None}

    @property
    def is_rewritten(self) -> bool:
        """Whether the object, or an older version of it, holds or held one of the payloads."""
        return any(seq not in self.batch.detached for seq in self.seqs)


class Erasure:
    """Erases payloads in a bucket."""

    def __init__(self, bucket: Bucket, batches: Batches, versions: Versions) -> None:
        self._bucket = bucket
        self._batches = batches
        self._versions = versions

    def locked_until(self, seqs: Iterable[int]) -> int | None:
        """Return when the last lock on what holds these payloads opens, as `Sink.locked_until`.

        Raises:
            SinkCorrupt: a batch is missing or is not what was written.
            SinkUnavailable: the server can't be asked.
        """
        return self._locked_until(self._tasks(seqs))

    def erase(self, seqs: Iterable[int]) -> None:
        """Erase payloads; those of all seqs, or none if one of them is locked.

        Raises:
            SinkCorrupt: a batch is missing or is not what was written; nothing was erased.
            SinkUnavailable: one is locked, and nothing was erased; or some may be, call again.
        """
        tasks = self._tasks(seqs)
        until = self._locked_until(tasks)
        if until is not None:
            date = datetime.fromtimestamp(until / 1_000_000, UTC).isoformat(timespec="seconds")
            raise SinkUnavailable(
                f"{self._bucket.url}: a payload of {_named(tasks)} is locked until {date}; "
                "nothing was erased"
            )
        for task in tasks:
            self._erase(task)

    def _tasks(self, seqs: Iterable[int]) -> list[_Task]:
        tasks: list[_Task] = []
        for seq in sorted({*seqs}):
            if not tasks or seq >= tasks[-1].batch.next_seq:
                tasks.append(_Task(self._batches.find(seq), [], []))
            tasks[-1].seqs.append(seq)
        for task in tasks:
            task.detached.extend(self._detached(task.seqs))
        return tasks

    def _locked_until(self, tasks: Sequence[_Task]) -> int | None:
        versions: list[Version] = []
        for task in tasks:
            versions += task.detached
            if task.inside:
                versions += self._versions.of(key_of(task.batch.first_seq))
            elif task.is_rewritten:
                versions += self._outdated(task.batch.first_seq)
        return self._versions.locked_until(versions)

    def _erase(self, task: _Task) -> None:
        batch = self._without(task) if task.inside else task.batch
        self._batches.replace(batch)
        if task.is_rewritten:
            self._versions.remove(self._outdated(batch.first_seq))
        self._versions.remove(task.detached)

    def _without(self, task: _Task) -> Batch:
        """Replace a batch's object by one without some payloads."""
        batch, inside = task.batch, task.inside
        records = [
            Record(record.header, b"", None) if seq in inside else record
            for seq, record in enumerate(batch.records, batch.first_seq)
        ]
        data = encode_object(batch.first_seq, records, batch.writer_id, batch.detached)
        etag = self._replace(key_of(batch.first_seq), data, batch.etag)
        return batch._replace(records=records, etag=etag)

    def _replace(self, key: str, data: bytes, etag: str) -> str:
        outcome = self._bucket.replace(key, data, etag)
        if not isinstance(outcome, Refused):
            return outcome
        found = self._bucket.fetch(key, OBJECT_SIZE_MAX)
        if found is None or found.data != data:
            raise SinkUnavailable(
                f"{self._bucket.url}: {key} was changed meanwhile; erase once more"
            )
        return found.etag

    def _outdated(self, first_seq: int) -> list[Version]:
        """Return the versions of a batch before the present one."""
        versions = self._versions.of(key_of(first_seq))
        if not versions or versions[-1].is_marker or not versions[-1].is_latest:
            raise SinkUnavailable(
                f"{self._bucket.url}: {key_of(first_seq)} was deleted meanwhile; bring it back"
            )
        return versions[:-1]

    def _detached(self, seqs: Iterable[int]) -> list[Version]:
        """Return the versions of all payloads that were ever put for these seqs.

        One listing for each hundred of seqs, or for a seq that is alone in its hundred.
        """
        found: list[Version] = []
        for hundred, group in groupby(seqs, lambda seq: seq // _HUNDRED):
            prefixes = tuple(map(payloads_of, group))
            common = f"{PAYLOADS}{hundred:018d}" if len(prefixes) > 1 else prefixes[0]
            found += [
                each for each in self._versions.below(common) if each.key.startswith(prefixes)
            ]
        return found


def _named(tasks: Sequence[_Task]) -> str:
    seqs = [seq for task in tasks for seq in task.seqs]
    return f"record {seqs[0]}" if len(seqs) == 1 else f"records {seqs[0]} to {seqs[-1]}"
