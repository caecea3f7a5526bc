"""Which payloads a copy's destination lacks, and which it must not keep."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rynxs.errors import LogCorrupt
from rynxs.eventlog.redaction import Redactions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rynxs.eventlog.record import Record


class CopyErasures:
    """What the source says is redacted, against what the destination has.

    Attributes:
        redactions: those of the source, to be filled as it is read.
        wanted: the payloads to erase in the destination, known once `settle` was called.
    """

    def __init__(self) -> None:
        self.redactions = Redactions()
        self.wanted: list[int] = []
        self._missing: set[int] = set()

    def note(self, start: int, records: Sequence[Record]) -> None:
        """Note which payloads are missing among records that the destination has from `start`."""
        if any(record.payload is None for record in records):
            self._missing.update(
                seq for seq, record in enumerate(records, start) if record.payload is None
            )

    def settle(self) -> None:
        """Find out what is to be erased, now that all records are read and copied.

        Raises:
            LogCorrupt: the destination lacks a payload that the source does not say is redacted.
        """
        vouched = set(self.redactions.vouched)
        for seq in sorted(self._missing - vouched):
            signed = "" if self.redactions.of(seq) is None else "that is signed for "
            raise LogCorrupt(seq, f"payload is missing, and no Redacted record {signed}names it")
        self.wanted = sorted(vouched - self._missing)
