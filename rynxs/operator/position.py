"""Where in the log the newest record about each subject stands, for the status of its object."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from rynxs.eventlog.record import leaf_hash
from rynxs.operator.epochs import Epochs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rynxs.eventlog.log import Entry
    from rynxs.eventlog.record import Header, Record


class Position(NamedTuple):
    """A record.

    Attributes:
        seq: its number.
        leaf: its leaf hash, 32 bytes.
    """

    seq: int
    leaf: bytes


class Positions:
    """The newest durable record about each subject.

    Attributes:
        epochs: of all durable records.
    """

    def __init__(self) -> None:
        self._of: dict[str, Position] = {}
        self.epochs = Epochs()

    def read(self, header: Header, record: Record) -> None:
        """Take in a record of the history."""
        self.epochs.take(header.seq, header.epoch)
        if header.subject:
            self._of[header.subject] = Position(header.seq, leaf_hash(record.header))

    def appended(self, first: int, entries: Sequence[Entry], leaves: Sequence[bytes]) -> None:
        """Take in a batch that is durable now, whose first record is `first`."""
        for seq, (entry, leaf) in enumerate(zip(entries, leaves, strict=True), first):
            self.epochs.take(seq, entry.epoch)
            if entry.subject:
                self._of[entry.subject] = Position(seq, leaf)

    def of(self, subject: str) -> Position | None:
        """Return the newest record about a subject, None if there is none."""
        return self._of.get(subject)
