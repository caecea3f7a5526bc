"""Errors that end a command: what is said of each, and the exit status it gives."""

from __future__ import annotations

import os
from typing import NamedTuple

from rynxs.errors import RynxsError

EXIT_DEFECT = 70
_DEBUG_VARIABLE = "RYNXS_DEBUG"


class Failure(NamedTuple):
    """What is told of an error.

    Attributes:
        message: for people; what a user can cause is one clear sentence.
        exit_code: of the command.
    """

    message: str
    exit_code: int


def is_debugging() -> bool:
    """Tell whether the traceback of an error is wanted."""
    return bool(os.environ.get(_DEBUG_VARIABLE))


def failure_of(error: Exception) -> Failure:
    """Return what is told of an error; of one that nobody foresaw, that it is a defect."""
    if isinstance(error, RynxsError):
        return Failure(str(error), error.exit_code)
    if isinstance(error, OSError) and error.filename is not None:
        return Failure(f"{error.filename}: {error.strerror}", RynxsError.exit_code)
    return Failure(
        f"internal error, please report it: {type(error).__name__}: {error} "
        f"(set {_DEBUG_VARIABLE}=1 for the traceback)",
        EXIT_DEFECT,
    )
