"""The first record of a log, which names it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from rynxs.errors import LogCorrupt, ValueRefused
from rynxs.eventlog import canonical
from rynxs.eventlog.checkpoint import ORIGIN

if TYPE_CHECKING:
    from rynxs.eventlog.sink import Sink


def origin_of(sink: Sink) -> str | None:
    """Return the origin that the first record names; None for an empty log.

    Raises:
        LogCorrupt: the first record's payload does not hold an origin.
    """
    first = next(iter(sink.read(0, 1)), None)
    if first is None:
        return None
    if first.payload is None:
        raise LogCorrupt(0, "payload is missing, and that of the first record can't be redacted")
    try:
        origin = canonical.decode(first.payload).get("origin")
    except ValueRefused as error:
        raise LogCorrupt(0, f"payload {error}") from None
    if not isinstance(origin, str) or not re.fullmatch(ORIGIN, origin):
        raise LogCorrupt(0, "payload names no origin")
    return origin
