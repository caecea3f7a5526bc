"""Histories for tests: properly chained records that depend on nothing but their position."""

from __future__ import annotations

from functools import cache
from hashlib import sha256
from threading import Lock
from typing import TYPE_CHECKING

from rynxs.eventlog.canonical import encode
from rynxs.eventlog.chain import Chain
from rynxs.eventlog.log import Entry, Log
from rynxs.eventlog.record import SALT_SIZE
from rynxs.testing.memory import MemorySink

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rynxs.eventlog.record import Record

ORIGIN = "rynxs.testing/log"
_TIME_US = 1_700_000_000_000_000
# A sink may keep each salted payload by itself, so in a long history there are few.
_AT_FIRST = 12
_SALTED_AT_FIRST = 3
_SALTED_LATER = 33
_WRITING = Lock()
_PAYLOAD_SIZES = (1, 40, 300, 0, 2_000)


def entries(start: int, count: int, author: str = "") -> list[Entry]:
    """Return what belongs at the positions from `start` on, in the history of an author.

    Payloads are of several sizes, some are salted, and some texts are not ASCII.
    """
    return [_entry(seq, author) for seq in range(start, start + count)]


def history(count: int, author: str = "") -> Sequence[Record]:
    """Return the first `count` records of an author's history; of one author, each is a prefix."""
    log, sink = _written(author)
    with _WRITING:
        if count > log.size:
            log.append(entries(log.size, count - log.size, author))
    return tuple(sink.records[:count])


@cache
def _written(author: str) -> tuple[Log, MemorySink]:
    """Return the log of an author's history as far as it was asked for."""
    sink = MemorySink()
    return Log.open(sink), sink


def verified(records: Sequence[Record]) -> Sequence[Record]:
    """Return records that are a log from its beginning.

    Raises:
        LogCorrupt: they are not.
    """
    Chain().verify(records)
    return records


def _entry(seq: int, author: str) -> Entry:
    size = _PAYLOAD_SIZES[seq % len(_PAYLOAD_SIZES)]
    body = {"author": author, "seq": seq, "text": "é" + "x" * size}
    if seq == 0:
        body["origin"] = ORIGIN
    salted = seq % (_SALTED_AT_FIRST if seq < _AT_FIRST else _SALTED_LATER) == 1
    return Entry(
        kind="ThingObserved",
        subject=f"testing.rynxs/Thing/default/t{seq % 7}",
        payload=encode(body),
        epoch=1,
        time_us=_TIME_US + seq,
        cause=seq - 1 if seq else None,
        salt=sha256(b"%d" % seq).digest()[:SALT_SIZE] if salted else b"",
    )
