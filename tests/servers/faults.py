"""What can go wrong between a client and an S3 server, for `FaultyProxy.plan`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    Fault = Callable[["Exchange"], "Reply"]


class Dropped(Exception):
    """The connection is to be closed without an answer."""


@dataclass(frozen=True)
class Reply:
    """An answer; the headers' `Content-Length` may promise more than the body holds."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def with_header(self, name: str, value: str) -> Reply:
        """Replace a header, whatever the case of its name."""
        kept = (header for header in self.headers if header[0].lower() != name.lower())
        return replace(self, headers=(*kept, (name, value)))


class Exchange(Protocol):
    """One request on its way."""

    def forward(self) -> Reply:
        """Send the request to the server behind and give its answer.

        Raises:
            Dropped: The server can't be reached, or closed the connection.
        """
        ...

    def wait(self, seconds: float) -> None:
        """Let time pass.

        Raises:
            Dropped: The proxy was stopped meanwhile.
        """
        ...


def drop_request(exchange: Exchange) -> Reply:
    """Close the connection before the server sees the request."""
    raise Dropped


def drop_reply(exchange: Exchange) -> Reply:
    """Close the connection after the server has carried the request out."""
    exchange.forward()
    raise Dropped


def duplicate(exchange: Exchange) -> Reply:
    """Send the request twice and give the second answer: 412 to a create that succeeded."""
    exchange.forward()
    return exchange.forward()


def garble(exchange: Exchange) -> Reply:
    """Overwrite the middle of the body."""
    reply = exchange.forward()
    middle = len(reply.body) // 2
    damaged = bytes(byte ^ 0xFF for byte in reply.body[middle : middle + 4])
    return replace(reply, body=reply.body[:middle] + damaged + reply.body[middle + len(damaged) :])


def truncate(exchange: Exchange) -> Reply:
    """Give half the body as if it were all."""
    reply = exchange.forward()
    half = reply.body[: len(reply.body) // 2]
    return replace(reply, body=half).with_header("Content-Length", str(len(half)))


def break_off(exchange: Exchange) -> Reply:
    """Announce the whole body, send half, close the connection."""
    reply = exchange.forward()
    return replace(reply, body=reply.body[: len(reply.body) // 2])


def delay_request(seconds: float) -> Fault:
    """Hold the request back before the server sees it."""

    def fault(exchange: Exchange) -> Reply:
        exchange.wait(seconds)
        return exchange.forward()

    return fault


def delay_reply(seconds: float) -> Fault:
    """Hold the answer back after the server has carried the request out."""

    def fault(exchange: Exchange) -> Reply:
        reply = exchange.forward()
        exchange.wait(seconds)
        return reply

    return fault


def answer(status: int, code: str) -> Fault:
    """Answer with an S3 error; the server does not see the request."""

    def fault(exchange: Exchange) -> Reply:
        return error_reply(status, code)

    return fault


def answer_after(status: int, code: str) -> Fault:
    """Answer with an S3 error after the server has carried the request out."""

    def fault(exchange: Exchange) -> Reply:
        exchange.forward()
        return error_reply(status, code)

    return fault


def error_reply(status: int, code: str) -> Reply:
    """Make the answer that S3 gives with an error code."""
    body = f"<Error><Code>{code}</Code><Message>as the test planned</Message></Error>".encode()
    headers = (("Content-Type", "application/xml"), ("Content-Length", str(len(body))))
    return Reply(status, headers, body)
