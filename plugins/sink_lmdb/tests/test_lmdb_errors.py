"""Every error of LMDB and of the system comes out as a sink's."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING

import lmdb
import pytest

from rynxs.api import SinkConflict, SinkCorrupt, SinkUnavailable
from rynxs_sink_lmdb.errors import DAMAGE, translate, translated

if TYPE_CHECKING:
    from collections.abc import Callable

CORRUPT = {
    "BadTxnError",
    "BadValsizeError",
    "CorruptedError",
    "CursorFullError",
    "IncompatibleError",
    "KeyExistsError",
    "NotFoundError",
    "PageFullError",
    "PageNotFoundError",
}
UNAVAILABLE = {
    "BadChecksumError",  # of LMDB 1.0, as the next three
    "CryptoFailError",
    "EnvEncryptionError",
    "ProblemError",
    "BadDbiError",
    "BadRslotError",
    "DbsFullError",
    "DiskError",
    "Error",
    "InvalidError",
    "InvalidParameterError",
    "LockError",
    "MapFullError",
    "MapResizedError",
    "MemoryError",
    "PanicError",
    "ReadersFullError",
    "ReadonlyError",
    "TlsFullError",
    "TxnFullError",
    "VersionMismatchError",
}
KINDS = {
    name: kind
    for name, kind in vars(lmdb).items()
    if isinstance(kind, type) and issubclass(kind, lmdb.Error)
}


def test_every_error_that_lmdb_knows_is_in_one_of_the_two_lists() -> None:
    assert set(KINDS) == CORRUPT | UNAVAILABLE
    assert {kind.__name__ for kind in DAMAGE} == CORRUPT


@pytest.mark.parametrize("name", sorted(KINDS))
def test_an_error_of_lmdb_names_the_path_and_what_lmdb_says(name: str) -> None:
    error = KINDS[name]("mdb_something: MDB_SOMETHING: it went wrong")
    found = translate(error, "/a/log.mdb", 5)
    assert type(found) is (SinkCorrupt if name in CORRUPT else SinkUnavailable)
    assert "/a/log.mdb: " in str(found)
    assert "it went wrong" in str(found)
    if isinstance(found, SinkCorrupt):
        assert found.seq == 5


@pytest.mark.parametrize(
    ("number", "hint"),
    [
        (errno.ENOSPC, "make room and run again, nothing that was acknowledged is lost"),
        (errno.EDQUOT, "make room"),
        (errno.ENOMEM, "see ulimit -v"),
        (errno.EAGAIN, "of the same number, in another container"),
        (errno.EACCES, ""),
        (errno.EROFS, ""),
        (errno.EFBIG, ""),
        (errno.EMFILE, ""),
    ],
)
def test_an_error_of_the_system_says_what_the_system_says_whoever_raised_it(
    number: int, hint: str, errno_error: Callable[..., lmdb.Error]
) -> None:
    for error in (
        OSError(number, os.strerror(number)),
        OSError(number, os.strerror(number), "/a/log.mdb"),
        errno_error(lmdb.Error, number),
        errno_error(lmdb.DiskError, number),
    ):
        found = translate(error, "/a/log.mdb")
        assert type(found) is SinkUnavailable
        assert str(found).startswith(f"/a/log.mdb: {os.strerror(number)}")
        assert hint in str(found)
        assert (";" in str(found)) == bool(hint)


def test_a_write_that_lmdb_could_not_finish_may_be_for_want_of_room(
    errno_error: Callable[..., lmdb.Error],
) -> None:
    of_lmdb = translate(errno_error(lmdb.Error, errno.EIO), "/a/log.mdb")
    assert "Input/output error; LMDB says so too when a disk gets full" in str(of_lmdb)
    assert str(translate(OSError(errno.EIO, "broken"), "/a/log.mdb")) == "/a/log.mdb: broken"


def test_other_errors_pass_through() -> None:
    for error in (SinkConflict("stop"), KeyError("bug"), KeyboardInterrupt()):
        with pytest.raises(type(error)), translated("/a/log.mdb"):
            raise error
