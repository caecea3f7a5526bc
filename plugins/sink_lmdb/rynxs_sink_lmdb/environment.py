"""One LMDB file of this process: its transactions, and what to do when one can not begin or end."""

from __future__ import annotations

import os
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import lmdb

from rynxs.api import SinkConflict, SinkCorrupt, SinkUnavailable
from rynxs_sink_lmdb import claims, medium, opening, place, rewriting
from rynxs_sink_lmdb.current import CurrentFile
from rynxs_sink_lmdb.errors import translated

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from rynxs.api import SinkError
    from rynxs_sink_lmdb.medium import Databases, Txn
    from rynxs_sink_lmdb.place import Identity

Result = TypeVar("Result")


class Snapshot(NamedTuple):
    """A transaction and the databases it sees."""

    txn: Txn
    records: Databases
    objects: Databases


class SharedEnvironment:
    """The environment that all sinks of this process share which have the same log open.

    LMDB allows one per file and process. A lock lets one transaction in at a time: the map may be
    resized only when none is open, and each is short.

    Attributes:
        file: the open file.
        users: number of sinks that have it open.
    """

    def __init__(self, path: str, identity: Identity) -> None:
        """`path` is without symbolic links; `identity` is that of the file there."""
        self.file = CurrentFile(path, identity)
        self.users = 0
        self._process = os.getpid()
        self._lock = Lock()

    @property
    def path(self) -> str:
        """The file, without symbolic links."""
        return self.file.path

    def open(self, map_max: int | None) -> None:
        """Open the file for one more sink.

        Args:
            map_max: bytes to which a writer lets the map grow, None for a reader.
        """
        with self._lock, translated(self.path):
            before = self.file.map_max
            if map_max is not None and before is None:
                self.file.drop()
            self.file.map_max = max(filter(None, (before, map_max)), default=None)
            try:
                self.file.get(SinkUnavailable)
            except BaseException:
                self.file.map_max = before
                raise

    def read(self, work: Callable[[Snapshot], Result], seq: int = 0) -> Result:
        """Return what `work` makes of a read transaction.

        Raises:
            SinkUnavailable: the file can't be read.
            SinkCorrupt: it is damaged; the error names `seq` when LMDB found it.
        """
        self._check_process()
        with self._lock, translated(self.path, seq):
            while True:
                snapshot = self._begin(medium.begin_reading, SinkUnavailable)
                try:
                    result = work(snapshot)
                except (SinkCorrupt, lmdb.Error):
                    if not self.file.is_overtaken(snapshot.txn):
                        raise
                else:
                    if not self.file.is_overtaken(snapshot.txn):
                        return result
                finally:
                    snapshot.txn.abort()

    def write(self, work: Callable[[Snapshot], Result], seq: int = 0) -> Result:
        """Do `work` in the write transaction, and return its result once it is durable.

        Raises:
            SinkConflict: the file was replaced.
            SinkUnavailable: nothing was written.
            SinkCorrupt: the file is damaged; the error names `seq`.
        """
        with self._writing(seq):
            while True:
                snapshot = self._begin(medium.begin_writing, SinkConflict)
                try:
                    result = work(snapshot)
                    medium.commit(snapshot.txn)
                except lmdb.MapFullError:
                    snapshot.txn.abort()
                    self.file.make_room()
                except BaseException:
                    snapshot.txn.abort()
                    raise
                else:
                    return result

    def rewrite(self, seqs: Collection[int]) -> None:
        """Replace the file by one without some payloads, durably, if it holds one of them.

        Raises:
            SinkConflict: the file was replaced by something else.
            SinkUnavailable: the file is the old one or the new one.
            SinkCorrupt: the file is damaged.
        """
        with self._writing():
            target = place.rewritten_file(self.path)
            medium.remove_file(target)
            snapshot = self._begin(medium.begin_writing, SinkConflict)
            try:
                if rewriting.is_needed(seqs, snapshot):
                    rewriting.rewrite(seqs, snapshot, self.path, target)
                    self._replace(target)
            except BaseException:
                with suppress(OSError):
                    medium.remove_file(target)
                raise
            finally:
                snapshot.txn.abort()
            self.file.get(SinkConflict)  # so that this process does not keep the old one
            # Also with nothing to do: who did it may have died before the name was durable.
            medium.sync_directory(Path(self.path).parent)

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self.file.close()

    def disown(self) -> bool:
        """In a forked child: let go of what belongs to the parent, and tell whether that is done.

        With the lock taken a transaction of the parent's is under way, and must not be touched.
        """
        if not self._lock.acquire(blocking=False):
            self.file.disown()
            return False
        self.file.close()
        return True

    @contextmanager
    def _writing(self, seq: int = 0) -> Iterator[None]:
        """Keep other threads out, and the writers of other processes; errors name `seq`."""
        self._check_process()
        with self._lock, translated(self.path, seq):
            self.file.claim_writing(SinkConflict)
            try:
                yield
            finally:
                self.file.disclaim()

    def _begin(self, begin: Callable[[lmdb.Environment], Txn], moved: type[SinkError]) -> Snapshot:
        panicked = False
        while True:
            opened = self.file.get(moved)
            try:
                txn = begin(opened.environment)
            except lmdb.MapResizedError:  # by another process
                self.file.resize(opening.map_size(self.path))
            except lmdb.ReadersFullError:
                if not medium.reader_check(opened.environment):
                    raise
            except lmdb.PanicError:  # until the file is opened again, after a failed commit
                if panicked:
                    raise
                panicked = True
                self.file.drop()
            else:
                try:
                    is_there = self.file.is_at_its_path()
                except BaseException:
                    txn.abort()
                    raise
                if is_there:
                    return Snapshot(txn, opened.records, opened.objects)
                txn.abort()  # it was replaced meanwhile, and the transaction may see an older state

    def _replace(self, target: str) -> None:
        """Give the file's name to another one, while no process opens either.

        Raises:
            SinkUnavailable: others may have written past this process.
        """
        with claims.held(self.path, claims.REPLACE):
            if not self.file.has_its_lock():
                raise SinkUnavailable(f"{self.path}: the lock file was replaced, erase once more")
            medium.replace_file(self.path, target)

    def _check_process(self) -> None:
        if os.getpid() != self._process:
            raise SinkUnavailable(
                f"{self.path}: opened in process {self._process}, which forked this one; open the "
                "log again in this process"
            )
