"""An HTTP server on threads of this process, which can be stopped so that nothing of it stays."""

from __future__ import annotations

import sys
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, HTTPServer
from socket import SHUT_RDWR
from socketserver import ThreadingMixIn
from threading import Lock, Thread
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterable

POLL_S = 0.02


class TrackingServer(ThreadingMixIn, HTTPServer):
    """Serves each connection on a thread, and can end them all.

    Without that a client's kept-open connection would go on being served after the server closed.
    """

    daemon_threads = False
    request_queue_size = 128

    def __init__(self, *arguments: Any) -> None:
        self._lock = Lock()
        self._open: set[socket.socket] = set()
        super().__init__(*arguments)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Remember the connection, then hand it to its thread."""
        with self._lock:
            self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """Forget the connection and close it."""
        with self._lock:
            self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of a client that went away: tests make them do so."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)

    def end_connections(self) -> None:
        """Shut each connection down; the thread that reads from it sees its end."""
        with self._lock:
            for connection in self._open:
                with suppress(OSError):
                    connection.shutdown(SHUT_RDWR)


class InProcessServer:
    """Serves from `start` to `stop`; a context manager. The port is taken from the beginning."""

    def __init__(self, server: TrackingServer) -> None:
        self._server = server
        self._thread = Thread(target=server.serve_forever, args=(POLL_S,))

    def start(self) -> Self:
        """Begin to serve."""
        self._thread.start()
        return self

    def stop(self) -> None:
        """End every connection, wait for the threads and give the port back."""
        self._server.shutdown()
        self._server.end_connections()
        self._thread.join()
        self._server.server_close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *exception: object) -> None:
        self.stop()


class Handler(BaseHTTPRequestHandler):
    """HTTP/1.1 with connections kept open, and silent."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def __getattr__(self, name: str) -> Any:
        """Give `answer` as `do_GET`, `do_PUT` and so on."""
        if name.startswith("do_"):
            return self.answer
        raise AttributeError(name)

    def answer(self) -> None:
        """Answer one request."""
        raise NotImplementedError

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its name is inherited
        """Keep the tests' output clean."""

    def body(self) -> bytes:
        """Read the body that the request announces."""
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def reply(self, status: int, headers: Iterable[tuple[str, str]], body: bytes = b"") -> None:
        """Send an answer with exactly these headers."""
        self.send_response_only(status)
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)
