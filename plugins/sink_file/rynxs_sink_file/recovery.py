"""Recovery: what to do with a segment whose last batch fails, decided on whole batches only.

A failing last batch was never acknowledged, unless something that was written after its flush
says so: a later batch, a checkpoint, or the mark of an orderly close. Only an unacknowledged one
is moved away; everything else is reported and left as it is.
"""

from __future__ import annotations

import json
import os
import re
from hashlib import sha256
from typing import TYPE_CHECKING
from zlib import crc32

from rynxs.api import Incident, SinkCorrupt
from rynxs_sink_file.durable import make_directory, read_all, replace_file
from rynxs_sink_file.objects import get_object

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rynxs_sink_file.layout import Layout, Tail

_CHECKPOINT = "checkpoint"
_CHECKPOINT_SIZE = re.compile(rb"[^\n]+\n([0-9]{1,19})\n")


def check_tail(layout: Layout, tail: Tail) -> None:
    """Refuse a log that lacks records which are known to have been durable.

    Raises:
        SinkCorrupt: records are missing or damaged that a later batch, a checkpoint or the mark of
            an orderly close covers.
    """
    what = tail.fault.reason if tail.fault else "the log ends here"
    if tail.covered:
        raise SinkCorrupt(tail.seq, f"{what}, and a later batch shows that it was durable")
    for size, witness in (
        (durable_mark(layout), "an orderly close"),
        (checkpoint_size(layout), "a checkpoint"),
    ):
        if size > tail.seq:
            raise SinkCorrupt(tail.seq, f"{what}, and {witness} covers {size} records")


def quarantine(layout: Layout, descriptor: int, tail: Tail) -> None:
    """Move the failing end of an open segment away: copy it durably, then cut it off.

    Done again after a crash in between, it ends the same.
    """
    assert tail.fault is not None
    size = os.fstat(descriptor).st_size
    data = read_all(descriptor, size - tail.offset, tail.offset)
    make_directory(layout.quarantine)
    name = f"{tail.seq:020d}-{sha256(data).hexdigest()[:16]}"
    replace_file(layout.quarantine / f"{name}.tail", data)
    facts = {"reason": tail.fault.reason, "seq": tail.seq, "size": len(data)}
    replace_file(layout.quarantine / f"{name}.json", json.dumps(facts).encode())
    os.ftruncate(descriptor, tail.offset)
    os.fsync(descriptor)


def incidents(layout: Layout) -> Sequence[Incident]:
    """Return what was ever quarantined, in the order of seq."""
    found = []
    for path in sorted(layout.quarantine.glob("*.json")):
        facts = json.loads(path.read_bytes())
        found.append(Incident(path.stem, facts["seq"], facts["size"], facts["reason"]))
    return found


def durable_mark(layout: Layout) -> int:
    """Return how many records the last orderly close knew to be durable; 0 for a garbled mark."""
    try:
        text = layout.durable_mark.read_bytes()
    except FileNotFoundError:
        return 0
    size, _, checksum = text.strip().partition(b" ")
    return int(size) if size.isdigit() and checksum == _checksum(size) else 0


def mark_durable(layout: Layout, size: int) -> None:
    """Note durably that `size` records are durable."""
    digits = b"%d" % size
    replace_file(layout.durable_mark, digits + b" " + _checksum(digits) + b"\n")


def checkpoint_size(layout: Layout) -> int:
    """Return the size in the stored checkpoint: the second line (c2sp.org/tlog-checkpoint)."""
    stored = get_object(layout.objects, _CHECKPOINT)
    size = _CHECKPOINT_SIZE.match(stored.data) if stored else None
    return int(size[1]) if size else 0


def _checksum(digits: bytes) -> bytes:
    return b"%08x" % crc32(digits)
