"""An HTTP proxy before an S3 server that counts the requests and breaks those it is told to."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from http.client import HTTPConnection, HTTPException
from threading import Event, Lock
from typing import TYPE_CHECKING, Any, NamedTuple

from tests.servers.endpoint import LOOPBACK
from tests.servers.faults import Dropped, Reply
from tests.servers.inprocess import Handler, InProcessServer, TrackingServer

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.servers.faults import Fault

    Match = Callable[[str, str], bool]

UPSTREAM_LIMIT_S = 30.0
HOP_BY_HOP = ("connection", "keep-alive", "transfer-encoding")


class Seen(NamedTuple):
    """A request that came, and the status that went back; none if the connection was closed."""

    method: str
    path: str
    status: int | None


@dataclass
class _Plan:
    fault: Fault
    match: Match
    times: int


def _any_request(method: str, path: str) -> bool:
    return True


class FaultyProxy(InProcessServer):
    """Forwards requests as they come, `Host` included, for that header is part of the signature.

    Attributes:
        endpoint: The address as `127.0.0.1:PORT`.
        requests: The requests answered so far, in the order of their answers.
    """

    def __init__(self, upstream: str) -> None:
        """Take a port.

        Args:
            upstream: The address of the server behind, `HOST:PORT`, which speaks plain HTTP.
        """
        self.upstream = upstream
        self.requests: list[Seen] = []
        self.stopping = Event()
        self._plans: list[_Plan] = []
        self._lock = Lock()
        server = TrackingServer((LOOPBACK, 0), partial(_Handler, self))
        self.endpoint = f"{LOOPBACK}:{server.server_port}"
        super().__init__(server)

    def plan(self, fault: Fault, match: Match = _any_request, times: int = 1) -> None:
        """Break the next requests that match; of several plans the oldest that matches is taken.

        Args:
            fault: What happens, from `tests.servers.faults`.
            match: Given the method and the raw path with its query.
            times: How many requests it happens to.
        """
        with self._lock:
            self._plans.append(_Plan(fault, match, times))

    @property
    def pending(self) -> int:
        """How many planned faults have not happened yet."""
        with self._lock:
            return sum(plan.times for plan in self._plans)

    def count(self, method: str, path_start: str = "/") -> int:
        """Count the requests of a method whose path starts so."""
        return sum(
            seen.method == method and seen.path.startswith(path_start) for seen in self.requests
        )

    def stop(self) -> None:
        """Stop, also in the middle of a delay."""
        self.stopping.set()
        super().stop()

    def take(self, method: str, path: str) -> Fault | None:
        """Use up one planned fault."""
        with self._lock:
            for plan in self._plans:
                if plan.times and plan.match(method, path):
                    plan.times -= 1
                    return plan.fault
        return None


class _Handler(Handler):
    """Handles one connection; also the `Exchange` of the request in hand."""

    def __init__(self, proxy: FaultyProxy, *arguments: Any) -> None:
        self._proxy = proxy
        self._body = b""
        super().__init__(*arguments)

    def answer(self) -> None:
        self._body = self.body()
        fault = self._proxy.take(self.command, self.path)
        try:
            reply = fault(self) if fault else self.forward()
        except Dropped:
            self._proxy.requests.append(Seen(self.command, self.path, None))
            self.close_connection = True
            return
        self._proxy.requests.append(Seen(self.command, self.path, reply.status))
        self.reply(reply.status, reply.headers, reply.body)
        announced = int(dict(reply.headers).get("Content-Length", 0))
        self.close_connection |= self.command != "HEAD" and announced != len(reply.body)

    def forward(self) -> Reply:
        connection = HTTPConnection(self._proxy.upstream, timeout=UPSTREAM_LIMIT_S)
        try:
            connection.putrequest(
                self.command, self.path, skip_host=True, skip_accept_encoding=True
            )
            for name, value in self.headers.items():
                connection.putheader(name, value)
            connection.endheaders(self._body)
            response = connection.getresponse()
            body = response.read()
        except (OSError, HTTPException) as error:
            raise Dropped from error
        finally:
            connection.close()
        headers = [
            header for header in response.getheaders() if header[0].lower() not in HOP_BY_HOP
        ]
        return _framed(Reply(response.status, tuple(headers), body), self.command)

    def wait(self, seconds: float) -> None:
        if self._proxy.stopping.wait(seconds):
            raise Dropped


def _framed(reply: Reply, command: str) -> Reply:
    # What came in chunks goes on with its length; a HEAD has the length of what it does not send.
    if command == "HEAD" or reply.status in {204, 304}:
        return reply
    return reply.with_header("Content-Length", str(len(reply.body)))
