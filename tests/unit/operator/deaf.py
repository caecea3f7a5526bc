"""A peer that heeds TLS no longer: who ends a connection has to do without its farewell."""

from __future__ import annotations

import socket
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ssl
    import threading

BLOCK = 4096
_PATIENCE_S = 5.0


def is_closed(connection: ssl.SSLSocket, is_deaf: threading.Event) -> bool:
    """Tell whether the other side closes a connection, once nobody answers it by TLS any more.

    Args:
        connection: it is of no use after that.
        is_deaf: is set from when on that is so.
    """
    with socket.socket(fileno=connection.detach()) as bare:
        bare.settimeout(_PATIENCE_S)
        is_deaf.set()
        with suppress(TimeoutError):
            while bare.recv(BLOCK):
                continue
            return True
    return False
