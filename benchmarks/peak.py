"""Run as a program on a log's directory: verifies it and prints by how many bytes its peak grew.

The peak is VmHWM and not getrusage's ru_maxrss, which a new process inherits from its parent.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from benchmarks.workload import file_log
from rynxs.eventlog.chain import Chain
from rynxs.eventlog.log import batched


def main() -> None:
    """Verify and print."""
    sink = file_log(Path(sys.argv[1])).open_reader()
    chain = Chain()
    before = _peak()
    for records in batched(sink.read()):
        chain.verify(records)
    print(_peak() - before)


def _peak() -> int:
    """Return the largest resident set of this process so far, in bytes."""
    status = Path("/proc/self/status").read_text()
    found = re.search(r"^VmHWM:\s+(\d+) kB$", status, re.MULTILINE)
    assert found is not None, "Linux reports VmHWM"
    return int(found[1]) * 1024


if __name__ == "__main__":
    main()
