"""What the framework logs, as lines of ours: warnings and worse, and nothing of any object."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING

import structlog

from rynxs.credentials import shown

if TYPE_CHECKING:
    from collections.abc import Iterator

_log = structlog.get_logger("rynxs.operator.framework")
_NAMES = ("kopf", "aiohttp.server", "asyncio")
"""The last tells of tasks of the framework's that nobody has waited for, when its loop ends."""
_LENGTH_MAX = 300
_EXPECTED = ("OS signals are ignored",)
"""What it says of a thread of its own, each time."""
_GUARD = "guard"
"""kopf's function that logs what one of its tasks raises, and raises it on."""


class Said(logging.Handler):
    """Hands records on.

    Attributes:
        is_silent: drops them: what ends at our bidding has a lot to say.
    """

    def __init__(self) -> None:
        """Take warnings and worse."""
        super().__init__(logging.WARNING)
        self.is_silent = False

    def emit(self, record: logging.LogRecord) -> None:
        """Hand a record on, if it is worth it."""
        text = one_line(record.getMessage())
        if self.is_silent or text.startswith(_EXPECTED) or _is_raised_on(record):
            return
        told = _log.error if record.levelno >= logging.ERROR else _log.warning
        told("kopf", said=text)


def _is_raised_on(record: logging.LogRecord) -> bool:
    """Tell whether kopf ends of what is logged, and so it is told with that, once."""
    return record.funcName == _GUARD and record.exc_info is not None


def one_line(text: str) -> str:
    """Return the start of a message, up to where an object may stand in it."""
    first = text.partition("{")[0].partition("\n")[0].rstrip(" ,(")
    return shown(first[:_LENGTH_MAX])


@contextmanager
def heard() -> Iterator[Said]:
    """Hand on what the framework logs, in place of whatever else is done with it."""
    said = Said()
    loggers = [logging.getLogger(name) for name in _NAMES]
    before = [(logger, logger.level, logger.propagate) for logger in loggers]
    for logger in loggers:
        logger.addHandler(said)
        logger.setLevel(logging.WARNING)
        logger.propagate = False
    try:
        yield said
    finally:
        for logger, level, propagate in before:
            logger.removeHandler(said)
            logger.setLevel(level)
            logger.propagate = propagate
