"""What another process does with the log.

It prints one JSON line for each thing that happened, at once, so that whoever kills it knows what
had been acknowledged.
"""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

from rynxs.errors import SinkConflict, SinkUnavailable
from rynxs.eventlog.sink import ABSENT
from rynxs.sources import fixed_sources
from rynxs.testing.histories import history
from rynxs.testing.hooks import declared

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from rynxs.eventlog.sink import Sink

    Open = Callable[[], Sink]

KILLED_HISTORY = 6_000
_BATCHES = (1, 250, 3, 1_000, 40)
ERASED_BATCHES = (1, 40, 3, 100, 16)
ERASED_HISTORY = sum(ERASED_BATCHES)
_ERASED_AT_ONCE = 3


def append_until_killed(open_writer: Open) -> None:
    """Append batches of several sizes, and tell each once it is acknowledged."""
    sink = open_writer()
    records = history(KILLED_HISTORY)
    size = sink.size()
    number = size
    _tell(size=size)
    while size < KILLED_HISTORY:
        count = min(_BATCHES[number % len(_BATCHES)], KILLED_HISTORY - size)
        sink.append(size, records[size : size + count])
        size, number = size + count, number + 1
        _tell(size=size)
    _wait_for_the_end()


def erase_until_killed(open_writer: Open, start: int) -> None:
    """Erase a few records after the other, and tell the last one once it is acknowledged."""
    sink = open_writer()
    _tell(event="ready")
    for seq in range(start, ERASED_HISTORY, _ERASED_AT_ONCE):
        seqs = range(seq, min(seq + _ERASED_AT_ONCE, ERASED_HISTORY))
        sink.erase(seqs)
        _tell(erased=seqs[-1])


def append_in_a_race(open_writer: Open, author: str, batches: int) -> None:
    """Append small batches until another writer has won a position; tell what was acknowledged."""
    records = history(3 * batches, author)
    try:
        sink = open_writer()
    except SinkUnavailable:
        _tell(event="kept out")
        return
    size = sink.size()
    _tell(event="ready")
    sys.stdin.readline()
    try:
        for number in range(batches):
            count = 1 + number % 3
            sink.append(size, records[size : size + count])
            _tell(event="won", start=size, stop=size + count)
            size += count
        _tell(event="done")
    except SinkConflict:
        _tell(event="fenced")
    except SinkUnavailable as error:
        _tell(event=f"unavailable: {error}")
    finally:
        sink.close()


def put_in_a_race(open_sink: Open, names: int, author: str) -> None:
    """Create objects that may be created once; tell which of them this process has created."""
    try:
        sink = open_sink()
    except SinkUnavailable:
        _tell(event="kept out")
        return
    _tell(event="ready")
    sys.stdin.readline()
    for number in range(names):
        try:
            sink.put(f"race/{number}", author.encode(), ABSENT)
        except SinkConflict:
            continue
        _tell(event="created", name=f"race/{number}")
    _tell(event="done")


def _tell(**facts: Any) -> None:
    print(json.dumps(facts), flush=True)  # noqa: T201


def _wait_for_the_end() -> None:
    sys.stdin.readline()


_ACTIONS: dict[str, Callable[..., None]] = {
    action.__name__: action
    for action in (append_until_killed, erase_until_killed, append_in_a_race, put_in_a_race)
}


def perform(order: Mapping[str, Any]) -> None:
    """Do what an order says.

    Args:
        order: `action`, a function of this module by its name, and its `arguments`; `module` and
            `settings` of the sink.
    """
    plugin = declared(order["module"], "sink")
    settings = plugin.settings.model_validate(order["settings"])

    def open_writer() -> Sink:
        sink: Sink = plugin.open_writer(settings, fixed_sources(0))
        return sink

    _ACTIONS[order["action"]](open_writer, *order["arguments"])
