"""Requests, answered by a server that does not behave."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
from contextlib import aclosing, suppress
from typing import TYPE_CHECKING, Any

import pytest
from kubernetes_asyncio.client import Configuration

from rynxs.operator import transport
from rynxs.operator.cluster import ClusterError
from rynxs.operator.transport import Request, Transport
from tests.servers.certificate import Certificate
from tests.unit.operator.deaf import BLOCK, is_closed

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

ASKED = Request("GET", "/api/v1/things", {"limit": "5"})
CUT_OFF = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"
EVENT = b'{"type": "ADDED"}\n'


def answer(body: bytes, status: str = "200 OK", *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


def events(*chunks: bytes, is_ended: bool = True) -> bytes:
    """Return a watch's answer."""
    parts = [b"%x\r\n%s\r\n" % (len(each), each) for each in chunks]
    end = b"0\r\n\r\n" if is_ended else b""
    return b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"".join(parts) + end


def on_a_server(
    says: bytes, work: Callable[[Transport], Awaitable[Any]], *, is_closed: bool = True
) -> tuple[Any, str]:
    """Return what a piece of work comes to, and the first request, on a server that says one thing.

    Args:
        says: the answer to everything, headers included.
        work: what to do.
        is_closed: whether the server closes the connection after that, or stays silent.
    """
    requests: list[str] = []
    served: list[asyncio.Future[None]] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        is_served: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        served.append(is_served)
        with suppress(asyncio.IncompleteReadError, OSError):  # the client may have given up
            requests.append((await reader.readuntil(b"\r\n\r\n")).decode())
            writer.write(says)
            if not is_closed:
                await reader.read()
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()
        is_served.set_result(None)

    async def main() -> Any:
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        host, port = server.sockets[0].getsockname()
        client = Transport(Configuration(host=f"http://{host}:{port}"), "rynxs-test")
        async with server:
            try:
                return await work(client)
            finally:
                await client.close()
                await asyncio.gather(*served)

    return asyncio.run(main()), "".join(requests[:1])


async def error_of(client: Transport) -> ClusterError:
    with pytest.raises(ClusterError) as refused:
        await client.ask(ASKED)
    return refused.value


def followed(heard: list[Any]) -> Callable[[Transport], Awaitable[ClusterError | None]]:
    """Return the work of following a watch to its end, and hearing what it tells."""

    async def work(client: Transport) -> ClusterError | None:
        try:
            async for each in client.follow(ASKED):
                heard.append(each)  # noqa: PERF401  (what comes before an error counts)
        except ClusterError as error:
            return error
        return None

    return work


def test_a_request_says_who_asks_and_how_long_the_server_may_take() -> None:
    found, request = on_a_server(answer(b'{"a": 1}'), lambda client: client.ask(ASKED))
    assert found == {"a": 1}
    assert request.startswith("GET /api/v1/things?limit=5&timeout=25s HTTP/1.1\r\n")
    assert "User-Agent: rynxs-test\r\n" in request


BROKEN = {
    "nothing": b"",
    "no HTTP": b"hello\r\n\r\n",
    "half an answer": CUT_OFF,
    "no JSON": answer(b"<html>"),
    "no object": answer(b"[]"),
    "no text": answer(b"\xff\xfe"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_no_answer_is_taken_for_none(name: str) -> None:
    error, _ = on_a_server(BROKEN[name], error_of)
    assert (error.status, error.reason) == (0, "")
    assert str(error).startswith("GET /api/v1/things: ")


def test_who_does_not_answer_in_time_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "_ANSWER_S", 0.5)  # it connects before that
    error, _ = on_a_server(b"", error_of, is_closed=False)
    assert (error.status, str(error)) == (0, "GET /api/v1/things: no word in time")


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"<html>oh</html>", "503 Service Unavailable: <html>oh</html>"),
        (b"", "503 Service Unavailable: no reason given"),
        (b'{"reason": "Busy", "message": "later"}', "503 Busy: later"),
    ],
)
def test_a_refusal_is_told_whatever_its_form(body: bytes, told: str) -> None:
    says = answer(body, "503 Service Unavailable", "Retry-After: 9")
    error, _ = on_a_server(says, error_of)
    assert (error.status, error.retry_after_s, str(error)) == (503, 9.0, told)


def test_a_watch_tells_that_it_is_accepted_then_each_event_and_ends() -> None:
    heard: list[Any] = []
    split = events(EVENT[:5], EVENT[5:] + EVENT)
    error, request = on_a_server(split, followed(heard))
    assert (error, heard) == (None, [{}, {"type": "ADDED"}, {"type": "ADDED"}])
    assert "watch=true&timeoutSeconds=120" in request


@pytest.mark.parametrize(
    ("says", "counts"),
    [
        (answer(b"{}", "403 Forbidden"), {0}),
        (events(EVENT, is_ended=False), {1, 2}),
        (events(EVENT, b"half an ev"), {1, 2}),
        (events(), {1}),
    ],
    ids=["refused", "broken off", "garbled", "ended at once"],
)
def test_a_watch_that_does_not_end_as_it_should_is_told(says: bytes, counts: set[int]) -> None:
    """What came just before that may be lost; it is told again by the next watch."""
    heard: list[Any] = []
    error, _ = on_a_server(says, followed(heard))
    assert isinstance(error, ClusterError)
    assert len(heard) in counts


class Deaf:
    """A server that answers one request over TLS, and then heeds no TLS."""

    def __init__(self, directory: Path, says: bytes) -> None:
        self._certificate = Certificate.self_signed(directory)
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._says = says
        self.is_asked = threading.Event()

    def client(self) -> Transport:
        configuration = Configuration(host=f"https://127.0.0.1:{self._listening.getsockname()[1]}")
        configuration.ssl_ca_cert = str(self._certificate.file)
        return Transport(configuration, "rynxs-test")

    def serve(self) -> bool:
        """Return whether the client closes the connection after that."""
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(*self._certificate)
        with (
            self._listening as listening,
            context.wrap_socket(listening.accept()[0], server_side=True) as served,
        ):
            served.recv(BLOCK)
            served.sendall(self._says)
            return is_closed(served, self.is_asked)


def test_a_watch_that_is_left_is_closed_whether_the_server_agrees_or_not(tmp_path: Path) -> None:
    server = Deaf(tmp_path, events(EVENT, is_ended=False))

    async def main() -> bool:
        client, is_closed = server.client(), asyncio.create_task(asyncio.to_thread(server.serve))
        async with aclosing(client.follow(ASKED)) as told:
            assert [await anext(told), await anext(told)] == [{}, {"type": "ADDED"}]
        await client.close()
        return await is_closed

    assert asyncio.run(main())


def test_a_request_that_is_left_before_it_is_answered_is_closed_with_the_client(
    tmp_path: Path,
) -> None:
    server = Deaf(tmp_path, b"")

    async def main() -> bool:
        client, is_closed = server.client(), asyncio.create_task(asyncio.to_thread(server.serve))
        asking = asyncio.create_task(client.ask(ASKED))
        await asyncio.to_thread(server.is_asked.wait)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        await client.close()
        return await is_closed

    assert asyncio.run(main())


def test_an_answer_to_what_nobody_asks_for_any_more_is_let_go(tmp_path: Path) -> None:
    server = Deaf(tmp_path, events(EVENT, is_ended=False))

    async def main() -> bool:
        client, is_closed = server.client(), asyncio.create_task(asyncio.to_thread(server.serve))
        asking = asyncio.create_task(anext(client.follow(ASKED)))
        await asyncio.to_thread(server.is_asked.wait)
        asking.cancel()
        with suppress(asyncio.CancelledError):
            await asking
        found = await is_closed
        await client.close()
        return found

    assert asyncio.run(main())


def test_a_watch_that_is_silent_for_too_long_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "_SILENCE_S", 0.01)
    heard: list[Any] = []
    error, _ = on_a_server(events(EVENT, is_ended=False), followed(heard), is_closed=False)
    assert str(error) == "GET /api/v1/things: no word in time"
