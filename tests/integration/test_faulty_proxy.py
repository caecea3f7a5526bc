"""Each fault of the proxy: what the client sees, and whether the server carried the request out."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from http.client import HTTPConnection, IncompleteRead, RemoteDisconnected
from threading import Event
from typing import TYPE_CHECKING, NamedTuple

import pytest

from tests.servers import faults
from tests.servers.moto import MotoServer
from tests.servers.proxy import FaultyProxy, Seen

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tests.servers.faults import Fault

KEY = "/bucket/log/0%2B1"
BODY = bytes(range(256)) * 4
CREATE = {"If-None-Match": "*"}
SIGNED = {
    "Authorization": "AWS4-HMAC-SHA256 Credential=any/20260101/us-east-1/s3/aws4_request, "
    "SignedHeaders=host, Signature=any"
}
"""moto believes any signature, but wants one."""


class Answer(NamedTuple):
    status: int
    body: bytes


def _ask(
    address: str, method: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
) -> Answer:
    with closing(HTTPConnection(address)) as connection:
        connection.request(method, KEY, body, SIGNED | dict(headers or {}))
        response = connection.getresponse()
        return Answer(response.status, response.read())


@pytest.fixture
def server() -> Iterator[MotoServer]:
    with MotoServer() as running, closing(running.client()) as client:
        client.create_bucket(Bucket="bucket")
        yield running


@pytest.fixture
def proxy(server: MotoServer) -> Iterator[FaultyProxy]:
    with FaultyProxy(server.endpoint) as running:
        yield running


def test_what_is_not_planned_passes_unchanged_and_is_counted(
    server: MotoServer, proxy: FaultyProxy
) -> None:
    assert _ask(proxy.endpoint, "PUT", BODY, CREATE | {"Expect": "100-continue"}).status == 200
    assert _ask(proxy.endpoint, "PUT", BODY, CREATE).status == 412
    assert _ask(proxy.endpoint, "GET") == _ask(server.endpoint, "GET") == Answer(200, BODY)
    assert _ask(proxy.endpoint, "HEAD") == Answer(200, b"")
    assert proxy.requests == [
        Seen("PUT", KEY, 200),
        Seen("PUT", KEY, 412),
        Seen("GET", KEY, 200),
        Seen("HEAD", KEY, 200),
    ]
    assert proxy.count("PUT") == 2
    assert proxy.count("PUT", "/other/") == 0


@pytest.mark.parametrize(
    ("fault", "written"), [(faults.drop_request, False), (faults.drop_reply, True)]
)
def test_a_dropped_connection_gives_no_answer(
    server: MotoServer, proxy: FaultyProxy, fault: Fault, written: bool
) -> None:
    proxy.plan(fault)
    with pytest.raises(RemoteDisconnected):
        _ask(proxy.endpoint, "PUT", BODY, CREATE)
    assert proxy.requests == [Seen("PUT", KEY, None)]
    assert _ask(server.endpoint, "GET").status == (200 if written else 404)


@pytest.mark.parametrize(
    ("status", "code"),
    [(500, "InternalError"), (503, "SlowDown"), (409, "ConditionalRequestConflict")],
)
def test_an_error_is_answered_without_asking_the_server(
    server: MotoServer, proxy: FaultyProxy, status: int, code: str
) -> None:
    proxy.plan(faults.answer(status, code))
    answer = _ask(proxy.endpoint, "PUT", BODY, CREATE)
    assert answer.status == status
    assert f"<Code>{code}</Code>".encode() in answer.body
    assert _ask(server.endpoint, "GET").status == 404


@pytest.mark.parametrize(
    "fault", [faults.duplicate, faults.answer_after(412, "PreconditionFailed")]
)
def test_a_create_that_succeeded_can_be_answered_412(
    server: MotoServer, proxy: FaultyProxy, fault: Fault
) -> None:
    proxy.plan(fault)
    answer = _ask(proxy.endpoint, "PUT", BODY, CREATE)
    assert answer.status == 412
    assert b"<Code>PreconditionFailed</Code>" in answer.body
    assert _ask(server.endpoint, "GET").body == BODY


def test_a_body_is_garbled_cut_short_or_broken_off(proxy: FaultyProxy) -> None:
    _ask(proxy.endpoint, "PUT", BODY)
    proxy.plan(faults.garble)
    garbled = _ask(proxy.endpoint, "GET").body
    assert len(garbled) == len(BODY)
    assert garbled != BODY
    proxy.plan(faults.truncate)
    assert _ask(proxy.endpoint, "GET") == Answer(200, BODY[: len(BODY) // 2])
    proxy.plan(faults.break_off)
    with pytest.raises(IncompleteRead) as broken:
        _ask(proxy.endpoint, "GET")
    assert broken.value.partial == BODY[: len(BODY) // 2]
    assert _ask(proxy.endpoint, "GET") == Answer(200, BODY)


@pytest.mark.parametrize(
    ("fault", "order"),
    [
        (faults.delay_request(2.5), ["wait 2.5 s", "forward"]),
        (faults.delay_reply(2.5), ["forward", "wait 2.5 s"]),
    ],
)
def test_a_delay_holds_the_request_or_the_reply_back(fault: Fault, order: list[str]) -> None:
    steps: list[str] = []

    class Recorded:
        def forward(self) -> faults.Reply:
            steps.append("forward")
            return faults.Reply(200, (), BODY)

        def wait(self, seconds: float) -> None:
            steps.append(f"wait {seconds} s")

    assert fault(Recorded()).body == BODY
    assert steps == order


def test_a_proxy_that_stops_drops_what_it_holds_back(server: MotoServer) -> None:
    came = Event()

    def note(method: str, path: str) -> bool:
        came.set()
        return True

    with ThreadPoolExecutor(1) as pool:
        with FaultyProxy(server.endpoint) as proxy:
            proxy.plan(faults.delay_request(3600), note)
            answer = pool.submit(_ask, proxy.endpoint, "GET")
            assert came.wait(60)
        with pytest.raises(ConnectionError):
            answer.result()
    assert proxy.requests == [Seen("GET", KEY, None)]


def test_a_plan_breaks_only_what_matches_and_only_so_often(proxy: FaultyProxy) -> None:
    proxy.plan(faults.answer(503, "SlowDown"), lambda method, path: method + path == f"PUT{KEY}", 2)
    proxy.plan(
        faults.answer(500, "InternalError"), lambda method, path: method + path == f"GET{KEY}"
    )
    statuses = [_ask(proxy.endpoint, method).status for method in ("PUT", "GET", "PUT", "PUT")]
    assert statuses == [503, 500, 503, 200]
    assert proxy.pending == 0


def test_a_server_that_is_gone_is_a_closed_connection(server: MotoServer) -> None:
    with FaultyProxy(server.endpoint) as proxy:
        server.stop()
        with pytest.raises(RemoteDisconnected):
            _ask(proxy.endpoint, "GET")
        assert proxy.requests == [Seen("GET", KEY, None)]
