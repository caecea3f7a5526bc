"""When a request that failed is made again."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Final

from aiohttp import hdrs

if TYPE_CHECKING:
    from collections.abc import Mapping

_FIRST_S = 1.0
_MOST_S = 30.0
ASKED_MOST_S: Final = 60.0
"""Who asks to be left alone for longer is taken to be unavailable."""
_PASSING: Final = frozenset({408, 409, 425, 429})
_SERVER_ERROR = 500
_DOUBLINGS_MAX = 10


def passes(status: int) -> bool:
    """Tell whether an HTTP status is one that another attempt may not meet."""
    return status in _PASSING or status >= _SERVER_ERROR


def backoff_s(attempt: int, chance: float) -> float:
    """Return how long to wait after the `attempt`-th failure in a row, counted from 1.

    Args:
        attempt: which failure.
        chance: from 0 up to 1; spreads those who failed at once over the later half.
    """
    longest = min(_FIRST_S * float(2 ** min(attempt, _DOUBLINGS_MAX)), _MOST_S)
    return longest * (1 + chance) / 2


def asked_s(headers: Mapping[str, str]) -> float | None:
    """Return how long a server asks to wait, by ``Retry-After``; None if it does not.

    A date is understood relative to the server's own clock, so that ours need not be right.
    """
    text = headers.get(hdrs.RETRY_AFTER, "").strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        then = parsedate_to_datetime(text)
        now = parsedate_to_datetime(headers.get(hdrs.DATE, ""))
        return max(0.0, (_aware(then) - _aware(now)).total_seconds())
    except (TypeError, ValueError, OverflowError):
        return None


def _aware(date: datetime) -> datetime:
    """Return a date with its zone; one that does not tell it is in UTC."""
    return date if date.tzinfo else date.replace(tzinfo=UTC)
