"""The one place where errors of LMDB and of the system become those of a sink."""

from __future__ import annotations

import errno
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import lmdb

from rynxs.api import SinkCorrupt, SinkUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rynxs.api import SinkError

# What LMDB says when a page, or what is in it, is not what LMDB wrote there.
DAMAGE: Final = (
    lmdb.BadTxnError,  # the transaction met such a page before
    lmdb.BadValsizeError,
    lmdb.CorruptedError,
    lmdb.CursorFullError,
    lmdb.IncompatibleError,
    lmdb.KeyExistsError,
    lmdb.NotFoundError,
    lmdb.PageFullError,
    lmdb.PageNotFoundError,
)

_MAKE_ROOM = "make room and run again, nothing that was acknowledged is lost"
_ROOM_MAYBE = (
    "LMDB says so too when a disk gets full in the middle of a write; if it is full, " + _MAKE_ROOM
)
_HINTS: Final[dict[type[lmdb.Error] | int, str]] = {
    errno.ENOSPC: _MAKE_ROOM,
    errno.EDQUOT: _MAKE_ROOM,
    errno.EAGAIN: "a process of the same number, in another container, has the log open",
    errno.ENOMEM: "the map of the file does not fit the address space, see ulimit -v",
    lmdb.InvalidError: "the lock file beside it belongs to something else",
    lmdb.VersionMismatchError: "a program with another LMDB has the file open",
    lmdb.ReadersFullError: "too many readers have the log open",
    lmdb.TxnFullError: "send fewer or smaller records at once",
    lmdb.PanicError: "open the log again",
}


@contextmanager
def translated(path: str, seq: int = 0) -> Iterator[None]:
    """Turn an error of LMDB or of the system into one of a sink.

    Args:
        path: the log's file, to be named.
        seq: the record that was asked for; 0 when it was none in particular.
    """
    try:
        yield
    except (lmdb.Error, OSError) as error:
        raise translate(error, path, seq) from error


def translate(error: lmdb.Error | OSError, path: str, seq: int = 0) -> SinkError:
    """Return what a sink raises for an error; see `translated`."""
    if isinstance(error, OSError):
        where, number = error.filename or path, error.errno or 0
        reason = error.strerror or str(error)
    elif isinstance(error, DAMAGE):
        return SinkCorrupt(seq, f"{path}: the file is damaged, LMDB says: {error}")
    else:
        # LMDB's own codes are negative, all others are those of the system.
        where, number = path, max(getattr(error, "code", 0), 0)
        reason = os.strerror(number) if number else str(error)
    hint = _HINTS.get(number) or _HINTS.get(type(error))  # type: ignore[arg-type]
    if number == errno.EIO and isinstance(error, lmdb.Error):
        hint = _ROOM_MAYBE
    return SinkUnavailable(f"{where}: {reason}" + (f"; {hint}" if hint else ""))
