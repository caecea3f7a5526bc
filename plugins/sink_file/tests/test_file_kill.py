"""Writers killed at random moments: what was acknowledged stays."""

from __future__ import annotations

import os
import random
import signal
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from rynxs.api import Record

KILLS = int(os.environ.get("RYNXS_KILLS", "20"))

# Forks the doomed writers from a process that has imported everything once.
NURSERY = """
import itertools, os, sys
from rynxs.eventlog.canonical import encode
from rynxs.eventlog.log import Entry, Log
from rynxs_sink_file.settings import FileSettings
from rynxs_sink_file.writer import FileWriter

settings = FileSettings.model_validate({"path": sys.argv[1], "segmentBytes": 4096})

def say(what):  # in one system call, which no kill cuts in two
    os.write(1, f"{what}\\n".encode())

def append_for_ever():
    say(os.getpid())
    writer = FileWriter(settings, "doomed")
    log = Log.open(writer)
    for turn in itertools.count():
        payload = encode({"origin": "test", "turn": turn, "text": "x" * (turn % 7 * 300)})
        log.append([Entry("Turned", "", payload, 1, log.tip.time_us)] * (1 + turn % 5))
        say(log.size)
        if turn % 5 == 0:
            log.save()
        if turn % 11 == 10:
            writer.close()
            writer = FileWriter(settings, "doomed")
            log = Log.open(writer)

while sys.stdin.readline():
    pid = os.fork()
    if not pid:
        append_for_ever()
    _, status = os.waitpid(pid, 0)
    say("killed" if os.WIFSIGNALED(status) else "failed")
"""


def test_every_acknowledged_record_survives_a_kill_and_the_next_writer_goes_on(
    tmp_path: Path,
    child: Callable[..., Any],
    open_writer: Callable[..., Any],
    audit: Callable[..., list[Record]],
    extend: Callable[..., list[Record]],
) -> None:
    nursery = child(NURSERY, tmp_path)
    known: list[Record] = []
    progress = 0
    for turn in range(KILLS):
        nursery.stdin.write("\n")
        nursery.stdin.flush()
        doomed = int(nursery.stdout.readline())
        time.sleep(random.random() * 0.05)
        os.kill(doomed, signal.SIGKILL)
        sizes = [int(line) for line in iter(nursery.stdout.readline, "killed\n")]
        writer = open_writer(tmp_path)
        acknowledged = max(sizes, default=len(known))
        assert writer.size() >= acknowledged, turn
        records = audit(writer)
        assert records[: len(known)] == known
        progress += len(records) - len(known)
        known = extend(writer, [2])
        writer.close()
    assert progress > KILLS
    _, errors = nursery.communicate()
    assert errors == ""
