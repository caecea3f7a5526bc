"""The file sink passes the kit."""

from __future__ import annotations

import errno
import os
from functools import partial
from typing import TYPE_CHECKING, Any

from rynxs.testing import IOCall, SinkConformance

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

CALLS = (
    *("open", "pwrite", "pread", "fsync", "fdatasync", "mkdir", "fstat", "replace", "unlink"),
    "fchmod",
)
MAY_HAVE_HAPPENED = ("fsync", "replace", "unlink")


def _error(number: int) -> OSError:
    return OSError(number, os.strerror(number))


class TestFile(SinkConformance):
    plugin_module = "rynxs_sink_file.plugin"
    kills = int(os.environ.get("RYNXS_KILLS", "5"))
    failing_uses = int(os.environ.get("RYNXS_FAILING_USES", "4"))
    io_calls = tuple(
        IOCall(f"os:{name}", partial(_error, number), may_have_happened=name in MAY_HAVE_HAPPENED)
        for name in CALLS
        for number in (errno.EIO, errno.ENOSPC)
    )

    def settings(self, place: Path) -> Mapping[str, Any]:
        return {"path": str(place), "segmentBytes": 4096}
