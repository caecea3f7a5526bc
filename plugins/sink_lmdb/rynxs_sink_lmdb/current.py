"""The file of a log as this process has it open, kept up with what happens to it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from rynxs.api import SinkError, SinkUnavailable
from rynxs_sink_lmdb import claims, lineage, medium, meta, opening, place

if TYPE_CHECKING:
    from rynxs_sink_lmdb.medium import Txn
    from rynxs_sink_lmdb.opening import Opened
    from rynxs_sink_lmdb.place import Identity


class CurrentFile:
    """The file that is at a path, open while it is used.

    It is another one once the log was written anew (`environment.SharedEnvironment.rewrite`) by
    this or another process; then that one is opened. Any other file in its place is refused.

    Attributes:
        path: without symbolic links.
        identity: which file is open, or was last.
        opened: the open file, or None.
        map_max: bytes to which a writer lets the map grow; None for a reader.
    """

    def __init__(self, path: str, identity: Identity) -> None:
        self.path = path
        self.identity = identity
        self.opened: Opened | None = None
        self.map_max: int | None = None
        self._ids: bytes | None = None
        self._last_page = 0
        self._claim: int | None = None
        self._kept: int | None = None

    def get(self, moved: type[SinkError]) -> Opened:
        """Return the open file, the one that is at its path, and open it again where need be.

        Raises:
            SinkError: of the type `moved`: it was removed, or replaced by something else.
            SinkUnavailable: it can't be opened.
            SinkCorrupt: it is damaged.
        """
        status = self._status(moved)
        if self.opened is not None and self._is_outdated(self.opened, status):
            self.drop()
        if self.opened is None:
            self.opened = self._open(moved)
        else:
            self._check_length(self.opened, status.st_size)
            if self.opened.lock is None:
                place.refuse_in_use(self.path)
        return self.opened

    def is_at_its_path(self) -> bool:
        """Tell whether the file has not been replaced."""
        return place.identity(self.path) == self.identity

    def has_its_lock(self) -> bool:
        """Tell whether the lock file is the one in which this process has its locks."""
        lock = place.identity(place.lock_file(self.path))
        return self.opened is not None and self.opened.lock == lock

    def claim_writing(self, moved: type[SinkError]) -> None:
        """Let no other process write, nor replace the file, until `disclaim`."""
        self._status(moved)
        self._claim = claims.take(self.path, claims.WRITE)

    def disclaim(self) -> None:
        """Let others write."""
        claim, self._claim = self._claim, None
        if claim is not None:
            claims.give_up(claim)

    def disown(self) -> None:
        """In a forked child: let go of the parent's claim, which stays with the parent."""
        if self._claim is not None:
            medium.close_quietly(self._claim)

    def drop(self) -> None:
        """Close the environment, to open it again; the file stays the one it is."""
        if self.opened is not None:
            self.opened.environment.close()
            self.opened = None

    def close(self) -> None:
        """Close the file."""
        self.drop()
        self._keep(None)

    def is_overtaken(self, txn: Txn) -> bool:
        """Tell whether a writer came meanwhile and may have written over pages that were read.

        Only of a snapshot without the lock file, for a writer does not know of it. What transaction
        N + 1 frees is used again by N + 3 at the earliest, and that one begins when N + 2 is done.
        So the snapshot N holds as long as the last transaction is N or N + 1.
        """
        if self.opened is None or self.opened.lock is not None:
            return False
        return self.opened.environment.info()["last_txnid"] > txn.id() + 1

    def make_room(self) -> None:
        """Free what dead readers hold, or else let the map grow.

        Raises:
            SinkUnavailable: it must not grow further.
        """
        assert self.opened is not None
        assert self.map_max is not None
        if medium.reader_check(self.opened.environment):
            return
        size = self.opened.environment.info()["map_size"]
        if size >= self.map_max:
            raise SinkUnavailable(
                f"{self.path}: the map is full at {size} bytes and mapBytesMax is {self.map_max}; "
                "set it higher and run again, nothing that was acknowledged is lost"
            )
        self.resize(min(2 * size, self.map_max))

    def resize(self, size: int) -> None:
        """Map so many bytes."""
        assert self.opened is not None
        try:
            medium.set_map_size(self.opened.environment, size)
        except BaseException:  # nothing is mapped now
            self.drop()
            raise

    def _status(self, moved: type[SinkError]) -> os.stat_result:
        try:
            return Path(self.path).stat()
        except FileNotFoundError:
            raise moved(f"{self.path}: removed while this process has it open") from None

    def _is_outdated(self, opened: Opened, status: os.stat_result) -> bool:
        """Tell whether another file has the name, or another lock file is the one to use.

        In that one others will meet our locks.
        """
        if place.identity_of(status) != self.identity:
            return True
        if opened.lock is None:
            return place.lock_is_usable(self.path)
        return place.identity(place.lock_file(self.path)) != opened.lock

    def _open(self, moved: type[SinkError]) -> Opened:
        """Open the file at the path, which is not written anew meanwhile."""
        if self._claim is not None:
            return self._open_claimed(moved)
        claim = claims.READ if self.map_max is None else claims.WRITE
        with claims.held(self.path, claim):
            return self._open_claimed(moved)

    def _open_claimed(self, moved: type[SinkError]) -> Opened:
        identity = place.identity_of(self._status(moved))
        if self._ids is not None and identity != self.identity:
            self._check_descent(self._ids, moved)
            self._last_page = 0
        if self.map_max is None:
            opened = opening.open_for_reading(self.path)
        else:
            opened = opening.open_for_writing(self.path, self.map_max)
        try:
            self._keep(os.open(self.path, os.O_RDONLY | os.O_CLOEXEC))
        except BaseException:
            opened.environment.close()
            raise
        self.identity, self._ids = identity, opened.lineage
        return opened

    def _keep(self, descriptor: int | None) -> None:
        """Keep the file open, so that no other can have its identity while it counts."""
        before, self._kept = self._kept, descriptor
        if before is not None:
            medium.close_quietly(before)

    def _check_descent(self, ids: bytes, moved: type[SinkError]) -> None:
        """Refuse a file that the log does not go on in, without writing to it."""
        try:
            opened = opening.open_for_reading(self.path)
        except SinkError:
            descends = False
        else:
            opened.environment.close()
            descends = lineage.descends(opened.lineage, ids)
        if not descends:
            raise moved(f"{self.path}: replaced by another file while this process has it open")

    def _check_length(self, opened: Opened, size: int) -> None:
        """Refuse a file that was cut, as far as can be told before its map is touched."""
        meta.check_length(self.path, size, self._last_page, opened.page_size)
        self._last_page = opened.environment.info()["last_pgno"]
        if (self._last_page + 1) * opened.page_size > size:  # or another process made it longer
            assert self._kept is not None
            size = os.fstat(self._kept).st_size  # for at the path there may be another one by now
            meta.check_length(self.path, size, self._last_page, opened.page_size)
