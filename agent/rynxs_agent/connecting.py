"""Why there is no answer over HTTP."""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aiohttp import ClientError


def words_of(error: ClientError) -> str:
    """Return what is wrong with a connection, without saying where it goes."""
    inner = getattr(error, "os_error", error)
    if isinstance(inner, socket.gaierror):
        return "the host's name is not known"
    code = getattr(inner, "errno", None)
    return os.strerror(code) if code and code > 0 else type(inner).__name__
