"""The HTTP endpoint, asked over real sockets."""

from __future__ import annotations

import asyncio
import errno
import socket
from typing import TYPE_CHECKING, NamedTuple

import pytest
from aiohttp import ClientConnectionError, ClientSession, web

from rynxs.errors import ConfigError
from rynxs.operator.endpoint import Check, Endpoint
from tests.unit.operator.measured import measured

if TYPE_CHECKING:
    from collections.abc import Sequence

HOST = "127.0.0.1"
WELL = Check("log", "", "43 records")
PLAIN = Check("lease", "", "")
ILL = Check("watch", "403 Forbidden:\n  pods\x1b[2J is forbidden", "")


class Answer(NamedTuple):
    status: int
    media_type: str
    body: bytes


def endpoint(*checks: Check, port: int = 0, host: str = HOST) -> Endpoint:
    return Endpoint(host, port, measured(), lambda: checks)


async def ask(port: int, path: str, method: str = "GET") -> Answer:
    async with (
        ClientSession() as client,
        client.request(method, f"http://{HOST}:{port}{path}") as it,
    ):
        return Answer(it.status, it.headers["Content-Type"], await it.read())


def answers(served: Endpoint, *asked: tuple[str, str]) -> list[Answer]:
    """Return the answers to requests, each a method and a path."""

    async def main() -> list[Answer]:
        async with served:
            return [await ask(served.port, path, method) for method, path in asked]

    return asyncio.run(main())


def test_metrics_are_served_as_they_are_when_asked() -> None:
    async def main() -> tuple[Answer, Answer]:
        metrics = measured()
        async with Endpoint(HOST, 0, metrics, list) as served:
            before = await ask(served.port, "/metrics")
            metrics.drifted()
            return before, await ask(served.port, "/metrics")

    before, after = asyncio.run(main())
    assert before.status == after.status == 200
    assert before.media_type == measured().text()[1]
    assert b"\nrynxs_drifts_total 1.0\n" in before.body
    assert b"\nrynxs_drifts_total 2.0\n" in after.body


def test_who_lives_is_healthy_though_not_ready() -> None:
    (answer,) = answers(endpoint(ILL), ("GET", "/healthz"))
    assert answer == (200, "text/plain; charset=utf-8", b"ok")


def test_who_has_all_it_needs_is_ready_and_says_what_that_is() -> None:
    (answer,) = answers(endpoint(WELL, PLAIN), ("GET", "/readyz"))
    assert answer == (200, "text/plain; charset=utf-8", b"[+] log: 43 records\n[+] lease: ok\n")


def test_who_lacks_something_is_not_ready_and_says_on_one_line_what() -> None:
    (answer,) = answers(endpoint(WELL, ILL, PLAIN), ("GET", "/readyz"))
    assert answer.status == 503
    assert answer.body.decode().splitlines() == [
        "[+] log: 43 records",
        r"[-] watch: 403 Forbidden: pods\x1b[2J is forbidden",
        "[+] lease: ok",
    ]


def test_readiness_is_checked_for_every_answer() -> None:
    states = iter([[ILL], [WELL]])

    def ready() -> Sequence[Check]:
        return next(states)

    served = Endpoint(HOST, 0, measured(), ready)
    found = answers(served, ("GET", "/readyz"), ("GET", "/readyz"))
    assert [answer.status for answer in found] == [503, 200]


@pytest.mark.parametrize(
    ("path", "status"), [("/metrics", 200), ("/healthz", 200), ("/readyz", 503), ("/", 404)]
)
def test_head_is_answered_as_get_is_without_a_body(path: str, status: int) -> None:
    get, head = answers(endpoint(ILL), ("GET", path), ("HEAD", path))
    assert head == (status, get.media_type, b"")
    assert get.status == status


@pytest.mark.parametrize("path", ["/", "/metrics/", "/readyz/log", "/debug", "/%00"])
def test_there_is_nothing_else(path: str) -> None:
    (answer,) = answers(endpoint(), ("GET", path))
    assert answer.status == 404


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
@pytest.mark.parametrize("path", ["/metrics", "/healthz", "/readyz"])
def test_nothing_can_be_done_to_it(method: str, path: str) -> None:
    (answer,) = answers(endpoint(), (method, path))
    assert answer.status == 405


def test_requests_are_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(0):
        answers(endpoint(), ("GET", "/metrics"), ("GET", "/nothing"))
    assert [record for record in caplog.records if record.name.startswith("aiohttp")] == []


def test_it_listens_on_the_port_it_was_given() -> None:
    with socket.create_server((HOST, 0)) as reserved:
        port = reserved.getsockname()[1]
    served = endpoint(port=port)
    assert answers(served, ("GET", "/healthz"))[0].status == 200
    assert served.port == port


def test_once_stopped_it_listens_no_more_and_may_be_stopped_again() -> None:
    async def main() -> None:
        served = endpoint()
        await served.start()
        assert (await ask(served.port, "/healthz")).status == 200
        await served.stop()
        await served.stop()
        with pytest.raises(ClientConnectionError):
            await ask(served.port, "/healthz")

    asyncio.run(main())


def test_a_connection_that_is_kept_open_does_not_keep_it_from_stopping() -> None:
    async def main() -> bytes:
        served = endpoint()
        await served.start()
        reader, writer = await asyncio.open_connection(HOST, served.port)
        writer.write(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
        await reader.readuntil(b"ok")
        await served.stop()
        rest = await reader.read()
        writer.close()
        await writer.wait_closed()
        return rest

    assert asyncio.run(main()) == b""


def refusal(served: Endpoint) -> str:
    async def main() -> None:
        with pytest.raises(ConfigError) as refused:
            await served.start()
        said.append(str(refused.value))
        await served.stop()

    said: list[str] = []
    asyncio.run(main())
    return said[0]


def test_a_port_that_is_taken_is_told() -> None:
    with socket.create_server((HOST, 0)) as taken:
        port = taken.getsockname()[1]
        said = refusal(endpoint(port=port))
    assert said == (
        f"the metrics' endpoint can't listen on 127.0.0.1, port {port}: Address already in use"
    )


def test_a_port_that_is_forbidden_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    async def start(site: web.TCPSite) -> None:
        raise PermissionError(errno.EACCES, "error while attempting to bind on address")

    monkeypatch.setattr(web.TCPSite, "start", start)  # who runs the tests may be root
    said = refusal(endpoint(port=80))
    assert said == "the metrics' endpoint can't listen on 127.0.0.1, port 80: Permission denied"


@pytest.mark.parametrize(
    ("host", "port"),
    [(HOST, 70_000), (HOST, -1), ("192.0.2.1", 0), ("fe80::1%nowhere", 0), ("a..b", 0)],
)
def test_what_is_no_address_of_this_machine_is_told(host: str, port: int) -> None:
    said = refusal(endpoint(host=host, port=port))
    start, _, reason = said.partition(f" can't listen on {host}, port {port}: ")
    assert start == "the metrics' endpoint"
    assert reason
    assert "\n" not in said
