"""Finding places in a log by reading a few records: times and epochs never decrease."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rynxs.engine import event as ev
from rynxs.engine import shapes
from rynxs.engine.event import Event
from rynxs.errors import LogCorrupt
from rynxs.eventlog import canonical
from rynxs.eventlog.record import MalformedHeader, decode_header

if TYPE_CHECKING:
    from collections.abc import Callable

    from rynxs.eventlog.record import Header, Record
    from rynxs.eventlog.sink import Sink

_EPOCH_STARTED = ev.EPOCH_STARTED.encode()


def event_at(sink: Sink, seq: int) -> Event:
    """Return the event at a position, its place in the chain not verified.

    Raises:
        LogCorrupt: there is no record, or its header is malformed.
    """
    return record_at(sink, seq)[1]


def record_at(sink: Sink, seq: int) -> tuple[Header, Event]:
    """Return the header and the event at a position, as `event_at` does."""
    record = next(iter(sink.read(seq, seq + 1)), None)
    if record is None:
        raise LogCorrupt(seq, "missing")
    header = header_of(record, seq)
    return header, Event.of_record(header, record)


def header_of(record: Record, seq: int) -> Header:
    """Return the header of the record at a position.

    Raises:
        LogCorrupt: it is malformed.
    """
    try:
        return decode_header(record.header)
    except MalformedHeader as error:
        raise LogCorrupt(seq, str(error)) from None


def size_at_time(sink: Sink, size: int, time_us: int) -> int:
    """Return how many of the first `size` records are of this time or before."""
    return _first(0, size, lambda seq: event_at(sink, seq).time_us > time_us)


def last_epoch(sink: Sink, size: int) -> Event | None:
    """Return the ``EpochStarted`` that the last of the first `size` records is under.

    None if the records are not such that looking at a few of them finds it: then it takes a pass
    over them all. What is found has to be compared with what a pass finds.
    """
    if not size:
        return None
    first, epoch = event_at(sink, 0), event_at(sink, size - 1).epoch
    # A log is mostly of one epoch, or of many short ones: look at the front, then near the end.
    low, step = size - 1, 1
    while first.epoch < epoch and low and event_at(sink, low).epoch >= epoch:
        low, step = max(low - step, 0), 2 * step
    found = first
    if first.epoch < epoch:
        found = event_at(sink, _first(low, size, lambda seq: event_at(sink, seq).epoch >= epoch))
    if found.kind != ev.EPOCH_STARTED:
        return None
    shapes.checked(shapes.EpochStarted, found)
    return found


def compositions(sink: Sink, stop: int | None) -> list[Event]:
    """Return the ``EpochStarted`` events of distinct compositions, each the last of its kind.

    Raises:
        LogCorrupt: one of them is malformed.
    """
    found: dict[bytes, Event] = {}
    for seq, record in enumerate(sink.read(0, stop)):
        # Looking for the bytes first spares the decoding of every other header.
        if _EPOCH_STARTED not in record.header:
            continue
        header = header_of(record, seq)
        if header.kind == ev.EPOCH_STARTED:
            event = Event.of_record(header, record)
            shapes.checked(shapes.EpochStarted, event)
            key = canonical.encode({"composition": event.payload["composition"]})
            found.pop(key, None)
            found[key] = event
    return list(found.values())


def _first(low: int, high: int, holds: Callable[[int], bool]) -> int:
    """Return the first position from `low` on from which something holds; `high` if none before."""
    while low < high:
        middle = (low + high) // 2
        if holds(middle):
            high = middle
        else:
            low = middle + 1
    return low
