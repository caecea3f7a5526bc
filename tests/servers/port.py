"""A loopback port that belongs to one server for its life, also while that server is down."""

from __future__ import annotations

import socket

from tests.servers.endpoint import LOOPBACK


class ReservedPort:
    """Holds a port by a socket that is bound and never listens.

    While it is held the kernel gives the port to nobody who asks for any free one, neither to
    listen on nor as the near end of a connection. A server that sets SO_REUSEADDR, as Go's do, may
    still listen on it; after the server's death a client is refused, and answered by nobody else.
    """

    def __init__(self) -> None:
        self._socket = socket.socket()
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.bind((LOOPBACK, 0))
        self.number: int = self._socket.getsockname()[1]

    def close(self) -> None:
        """Give the port back."""
        self._socket.close()
