"""Recovery: what to do with a segment whose last batch fails, decided on whole batches only.

A failing last batch was never acknowledged, unless something that was written after its flush
says so: a later batch, a checkpoint, or the mark of an orderly close. Only an unacknowledged one
is moved away; everything else is reported and left as it is.
"""

from __future__ import annotations

import json
import re
from hashlib import sha256
from typing import TYPE_CHECKING, Any
from zlib import crc32

from rynxs.api import Incident, SinkCorrupt
from rynxs_sink_file.durable import make_directory, replace_file
from rynxs_sink_file.files import names, read_all, read_file
from rynxs_sink_file.layout import Fault
from rynxs_sink_file.objects import get_object, list_objects
from rynxs_sink_file.system import system

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from rynxs_sink_file.layout import Layout, Tail

_CHECKPOINT = "checkpoint"
_CHECKPOINT_SIZE = re.compile(rb"[^\n]+\n([0-9]{1,19})\n")
_NUMBERED = "checkpoints/"
_NUMBERED_SIZE = re.compile(r"checkpoints/([0-9]{20})", re.ASCII)
_MARK = re.compile(rb"([0-9]{1,19}) ([0-9a-f]{8})\n")
_NUMBER_LIMIT = 2**63
_INCIDENT = re.compile(r"[0-9]{20}-[0-9a-f]{16}\.json", re.ASCII)


def check_tail(layout: Layout, tail: Tail) -> None:
    """Refuse a log that lacks records which are known to have been durable.

    Raises:
        SinkCorrupt: records are missing or damaged that a later batch, a checkpoint or the mark of
            an orderly close covers.
    """
    seq, _, what = tail.fault or Fault(tail.seq, tail.offset, "the log ends here")
    if tail.covered:
        raise SinkCorrupt(seq, f"{what}, and a later batch shows that it was durable")
    for size, witness in (
        (durable_mark(layout), "an orderly close"),
        (checkpoint_size(layout), "a checkpoint"),
    ):
        if size > tail.seq:
            raise SinkCorrupt(seq, f"{what}, and {witness} covers {size} records")


def quarantine(layout: Layout, descriptor: int, tail: Tail) -> None:
    """Move the failing end of an open segment away: copy it durably, then cut it off.

    Done again after a crash in between, it ends the same.
    """
    assert tail.fault is not None
    size = system().fstat(descriptor).st_size
    data = read_all(descriptor, size - tail.offset, tail.offset)
    make_directory(layout.quarantine)
    name = f"{tail.seq:020d}-{sha256(data).hexdigest()[:16]}"
    replace_file(layout.quarantine / f"{name}.tail", data)
    facts = {"reason": tail.fault.reason, "seq": tail.seq, "size": len(data)}
    note = {**facts, "crc32": _facts_checksum(facts)}
    replace_file(layout.quarantine / f"{name}.json", json.dumps(note).encode())
    system().ftruncate(descriptor, tail.offset)
    system().fsync(descriptor)


def incidents(layout: Layout) -> Sequence[Incident]:
    """Return what was ever quarantined, in the order of seq.

    Raises:
        SinkCorrupt: the note of one is garbled.
    """
    try:
        found = [layout.quarantine / name for name in names(layout.quarantine)]
    except FileNotFoundError:
        return []
    return [_read_incident(path) for path in found if _INCIDENT.fullmatch(path.name)]


def durable_mark(layout: Layout) -> int:
    """Return how many records the last orderly close knew to be durable; 0 for a garbled mark."""
    try:
        text = read_file(layout.durable_mark)
    except FileNotFoundError:
        return 0
    mark = _MARK.fullmatch(text)
    return int(mark[1]) if mark and mark[2] == _checksum(mark[1]) else 0


def mark_durable(layout: Layout, size: int) -> None:
    """Note durably that `size` records are durable."""
    digits = b"%d" % size
    replace_file(layout.durable_mark, digits + b" " + _checksum(digits) + b"\n")


def checkpoint_size(layout: Layout) -> int:
    """Return the largest size that a stored checkpoint covers.

    The newest says it in its second line (c2sp.org/tlog-checkpoint). The numbered ones say it in
    their names; they are stored first, so a crash in between leaves the newest behind them.
    """
    stored = get_object(layout.objects, _CHECKPOINT)
    newest = _CHECKPOINT_SIZE.match(stored.data) if stored else None
    numbered = map(_NUMBERED_SIZE.fullmatch, list_objects(layout.objects, _NUMBERED))
    return max(int(newest[1]) if newest else 0, *(int(size[1]) for size in numbered if size), 0)


def _read_incident(path: Path) -> Incident:
    note = read_file(path)
    try:
        facts = json.loads(note)
        holds = facts.pop("crc32") == _facts_checksum(facts)
        incident = Incident(path.stem, facts["seq"], facts["size"], facts["reason"])
        holds = holds and _may_be_recorded(incident)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        holds = False
    if not holds:
        raise SinkCorrupt(int(path.stem[:20]), f"{path} is garbled, it told what was set aside")
    return incident


def _may_be_recorded(incident: Incident) -> bool:
    """Tell whether a payload may hold what a note says.

    Raises:
        ValueError, AttributeError: its reason is no text.
    """
    numbers = (incident.seq, incident.size)
    return bool(incident.reason.encode()) and all(
        type(number) is int and 0 <= number < _NUMBER_LIMIT for number in numbers
    )


def _facts_checksum(facts: dict[str, Any]) -> str:
    return _checksum(json.dumps(facts, sort_keys=True).encode()).decode()


def _checksum(data: bytes) -> bytes:
    return b"%08x" % crc32(data)
