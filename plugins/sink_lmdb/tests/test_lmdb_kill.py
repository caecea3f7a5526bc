"""Writers killed at random moments: what was acknowledged stays, and the file stays sound."""

from __future__ import annotations

import os
import random
import signal
import time
from typing import TYPE_CHECKING, Any

from lmdb.verify import verify

from rynxs.testing.histories import history

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

KILLS = int(os.environ.get("RYNXS_KILLS", "20"))
RECORDS = 20_000

# Forks the doomed writers from a process that has imported everything once. The kit kills while
# batches are appended; here also while the file is made, opened, grown and closed, and objects put.
NURSERY = """
import itertools
from rynxs.api import SinkConflict

records = history(20_000)

def append_for_ever(path):
    say(os.getpid())
    sink = writer(path)
    for turn in itertools.count():
        size = sink.size()
        stop = min(size + 1 + turn % 7 * 5, len(records))
        if stop > size:
            sink.append(size, records[size:stop])
            say(stop)
        sink.put("name", b"%d" % turn * (turn % 5 * 2000 + 1))
        if turn % 5 == 4:
            sink.close()
            sink = writer(path)

for line in sys.stdin:
    pid = os.fork()
    if not pid:
        append_for_ever(line.strip())
    _, status = os.waitpid(pid, 0)
    say("killed" if os.WIFSIGNALED(status) else "failed")
"""


def test_every_acknowledged_record_survives_a_kill_and_the_next_writer_goes_on(
    tmp_path: Path,
    child: Callable[..., Any],
    open_writer: Callable[..., Any],
) -> None:
    nursery = child(NURSERY)
    records = history(RECORDS)
    path, known, progress = tmp_path / "log-0", 0, 0
    for turn in range(KILLS):
        if turn % 5 == 0:  # a new log, so that some are killed while they make it
            path, known = tmp_path / f"log-{turn}", 0
        nursery.stdin.write(f"{path}\n")
        nursery.stdin.flush()
        doomed = int(nursery.stdout.readline())
        time.sleep(random.random() * (0.005 if turn % 5 == 0 else 0.05))
        os.kill(doomed, signal.SIGKILL)
        sizes = [int(line) for line in iter(nursery.stdout.readline, "killed\n")]
        acknowledged = max(sizes, default=known)
        writer = open_writer(path)
        assert writer.size() >= acknowledged, turn
        progress += writer.size() - known
        known = writer.size() + 1
        writer.append(known - 1, records[known - 1 : known])
        assert tuple(writer.read()) == records[:known], turn
        writer.close()
        assert verify(str(path)) == []  # type: ignore[no-untyped-call]
    assert progress > KILLS
    _, errors = nursery.communicate()
    assert errors == ""
