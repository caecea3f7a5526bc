"""Faults: which ones a seed has, how often each happens, and how often it did."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Collection

    from rynxs.simulation.world import World

MESSAGES: Final = {
    "request lost": 0.03,
    "answer lost": 0.03,
    "request late": 0.02,
    "request twice": 0.02,
    "answer late": 0.02,
    "connection refused": 0.02,
    "stopped before it is sent": 0.02,
    "killed before it is sent": 0.005,
    "killed after the effect": 0.005,
}
"""What may become of a request or of who sends it, each with the probability at most."""
BUCKET: Final = {
    "server error": 0.03,
    "server error after the effect": 0.03,
    "slow down": 0.02,
    "contended": 0.02,
    "answer damaged": 0.01,
}
"""What the object store may do."""
API: Final = {
    "too many requests": 0.02,
    "server error": 0.03,
    "server error after the effect": 0.03,
    "watch ended": 0.05,
    "watch silent": 0.02,
    "watch expired": 0.2,
    "watch goes back": 0.1,
    "event twice": 0.1,
    "event late": 0.05,
    "event of before": 0.2,
}
"""What the API server may do."""
DISK: Final = {
    "disk full": 0.01,
    "write error": 0.02,
    "flush error": 0.03,
    "read error": 0.004,
    "short write": 0.1,
    "killed at a call": 0.004,
    "power lost at a call": 0.003,
}
"""What a disk may do, at a system call."""
EVENTS: Final = {
    "killed": 0.4,
    "power lost": 0.3,
    "stopped": 0.4,
    "asleep": 0.3,
    "cut off": 0.5,
    "clock jumps": 0.3,
    "clock drifts": 0.2,
    "stopped in order": 0.2,
    "edited by others": 0.6,
    "deleted by others": 0.3,
    "bit rot": 1.0,
}
"""What happens to machines, processes and objects, now and then."""
PLUGIN: Final = {"reducer fails": 0.2, "renderer fails": 0.2}
"""What a plugin may do about an object, each time it is asked until the object changes."""
_ENABLED = 0.5


class Faults:
    """What goes wrong in a world.

    Attributes:
        counts: how often what did.
        is_on: whether anything does.
    """

    def __init__(self, world: World, without: Collection[int] = ()) -> None:
        """Draw what this world has to go through.

        Args:
            world: that has the seed.
            without: numbers of those faults that do not happen after all, in the order in which
                they would.
        """
        self.counts: Counter[str] = Counter()
        self.is_on = True
        self.drawn = 0
        self._world = world
        self._without = frozenset(without)
        self._chance = world.chance("faults")
        drawn = world.chance("which faults")
        self._rates = {
            (of, kind): most * drawn.random()
            for of, kinds in _ALL.items()
            for kind, most in kinds.items()
            if drawn.random() < _ENABLED
        }

    def happens(self, of: str, kind: str, who: str) -> bool:
        """Draw whether a fault happens now.

        Args:
            of: the family.
            kind: which one.
            who: to whom, for the trace.
        """
        rate = self._rates.get((of, kind))
        if rate is None or not self.is_on or self._chance.random() >= rate:
            return False
        number = self.drawn
        self.drawn += 1
        if number in self._without:
            return False
        self.counts[f"{of}: {kind}"] += 1
        self._world.say(who, f"fault {number}: {of}: {kind}")
        return True


_ALL: Final = {
    "network": MESSAGES,
    "bucket": BUCKET,
    "api": API,
    "disk": DISK,
    "world": EVENTS,
    "plugin": PLUGIN,
}
KINDS: Final = tuple(sorted(f"{family}: {kind}" for family in _ALL for kind in _ALL[family]))
"""All kinds, as `Faults.counts` has them."""
