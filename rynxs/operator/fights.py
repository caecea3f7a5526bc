"""Fights: objects that somebody else changes back each time that they are set right.

The first time, an object is set right at once. While the plan stays as it is, each further time
waits longer, so that two controllers which disagree do not keep the cluster busy.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rynxs.operator.backoff import delay_s, is_told

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rynxs.operator.reconciling import Asked, Drift

_PEACE_S = 3600.0
"""An object that stays right for so long is not fought over: the next time is a first one."""


@dataclass
class _Fight:
    """What is known of one object.

    Attributes:
        count: how often it had to be set right.
        drift: that was told last.
        due_s: when it is to be set right, None while it is as it should be.
        repaired_s: when it last was.
    """

    count: int = 0
    drift: Drift | None = None
    due_s: float | None = None
    repaired_s: float = 0.0


class Fights:
    """What others have done to the objects of each subject under its newest plan."""

    def __init__(self, now_s: Callable[[], float]) -> None:
        """Know of none.

        Args:
            now_s: a clock in seconds that never goes back.
        """
        self._now_s = now_s
        self._of: dict[str, tuple[int, dict[str, _Fight]]] = {}

    def met(self, asked: Asked, drifts: Sequence[Drift]) -> list[tuple[Drift, int]]:
        """Take in all that others have changed of a plan's objects.

        Args:
            asked: the plan.
            drifts: what differs now, at most one an object.

        Returns:
            What is worth a record, with how often that object had to be set right: what is new, or
            has gone on for twice as long as when it was told last.
        """
        seq, fights = self._of.get(asked.subject, (asked.seq, {}))
        if seq != asked.seq:
            fights = {}
        told = [(d, count) for d in drifts if (count := self._count(fights, d))]
        drifting = {drift.id for drift in drifts}
        for identifier, fight in fights.items():
            if identifier not in drifting:
                fight.due_s = None  # whoever changed it has put it right
        self._of.pop(asked.subject, None)
        if fights:
            self._of[asked.subject] = asked.seq, fights
        return told

    def held(self, subject: str) -> dict[str, float]:
        """Return what is not to be set right yet: ids, each with when it will be."""
        now_s = self._now_s()
        _, fights = self._of.get(subject, (0, {}))
        due = {identifier: fight.due_s for identifier, fight in fights.items()}
        return {each: at_s for each, at_s in due.items() if at_s is not None and at_s > now_s}

    def repaired(self, subject: str, identifier: str) -> None:
        """Take in that an object is as it should be."""
        _, fights = self._of.get(subject, (0, {}))
        fight = fights.get(identifier)
        if fight is not None:
            fight.due_s, fight.repaired_s = None, self._now_s()

    def _count(self, fights: dict[str, _Fight], drift: Drift) -> int:
        """Take in a drift; return which one it is, from 1, or 0 if it is not worth a record."""
        fight = fights.setdefault(drift.id, _Fight())
        if fight.due_s is not None:
            return 0  # it was told, and has not been set right since
        now_s = self._now_s()
        if now_s - fight.repaired_s > _PEACE_S:
            fight.count, fight.drift = 0, None
        fight.count += 1
        fight.due_s = now_s if fight.count == 1 else now_s + delay_s(fight.count - 1)
        if fight.drift == drift and not is_told(fight.count):
            return 0
        fight.drift = drift
        return fight.count
