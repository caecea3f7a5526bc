"""Waiting longer after each failure, up to a bound."""

from __future__ import annotations

_FIRST_S = 0.5
_MOST_S = 300.0


def delay_s(attempt: int, most_s: float = _MOST_S) -> float:
    """Return how long to wait after the `attempt`-th failure in a row, counted from 1.

    Args:
        attempt: which failure.
        most_s: nobody waits longer than that.
    """
    exponent = min(attempt - 1, 20)
    return float(min(_FIRST_S * 2**exponent, most_s))


def is_told(attempt: int) -> bool:
    """Tell whether a failure that repeats is recorded: the first, second, fourth, eighth time."""
    return attempt & (attempt - 1) == 0
