"""Time and chance, which everything else is given: the one place that asks the system for them."""

from __future__ import annotations

import asyncio
import random  # noqa: TID251 - this is the place
import secrets  # noqa: TID251 - likewise
import time  # noqa: TID251 - likewise
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable


class Sources(NamedTuple):
    """Where time and chance come from.

    Attributes:
        now_s: POSIX seconds.
        elapsed_s: seconds since some moment; never goes back.
        pause: waits for so many seconds.
        chance: a number from 0 up to 1, to spread what would happen at once.
        new_id: a name that nothing else has.
    """

    now_s: Callable[[], float] = time.time
    elapsed_s: Callable[[], float] = time.monotonic
    pause: Callable[[float], Awaitable[None]] = asyncio.sleep
    chance: Callable[[], float] = random.random
    new_id: Callable[[], str] = lambda: secrets.token_hex(8)
