"""In which epoch each record of a log was written: so a stamp of records that were lost is told."""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rynxs.operator.stamp import Stamp


class Epochs:
    """The epochs of a log, each with its first record."""

    def __init__(self) -> None:
        """Know of no record yet."""
        self._firsts: list[int] = []
        self._epochs: list[int] = []

    def take(self, seq: int, epoch: int) -> None:
        """Take in the next record."""
        if not self._epochs or self._epochs[-1] != epoch:
            self._firsts.append(seq)
            self._epochs.append(epoch)

    def hold(self, stamp: Stamp) -> bool:
        """Tell whether a stamp of this log's origin can be of the records that are in it.

        A plan is applied in the epoch of its record, or later. Whoever leads after a loss has begun
        an epoch above that of every stamp: so a record that came in the place of a lost one, and
        what has none yet, is of an epoch that no stamp of the lost one bears.
        """
        at = bisect_right(self._firsts, stamp.seq)
        return not at or self._epochs[at - 1] <= stamp.epoch
