"""The LMDB sink passes the kit, with every call of its medium failing."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING, Any

import lmdb

from rynxs.testing import IOCall, SinkConformance

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

KILLS = int(os.environ.get("RYNXS_KILLS", "20"))
LMDB_CALLS = (
    *("open_for_writing", "begin_reading", "begin_writing", "put_many", "put", "commit"),
    *("reader_check", "open_for_rewriting", "delete"),
)
SYSTEM_CALLS = (
    *("make_file", "allocate_file", "sync_directory", "make_new_file", "finish_file"),
    *("replace_file", "remove_file", "take_lock"),
)
MAY_HAVE_HAPPENED = (
    *("put_many", "put", "commit", "delete"),
    *(name for name in SYSTEM_CALLS if name != "take_lock"),  # which would leave a descriptor open
)


def _full() -> lmdb.Error:
    return _numbered(lmdb.DiskError("mdb_txn_commit: No space left on device"), errno.ENOSPC)


def _broken() -> lmdb.Error:
    return _numbered(lmdb.Error("mdb_txn_commit: Input/output error"), errno.EIO)


def _numbered(error: lmdb.Error, number: int) -> lmdb.Error:
    error.code = number  # type: ignore[misc] # as LMDB's binding does
    return error


def _no_file() -> OSError:
    return OSError(errno.EIO, os.strerror(errno.EIO))


def _target(name: str) -> str:
    return f"rynxs_sink_lmdb.medium:{name}"


class TestLmdb(SinkConformance):
    plugin_module = "rynxs_sink_lmdb.plugin"
    kills = KILLS // 4  # test_lmdb_kill.py does the others
    failing_uses = int(os.environ.get("RYNXS_FAILING_USES", "4"))
    io_calls = (
        *(IOCall(_target(name), _broken, name in MAY_HAVE_HAPPENED) for name in LMDB_CALLS),
        *(IOCall(_target(name), _no_file, name in MAY_HAVE_HAPPENED) for name in SYSTEM_CALLS),
        IOCall(_target("commit"), _full),
    )

    def settings(self, place: Path) -> Mapping[str, Any]:
        return {"path": str(place)}
