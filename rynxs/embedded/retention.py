"""What must stay: a redaction may not erase it, and neither may one that is finished later."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rynxs.engine import event as ev
from rynxs.errors import UsageError
from rynxs.sources import format_time

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rynxs.engine.holds import Holds
    from rynxs.engine.state import State
    from rynxs.engine.traces import Trace

_DAY_US = 24 * 60 * 60 * 1_000_000


class Retention:
    """The rules by which records are kept.

    Attributes:
        state: of the log.
        holds: the legal holds in force.
        floor_days: how old a record must be; 0 if that is not asked.
        now_us: POSIX time in microseconds.
    """

    def __init__(self, state: State, holds: Holds, floor_days: int, now_us: int) -> None:
        self.state = state
        self.holds = holds
        self.floor_days = floor_days
        self.now_us = now_us

    def refuse(self, doomed: Sequence[Trace]) -> None:
        """Refuse to erase records; the first is the one asked for, the others go with it.

        Raises:
            UsageError: one of them must stay.
        """
        if not self.state.successor:  # of a closed log nothing is needed any more
            self._refuse_needed(doomed)
        self._refuse_held(doomed)
        self._refuse_young(doomed)

    def _refuse_needed(self, doomed: Sequence[Trace]) -> None:
        """Refuse what says how things are now: the newest observation, and the newest plan."""
        asked = doomed[0]
        newest = self.state.newest.get(asked.subject)
        if newest is not None and newest.seq == asked.seq:
            raise UsageError(
                f"record {asked.seq} is the newest observation of {asked.subject}, which is live; "
                "observe a new version of it, or its deletion, first"
            )
        for trace in doomed:
            if trace.kind == ev.JUDGED and self.state.judged.get(trace.subject) == trace.seq:
                raise UsageError(
                    f"record {trace.seq} is the verdict that stands on {trace.subject}; observe "
                    "what changes it, or its deletion, first"
                )
            planned = self.state.plans.get(trace.subject)
            if trace.kind == ev.PLANNED and planned is not None and planned.seq == trace.seq:
                whose = "" if trace is asked else f", made from record {asked.seq},"
                raise UsageError(
                    f"record {trace.seq}{whose} is the newest plan of {trace.subject}; observe a "
                    "version of it that changes the plan, or its deletion, first"
                )

    def _refuse_held(self, doomed: Sequence[Trace]) -> None:
        for trace in doomed:
            placed = self.holds.covering(trace.subject)
            if placed is not None:
                raise UsageError(
                    f"record {trace.seq} of {trace.subject} is under the legal hold that record "
                    f"{placed} has placed; rynxs log release lifts it"
                )

    def _refuse_young(self, doomed: Sequence[Trace]) -> None:
        floor_us = self.now_us - self.floor_days * _DAY_US
        for trace in doomed:
            if self.floor_days and trace.time_us > floor_us:
                raise UsageError(
                    f"record {trace.seq} is of {format_time(trace.time_us)}, and "
                    f"retention.floorDays asks to keep what is younger than {self.floor_days} days"
                )
