"""Lengths of time as text, such as ``1h30m``."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, StringConstraints

_PATTERN = r"^([0-9]{1,4}d)?([0-9]{1,4}h)?([0-9]{1,5}m)?([0-9]{1,7}s)?$"
_SECONDS = {"d": 86_400, "h": 3_600, "m": 60, "s": 1}
_SECONDS_MAX = 366 * 86_400


def seconds_of(text: str) -> int:
    """Return the seconds of a `Duration`."""
    return sum(int(digits) * _SECONDS[unit] for digits, unit in re.findall(r"(\d+)([dhms])", text))


def _bounded(text: str) -> str:
    if not 0 < seconds_of(text) <= _SECONDS_MAX:
        raise ValueError("not between 1s and 366d; allowed is text such as 90s, 30m or 1h30m")
    return text


Duration = Annotated[
    str,
    StringConstraints(pattern=_PATTERN, min_length=2, max_length=24),
    AfterValidator(_bounded),
]
"""Days, hours, minutes and seconds, in this order and without spaces; at most 366 days."""
