"""Measuring: pairs taken alternately, so that what disturbs the machine disturbs both alike."""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING, NamedTuple

from benchmarks.result import Spread, spread

if TYPE_CHECKING:
    from collections.abc import Callable


class Pair(NamedTuple):
    """Measurements of ours and of the limit."""

    ours: Spread
    limit: Spread


def seconds(action: Callable[[], object]) -> float:
    """Return the wall-clock seconds that an action takes."""
    begin = perf_counter()
    action()
    return perf_counter() - begin


def rate(count: int, action: Callable[[], object]) -> float:
    """Return how many a second, for an action that does `count`."""
    return count / seconds(action)


def alternate(rounds: int, ours: Callable[[], float], limit: Callable[[], float]) -> Pair:
    """Take both measurements `rounds` times, in turn; each returns one figure."""
    figures = [(ours(), limit()) for _ in range(rounds)]
    return Pair(spread([pair[0] for pair in figures]), spread([pair[1] for pair in figures]))
