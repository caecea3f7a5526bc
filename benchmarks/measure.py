"""Measuring: pairs taken alternately, so that what disturbs the machine disturbs both alike."""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING, NamedTuple

from benchmarks.result import Spread, spread

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_BLOCK = 20


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
    return Pair(*in_turn(rounds, ours, limit))


def in_turn(rounds: int, *measurements: Callable[[], float]) -> list[Spread]:
    """Take all measurements `rounds` times, one after the other; each returns one figure."""
    figures = [[measurement() for measurement in measurements] for _ in range(rounds)]
    return [spread(column) for column in zip(*figures, strict=True)]


def in_blocks(rounds: int, *groups: Sequence[Callable[[], float]]) -> list[Spread]:
    """Do as `in_turn` does with all measurements of the groups, but `_BLOCK` rounds a group.

    So what one group leaves in the processor's caches slows the others in few rounds only.
    """
    figures: list[list[list[float]]] = [[[] for _ in group] for group in groups]
    for start in range(0, rounds, _BLOCK):
        for group, columns in zip(groups, figures, strict=True):
            for _ in range(min(_BLOCK, rounds - start)):
                for measurement, column in zip(group, columns, strict=True):
                    column.append(measurement())
    return [spread(column) for columns in figures for column in columns]
