"""Operational logs of commands: structlog on standard error, console on a terminal, else JSON."""

from __future__ import annotations

import logging
import sys

import structlog


class _Named(structlog.PrintLogger):
    """A logger that knows what it is called."""

    def __init__(self, name: str = "rynxs") -> None:
        # Standard error as it is when something is logged: it may have been replaced since.
        super().__init__(sys.stderr)
        self.name = name


def set_up_logs(level: int = logging.WARNING) -> None:
    """Configure structlog for a command; what is of `level` and worse is shown."""
    renderer: structlog.typing.Processor = (
        structlog.dev.ConsoleRenderer()
        if sys.stderr.isatty()
        else structlog.processors.JSONRenderer(sort_keys=True)
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.stdlib.add_logger_name,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=_Named,
        cache_logger_on_first_use=False,
    )
