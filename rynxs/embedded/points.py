"""Points of a log: the moments at which somebody wants to see it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from rynxs.engine import history
from rynxs.errors import CheckpointRefused, UsageError
from rynxs.eventlog import checkpoint as cp
from rynxs.eventlog.genesis import origin_of
from rynxs.eventlog.note import NOTE_SIZE_MAX
from rynxs.sources import parse_time

if TYPE_CHECKING:
    from rynxs.eventlog.chain import Chain
    from rynxs.eventlog.checkpoint import Checkpoint
    from rynxs.eventlog.sink import Sink

_SEQ: Final = re.compile(r"[0-9]{1,19}", re.ASCII)
_TIME: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ].*", re.ASCII)


class Point(NamedTuple):
    """A moment of a log.

    Attributes:
        option: where it was named.
        text: what names it.
        stop: how many records there were.
        checkpoint: the checkpoint that names it, or None.
    """

    option: str
    text: str
    stop: int
    checkpoint: Checkpoint | None = None

    def check(self, chain: Chain) -> None:
        """Check that a replay came to it, and that the checkpoint, if that names it, was right.

        Raises:
            UsageError: the log ends before it.
            CheckpointRefused: the log's root at that size is another one.
        """
        if chain.size < self.stop:
            raise UsageError(f"{self.option} {self.text}: the log holds {chain.size} records")
        if self.checkpoint is not None:
            try:
                self.checkpoint.require_root(chain.frontier.root())
            except CheckpointRefused as error:
                raise CheckpointRefused(f"{self.option} {self.text}: {error}") from None


def find_point(option: str, text: str, sink: Sink) -> Point:
    """Return the point that a text names: a seq, an RFC 3339 time, or the file of a checkpoint.

    A seq names the moment after its record, a time that after the last record at or before it, a
    checkpoint that when the log had its size.

    Raises:
        UsageError: it names none, or one with no record. A seq is not looked for (`Point.check`).
        CheckpointRefused: the file is no checkpoint, or one of another or of a longer log.
    """
    size = sink.size()
    if _SEQ.fullmatch(text):
        return Point(option, text, int(text) + 1)
    if _TIME.fullmatch(text):
        stop = history.size_at_time(sink, size, parse_time(text))
        if not stop:
            raise UsageError(f"{option} {text}: the first record is later")
        return Point(option, text, stop)
    return _signed_point(option, text, sink, size)


def _signed_point(option: str, text: str, sink: Sink, size: int) -> Point:
    path = Path(text)
    if not path.is_file():
        raise UsageError(
            f"{option} {text}: expected is a seq, an RFC 3339 time such as 2026-01-01T00:00:00Z, "
            "or the file of a checkpoint"
        )
    try:
        with path.open("rb") as file:
            checkpoint, _ = cp.parse(file.read(NOTE_SIZE_MAX + 1))
        if checkpoint.origin != origin_of(sink):
            raise CheckpointRefused(
                f"of log {checkpoint.origin!r}, this log is {origin_of(sink)!r}"
            )
        if checkpoint.size > size:
            raise CheckpointRefused(
                f"covers {checkpoint.size} records, the log holds {size}: records are missing"
            )
    except CheckpointRefused as error:
        raise CheckpointRefused(f"{option} {text}: {error}") from None
    if not checkpoint.size:
        raise UsageError(f"{option} {text}: covers no record")
    return Point(option, text, checkpoint.size, checkpoint)
