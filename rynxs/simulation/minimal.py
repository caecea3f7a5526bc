"""The least that has to go wrong for a promise to be broken: faults are left out, again and again.

As in delta debugging (Zeller and Hildebrandt, TSE 2002), larger shares are tried first.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from rynxs.simulation.trial import Outcome, Trial

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

_TRIALS_MAX = 80


class Minimal(NamedTuple):
    """A trial that fails with little that goes wrong.

    Attributes:
        without: numbers of the faults that were left out.
        outcome: what came of it.
    """

    without: frozenset[int]
    outcome: Outcome


def minimal(
    found: Outcome, trial: Callable[[int, Collection[int]], Outcome] | None = None
) -> Minimal:
    """Return a trial of the same seed that fails alike, with as few faults as can be found soon.

    Args:
        found: one that failed.
        trial: runs a seed without some faults.
    """
    trial = trial or (lambda seed, without: Trial(seed, without).run())
    best = Minimal(frozenset(), found)
    share, tried = found.drawn, 0
    while share >= 1 and tried < _TRIALS_MAX:
        is_better, start = False, 0
        while start < best.outcome.drawn and tried < _TRIALS_MAX:
            more = frozenset(range(start, min(start + share, best.outcome.drawn)))
            start += share
            if more <= best.without:
                continue
            tried += 1
            outcome = trial(found.seed, best.without | more)
            if _said(outcome) == _said(found):
                best, is_better = Minimal(best.without | more, outcome), True
        if not is_better or share == 1:
            share //= 2
    return best


def _said(outcome: Outcome) -> str:
    """Return which promise was broken, without the numbers in it."""
    return re.sub(r"[0-9]+", "0", outcome.broken)
