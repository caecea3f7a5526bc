"""The machine that a run was made on, and the versions of what was measured."""

from __future__ import annotations

import os
import platform
import re
import sqlite3
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from benchmarks.peers import PROGRAMS
from benchmarks.workload import file_system

_MEASURED = ("rynxs", "cbor2", "lmdb", "boto3", *PROGRAMS)


def facts(directory: Path) -> dict[str, Any]:
    """Return what results depend on; logs are in `directory`. A version is None if missing."""
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "memory_mib": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 1024**2,
        "kernel": platform.release(),
        "file_system": file_system(directory),
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "versions": {name: _version(name) for name in _MEASURED},
    }


def _processor() -> str:
    """Return the model that Linux names, or the architecture where it names none."""
    found = re.search(r"^model name\s*: (.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return found[1] if found else platform.machine()


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
