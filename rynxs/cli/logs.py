"""Operational logs of commands: structlog on standard error, console on a terminal, else JSON."""

from __future__ import annotations

import logging
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import structlog
import typer

from rynxs.cli.failures import failure_of, is_debugging

if TYPE_CHECKING:
    from collections.abc import Iterator


class _Named(structlog.PrintLogger):
    """A logger that knows what it is called."""

    def __init__(self, name: str = "rynxs") -> None:
        # Standard error as it is when something is logged: it may have been replaced since.
        super().__init__(sys.stderr)
        self.name = name


def is_for_people() -> bool:
    """Tell whether log lines are text, and not JSON."""
    return sys.stderr.isatty()


@contextmanager
def last_line(logger: str) -> Iterator[None]:
    """Have an error that ends the command be the last log line, where these are JSON.

    Args:
        logger: what says so.

    Raises:
        Exit: with the exit status that the error gives.
    """
    try:
        yield
    except Exception as error:
        if is_debugging() or is_for_people():
            raise  # the command line tells it
        message, exit_code = failure_of(error)
        structlog.get_logger(logger).error("ended", error=message, exit_code=exit_code)
        raise typer.Exit(exit_code) from error


def set_up_logs(level: int = logging.WARNING) -> None:
    """Configure structlog for a command; what is of `level` and worse is shown."""
    renderer: structlog.typing.Processor = (
        structlog.dev.ConsoleRenderer()
        if is_for_people()
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
