"""One LMDB file of this process: its transactions, and what to do when one can not begin or end."""

from __future__ import annotations

import os
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import lmdb

from rynxs.api import SinkConflict, SinkCorrupt, SinkUnavailable
from rynxs_sink_lmdb import medium, meta, opening, place
from rynxs_sink_lmdb.errors import translated

if TYPE_CHECKING:
    from collections.abc import Callable

    from rynxs.api import SinkError
    from rynxs_sink_lmdb.medium import Databases, Txn
    from rynxs_sink_lmdb.opening import Opened
    from rynxs_sink_lmdb.place import Identity

Result = TypeVar("Result")


class Snapshot(NamedTuple):
    """A transaction and the databases it sees."""

    txn: Txn
    records: Databases
    objects: Databases


class SharedEnvironment:
    """The environment that all sinks of this process share which have the same file open.

    LMDB allows one per file and process. A lock lets one transaction in at a time: the map may be
    resized only when none is open, and each is short.

    Attributes:
        path: the file, without symbolic links.
        identity: which file that was when it was opened.
        users: number of sinks that have it open.
    """

    def __init__(self, path: str, identity: Identity) -> None:
        self.path = path
        self.identity = identity
        self.users = 0
        self._process = os.getpid()
        self._lock = Lock()
        self._opened: Opened | None = None
        self._map_max: int | None = None
        self._last_page = 0

    def open(self, map_max: int | None) -> None:
        """Open the file for one more sink.

        Args:
            map_max: bytes to which a writer lets the map grow, None for a reader.
        """
        with self._lock, translated(self.path):
            before = self._map_max
            if map_max is not None and before is None:
                self._drop()
            self._map_max = max(filter(None, (before, map_max)), default=None)
            try:
                self._current(SinkUnavailable)
            except BaseException:
                self._map_max = before
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
                    if not self._is_overtaken(snapshot.txn):
                        raise
                else:
                    if not self._is_overtaken(snapshot.txn):
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
        self._check_process()
        with self._lock, translated(self.path, seq):
            while True:
                snapshot = self._begin(medium.begin_writing, SinkConflict)
                try:
                    result = work(snapshot)
                    medium.commit(snapshot.txn)
                except lmdb.MapFullError:
                    snapshot.txn.abort()
                    self._make_room()
                except BaseException:
                    snapshot.txn.abort()
                    raise
                else:
                    return result

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._drop()

    def disown(self) -> None:
        """In a forked child: let go of what belongs to the parent.

        With the lock taken a transaction of the parent's is under way, and must not be touched.
        """
        if self._lock.acquire(blocking=False):
            self._drop()

    def _begin(self, begin: Callable[[lmdb.Environment], Txn], moved: type[SinkError]) -> Snapshot:
        panicked = False
        while True:
            opened = self._current(moved)
            try:
                txn = begin(opened.environment)
            except lmdb.MapResizedError:  # by another process
                self._resize(opening.map_size(self.path))
            except lmdb.ReadersFullError:
                if not medium.reader_check(opened.environment):
                    raise
            except lmdb.PanicError:  # until the file is opened again, after a failed commit
                if panicked:
                    raise
                panicked = True
                self._drop()
            else:
                return Snapshot(txn, opened.records, opened.objects)

    def _current(self, moved: type[SinkError]) -> Opened:
        """Return the open file, the one that is at its path, and open it again where need be."""
        status = self._status(moved)
        if self._opened is not None and self._is_outdated(self._opened):
            self._drop()
        if self._opened is None:
            if self._map_max is None:
                self._opened = opening.open_for_reading(self.path)
            else:
                self._opened = opening.open_for_writing(self.path, self._map_max)
        else:
            self._check_length(self._opened, status.st_size)
            if self._opened.lock is None:
                place.refuse_in_use(self.path)
        return self._opened

    def _status(self, moved: type[SinkError]) -> os.stat_result:
        try:
            status = Path(self.path).stat()
        except FileNotFoundError:
            raise moved(f"{self.path}: removed while this process has it open") from None
        if place.identity_of(status) != self.identity:
            raise moved(f"{self.path}: replaced by another file while this process has it open")
        return status

    def _is_outdated(self, opened: Opened) -> bool:
        """Tell whether another lock file is the one to use, in which others will meet our locks."""
        if opened.lock is None:
            return place.lock_is_usable(self.path)
        return place.identity(place.lock_file(self.path)) != opened.lock

    def _check_length(self, opened: Opened, size: int) -> None:
        """Refuse a file that was cut, as far as can be told before its map is touched."""
        meta.check_length(self.path, size, self._last_page, opened.page_size)
        self._last_page = opened.environment.info()["last_pgno"]
        if (self._last_page + 1) * opened.page_size > size:  # or another process made it longer
            size = Path(self.path).stat().st_size
            meta.check_length(self.path, size, self._last_page, opened.page_size)

    def _is_overtaken(self, txn: Txn) -> bool:
        """Tell whether a writer came meanwhile and may have written over pages that were read.

        Only of a snapshot without the lock file, for a writer does not know of it. What transaction
        N + 1 frees is used again by N + 3 at the earliest, and that one begins when N + 2 is done.
        So the snapshot N holds as long as the last transaction is N or N + 1.
        """
        opened = self._opened
        if opened is None or opened.lock is not None:
            return False
        return opened.environment.info()["last_txnid"] > txn.id() + 1

    def _make_room(self) -> None:
        """Free what dead readers hold, or else let the map grow.

        Raises:
            SinkUnavailable: it must not grow further.
        """
        opened, most = self._opened, self._map_max
        assert opened is not None
        assert most is not None
        if medium.reader_check(opened.environment):
            return
        size = opened.environment.info()["map_size"]
        if size >= most:
            raise SinkUnavailable(
                f"{self.path}: the map is full at {size} bytes and mapBytesMax is {most}; set it "
                "higher and run again, nothing that was acknowledged is lost"
            )
        self._resize(min(2 * size, most))

    def _resize(self, size: int) -> None:
        assert self._opened is not None
        try:
            medium.set_map_size(self._opened.environment, size)
        except BaseException:  # nothing is mapped now
            self._drop()
            raise

    def _drop(self) -> None:
        if self._opened is not None:
            self._opened.environment.close()
            self._opened = None

    def _check_process(self) -> None:
        if os.getpid() != self._process:
            raise SinkUnavailable(
                f"{self.path}: opened in process {self._process}, which forked this one; open the "
                "log again in this process"
            )
