"""The world: simulated time, and the one order in which everything in it happens."""

from __future__ import annotations

from heapq import heappop, heappush
from random import Random
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

    Action = Callable[[], None]

SECOND = 1_000_000
_STEPS_MAX = 3_000_000


class Stuck(Exception):
    """The world never comes to rest."""


class Said(NamedTuple):
    """A line of the trace: when, who, and what."""

    at_us: int
    who: str
    what: str

    def __str__(self) -> str:
        return f"{self.at_us / SECOND:12.6f}  {self.who:<12}  {self.what}"


class World:
    """Everything that is due, in order of time; what is due at once is ordered by the seed.

    Attributes:
        now_us: simulated microseconds since the beginning.
        steps: how much has happened.
        trace: what was said of it.
    """

    def __init__(self, seed: int) -> None:
        """Have nothing due; the same seed makes the same world."""
        self.now_us = 0
        self.steps = 0
        self.trace: list[Said] = []
        self._seed = seed
        self._order = self.chance("order")
        self._due: list[tuple[int, float, int, Action]] = []
        self._made = 0

    def chance(self, of: str) -> Random:
        """Return a stream of random numbers that nobody else draws from."""
        return Random(f"{self._seed} {of}")  # noqa: S311 - not for secrets

    def say(self, who: str, what: str) -> None:
        """Add a line to the trace."""
        self.trace.append(Said(self.now_us, who, what))

    def after(self, delay_us: int, action: Action) -> None:
        """Let something happen later."""
        self._made += 1
        due_us = self.now_us + max(delay_us, 0)
        heappush(self._due, (due_us, self._order.random(), self._made, action))

    def run(self, until_us: int, is_over: Callable[[], bool] = lambda: False) -> None:
        """Let happen what is due, up to a time, or until something is so.

        Raises:
            Stuck: far too much happens.
        """
        while self._due and self._due[0][0] <= until_us and not is_over():
            self.now_us, _, _, action = heappop(self._due)
            self.steps += 1
            if self.steps > _STEPS_MAX:
                raise Stuck(f"after {self.steps} steps it is {self.now_us / SECOND} s")
            action()
        if not is_over():
            self.now_us = max(self.now_us, until_us)
