"""kopf in its thread, on an API server that serves just what it asks for."""

from __future__ import annotations

import asyncio
import json
import logging
import socket
import ssl
import threading
from contextlib import asynccontextmanager
from itertools import islice
from typing import TYPE_CHECKING, Any

import kopf
import pytest
from aiohttp import ClientSession, web
from kopf._cogs.aiokits.aiotasks import guard
from kubernetes_asyncio.client import Configuration
from structlog.testing import capture_logs

from rynxs.operator import framework, said, webhook
from rynxs.operator.framework import Framework
from rynxs.operator.login import add_login
from rynxs.operator.webhook import Asking, Webhook, WebhookServed, asking_of
from tests.servers.certificate import Certificate
from tests.servers.port import ReservedPort
from tests.unit.engine.conftest import THING, thing
from tests.unit.operator.deaf import BLOCK, is_closed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping
    from pathlib import Path

    from rynxs.engine.resource import Resource

LIMIT_S = 30.0
SECRET = "sk-canary0123456789abcdefghij"


class Served:
    """An API server with one kind, whose objects and events a test brings."""

    def __init__(self) -> None:
        self.objects: list[dict[str, Any]] = []
        self.events: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.unserved = 0  # so often the kind is not found
        self.watch_status = 200
        self.authorizations: list[str | None] = []
        self.methods: set[str] = set()
        self.app = web.Application()
        self.app.router.add_route("*", "/{path:.*}", self._answer)

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        self.authorizations.append(request.headers.get("Authorization"))
        self.methods.add(request.method)
        if request.path.endswith("/things"):
            return await (self._watch if "watch" in request.query else self._list)(request)
        versions = [{"version": "v1"}]
        group = {"name": "example.org", "versions": versions, "preferredVersion": versions[0]}
        kinds = [] if self.unserved else [_kind("things", "Thing")]
        found: dict[str, dict[str, Any]] = {
            "/api": {"versions": ["v1"]},
            "/api/v1": {"resources": [_kind("namespaces", "Namespace")]},
            "/apis": {"groups": [group]},
            "/apis/example.org/v1": {"resources": kinds},
        }
        if request.path == "/apis/example.org/v1" and self.unserved:
            self.unserved -= 1
        return web.json_response(found[request.path])

    async def _list(self, _: web.Request) -> web.StreamResponse:
        metadata = {"resourceVersion": "1"}
        return web.json_response({"metadata": metadata, "items": self.objects})

    async def _watch(self, request: web.Request) -> web.StreamResponse:
        if self.watch_status != 200:
            body = {"kind": "Status", "message": "no", "details": {"secret": SECRET}}
            return web.json_response(body, status=self.watch_status)
        answer = web.StreamResponse()
        await answer.prepare(request)
        while True:
            event = await self.events.get()
            await answer.write(json.dumps(event).encode() + b"\n")


def _kind(plural: str, kind: str) -> dict[str, Any]:
    verbs = ["get", "list", "watch", "patch"]
    names = {"name": plural, "singularName": kind.lower(), "kind": kind}
    return {**names, "namespaced": True, "verbs": verbs}


def stored(name: str, version: int = 1) -> dict[str, Any]:
    made = thing(name)
    made["metadata"] |= {"uid": name, "resourceVersion": str(version)}
    return made


class Heard:
    """Keeps what is handed over; may be told to take its time, or to fail."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.threads: set[threading.Thread] = set()
        self.cancelled = 0
        self.go_on = asyncio.Event()
        self.go_on.set()
        self.error: Exception | None = None
        self._changed = asyncio.Condition()

    async def __call__(self, resource: Resource, found: Mapping[str, Any]) -> None:
        assert resource is THING
        async with self._changed:
            self.names.append(found["metadata"]["name"])
            self.threads.add(threading.current_thread())
            self._changed.notify_all()
        if self.error is not None:
            raise self.error
        try:
            await self.go_on.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise

    async def until(self, enough: Callable[[], bool]) -> None:
        async with asyncio.timeout(LIMIT_S), self._changed:
            await self._changed.wait_for(enough)


@asynccontextmanager
async def following(served: Served, heard: Heard) -> AsyncIterator[asyncio.Task[None]]:
    """Run the framework on a served API server, until the end of a test."""
    runner = web.AppRunner(served.app, handler_cancellation=True)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    access = Configuration(host=f"http://{host}:{port}")
    tokens = iter(range(1000))

    def renew(configuration: Any) -> None:
        configuration.api_key["BearerToken"] = f"Bearer {next(tokens)}"

    access.refresh_api_key_hook = renew
    made = Framework([THING], ["default"], access, heard, None, lambda _: None)
    task = asyncio.create_task(made.run())
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.wait([task], timeout=LIMIT_S)
        await runner.cleanup()
    assert not [each for each in threading.enumerate() if each.name == "kopf"]


def event(kind: str, found: dict[str, Any]) -> dict[str, Any]:
    return {"type": kind, "object": found}


def test_what_is_there_and_what_changes_is_told_here_and_what_is_gone_is_not() -> None:
    async def main() -> None:
        served, heard = Served(), Heard()
        served.objects = [stored("a"), stored("b")]
        async with following(served, heard):
            await heard.until(lambda: len(heard.names) == 2)
            for each in ("DELETED", "a"), ("MODIFIED", "b"), ("ADDED", "c"):
                served.events.put_nowait(event(each[0], stored(each[1], 2)))
            await heard.until(lambda: "c" in heard.names and heard.names.count("b") == 2)
        assert sorted(heard.names) == ["a", "b", "b", "c"]
        assert heard.threads == {threading.current_thread()}
        assert served.methods == {"GET"}

    asyncio.run(main())


def test_an_object_that_another_kopf_has_marked_is_left_as_it_is() -> None:
    async def main() -> None:
        served, heard = Served(), Heard()
        marked = stored("a")
        marked["metadata"]["finalizers"] = ["kopf.zalando.org/KopfFinalizerMarker"]
        served.objects = [marked]
        async with following(served, heard):
            await heard.until(lambda: heard.names == ["a"])
            served.events.put_nowait(event("ADDED", stored("b")))
            await heard.until(lambda: heard.names == ["a", "b"])
        assert served.methods == {"GET"}

    asyncio.run(main())


def test_an_object_is_told_again_only_when_it_was_heard_before() -> None:
    async def main() -> None:
        served, heard = Served(), Heard()
        heard.go_on.clear()
        async with following(served, heard):
            served.events.put_nowait(event("ADDED", stored("a", 1)))
            served.events.put_nowait(event("MODIFIED", stored("a", 2)))
            served.events.put_nowait(event("ADDED", stored("b")))
            await heard.until(lambda: "b" in heard.names)
            assert heard.names == ["a", "b"]
            heard.go_on.set()
            await heard.until(lambda: heard.names == ["a", "b", "a"])

    asyncio.run(main())


def test_it_can_be_stopped_while_what_it_tells_is_not_taken() -> None:
    async def main() -> None:
        served, heard = Served(), Heard()
        heard.go_on.clear()
        served.objects = [stored(str(number)) for number in range(200)]
        with capture_logs() as logs:
            async with following(served, heard) as task:
                await heard.until(lambda: len(heard.names) == 64)
            assert task.cancelled()
        assert (len(heard.names), heard.cancelled) == (64, 64)
        assert logs == []

    asyncio.run(main())


def test_what_hearing_raises_ends_it_and_is_raised() -> None:
    async def main() -> None:
        served, heard = Served(), Heard()
        heard.error = ValueError("the disk is full")
        served.objects = [stored("a"), stored("b")]
        async with following(served, heard) as task:
            await asyncio.wait([task], timeout=LIMIT_S)
            with pytest.raises(ValueError, match="the disk is full"):
                task.result()

    asyncio.run(main())


@pytest.mark.parametrize("status", [401, 404])
def test_when_kopf_ends_it_is_started_again_and_nothing_of_an_object_is_logged(status: int) -> None:
    async def main() -> None:
        served, heard = Served(), Heard()
        served.objects, served.watch_status = [stored("a")], status
        with capture_logs() as logs:
            async with following(served, heard):
                await heard.until(lambda: heard.names == ["a", "a"])
                served.watch_status = 200
                served.events.put_nowait(event("ADDED", stored("b")))
                await heard.until(lambda: "b" in heard.names)
        ended = [each for each in logs if each["event"] == "kopf ended"]
        assert [each["attempt"] for each in ended] == [*range(1, len(ended) + 1)]
        assert ended[0]["reason"].startswith(("API", "LoginError"))
        reason = ended[0]["reason"].partition(": ")[2]
        assert [each for each in logs if reason in str(each)] == ended
        assert SECRET not in str(logs)

    asyncio.run(main())


def test_a_kind_that_is_not_served_yet_is_looked_for_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(framework, "_LOOK_AGAIN_S", 0.01)

    async def main() -> None:
        served, heard = Served(), Heard()
        served.objects, served.unserved = [stored("a")], 1
        with capture_logs() as logs:
            async with following(served, heard):
                await heard.until(lambda: heard.names == ["a"])
        ended = [each for each in logs if each["event"] == "kopf ended"]
        assert ended[0]["reason"] == "not served: things.example.org"

    asyncio.run(main())


def test_every_request_has_the_credentials_of_its_moment() -> None:
    async def main() -> None:
        served, heard = Served(), Heard()
        served.objects = [stored("a")]
        async with following(served, heard):
            await heard.until(lambda: heard.names == ["a"])
        asked = served.authorizations
        assert None not in asked
        assert len(set(asked)) == len(asked) > 4

    asyncio.run(main())


def test_a_failed_request_is_made_again_for_ever_and_never_much_later() -> None:
    delays = list(islice(framework._Endless(), 1000))
    assert delays == sorted(delays)
    assert (delays[0], delays[-1]) == (0.5, 30.0)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (
            "Watcher has failed: ('not found', {'kind': 'Status'})",
            "Watcher has failed: ('not found'",
        ),
        (
            "Ignoring an unsupported event type: {'object': 1}",
            "Ignoring an unsupported event type:",
        ),
        ("one\nTraceback: two", "one"),
        (f"refused: {SECRET}", "(a credential, not shown)"),
        ("x" * 1000, "x" * 300),
    ],
)
def test_what_kopf_says_is_one_short_line_without_any_object(text: str, line: str) -> None:
    assert said.one_line(text) == line


def test_of_what_kopf_logs_warnings_are_told_and_the_rest_is_not() -> None:
    kopf = logging.getLogger("kopf")
    before = (kopf.level, kopf.propagate, list(kopf.handlers))
    with capture_logs() as logs, said.heard() as heard:
        for name in ("kopf._core", "kopf.objects"):
            logging.getLogger(name).info("all is well")
            logging.getLogger(name).warning("it is %s", "odd")
        logging.getLogger("kopf.objects").error("it is bad")
        gone = ValueError("https://example.org/secret")
        logging.getLogger("asyncio").error("never retrieved\nfuture: 1", exc_info=gone)
        heard.is_silent = True
        logging.getLogger("kopf").error("it ends")
    told = [(each["log_level"], each["said"]) for each in logs]
    assert told == [
        ("warning", "it is odd"),
        ("warning", "it is odd"),
        ("error", "it is bad"),
        ("error", "never retrieved"),
    ]
    assert (kopf.level, kopf.propagate, kopf.handlers) == before


def test_what_its_tasks_end_of_is_told_where_it_ends_and_not_before() -> None:
    async def fails() -> None:
        raise ValueError("the disk is full")

    async def ends() -> None:
        return

    async def main() -> None:
        logger = logging.getLogger("kopf._core.reactor.running")
        with pytest.raises(ValueError, match="the disk is full"):
            await guard(fails(), "watcher", logger=logger)
        await guard(ends(), "watcher", logger=logger)

    with capture_logs() as logs, said.heard():
        asyncio.run(main())
    assert [each["said"] for each in logs] == ["Watcher has finished unexpectedly."]


def test_the_webhook_waits_for_its_certificate_and_kopf_does_not_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhook, "_DELAY_MOST_S", 0.0)
    port, files = ReservedPort(), tmp_path / "files"
    served = WebhookServed(port.number, files / "public.crt", files / "private.key", "127.0.0.1")

    def make(_: Any, __: str, told: Any) -> Any:
        assert told["reason"] == "FileNotFoundError: No such file or directory"
        Certificate.self_signed(files)
        return told

    async def answer(*_: Any, **__: Any) -> Any:
        return {}

    async def ask(_: Asking) -> None:
        return

    async def main() -> None:
        with capture_logs(processors=[make]) as logs:
            async with Webhook(served, ask) as server:
                where = await anext(aiter(server(answer)))
        assert where["url"] == f"https://127.0.0.1:{port.number}"
        assert [each["attempt"] for each in logs] == [1]

    asyncio.run(main())
    port.close()


def test_kopf_can_not_close_the_session_that_it_is_given() -> None:
    """It would when it ends, and then wait for ever for who is about to make a request."""

    class Access:
        host = "https://127.0.0.1:1"

    async def main() -> None:
        registry = kopf.OperatorRegistry()
        async with ClientSession() as session:
            add_login(registry, Access(), session)
            (handler,) = registry._activities.get_all_handlers()
            login: Any = handler.fn
            given = await login()
            await given.aiohttp_session.close()
            assert not session.closed
            assert not given.aiohttp_session.closed
            assert await login() is None

    asyncio.run(main())


def ask_and_stay(served: WebhookServed, is_asked: threading.Event) -> bool:
    """Ask, and then heed no TLS; return whether the server closes the connection all the same."""
    context = ssl.create_default_context(cafile=str(served.certificate))
    with (
        socket.create_connection((served.host, served.port)) as plain,
        context.wrap_socket(plain, server_hostname=served.host) as client,
    ):
        body = json.dumps(review()).encode()
        head = f"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n"
        client.sendall(head.encode() + body)
        assert client.recv(BLOCK).startswith(b"HTTP/1.1 200 ")
        return is_closed(client, is_asked)


def test_the_webhook_ends_with_its_connections_whether_the_api_server_agrees_or_not(
    tmp_path: Path,
) -> None:
    certificate, port = Certificate.self_signed(tmp_path), ReservedPort()
    served = WebhookServed(port.number, certificate.file, certificate.key_file, "127.0.0.1")

    async def answer(*_: Any, **__: Any) -> Any:
        return {}

    async def ask(_: Asking) -> None:
        return

    async def main() -> bool:
        is_asked = threading.Event()
        async with Webhook(served, ask) as server:
            await anext(aiter(server(answer)))
            asking = asyncio.create_task(asyncio.to_thread(ask_and_stay, served, is_asked))
            await asyncio.to_thread(is_asked.wait)
        return await asking

    assert asyncio.run(main())
    port.close()


def review(**changes: Any) -> dict[str, Any]:
    user = {"username": "alice", "groups": ["g"]}
    metadata = {"uid": "u", "generation": 3}
    asked = {"uid": "r", "operation": "CREATE", "userInfo": user, "object": {"metadata": metadata}}
    return {"request": asked | changes}


OLD = {"metadata": {"uid": "u", "generation": 3}}


@pytest.mark.parametrize(
    ("changes", "asking"),
    [
        ({}, Asking("u", 3, False, "alice", ("g",), "r")),
        ({"userInfo": {"username": "bob"}}, Asking("u", 3, False, "bob", (), "r")),
        ({"object": {"metadata": {"uid": "u"}}}, Asking("u", None, False, "alice", ("g",), "r")),
        (
            {"operation": "DELETE", "object": None, "oldObject": OLD},
            Asking("u", 3, True, "alice", ("g",), "r"),
        ),
        (
            {"operation": "UPDATE", "oldObject": {"metadata": {"uid": "u", "generation": 2}}},
            Asking("u", 3, False, "alice", ("g",), "r"),
        ),
        (
            {"operation": "UPDATE", "oldObject": {"metadata": OLD["metadata"] | {"labels": {}}}},
            Asking("u", 3, False, "alice", ("g",), "r"),
        ),
        (
            {
                "operation": "UPDATE",
                "oldObject": {"metadata": OLD["metadata"] | {"finalizers": ["f"]}},
            },
            None,
        ),
        ({"dryRun": True}, None),
        ({"subResource": "status"}, None),
        ({"object": None}, None),
        ({"object": {"metadata": {}}}, None),
        ({"userInfo": {"username": 1}}, None),
        ({"userInfo": {"username": "alice", "groups": [1]}}, None),
        ({"userInfo": None}, None),
    ],
)
def test_a_review_says_who_asks_for_what(changes: dict[str, Any], asking: Asking | None) -> None:
    assert asking_of(review(**changes)) == asking


@pytest.mark.parametrize("body", [{}, [], {"request": None}, {"request": []}])
def test_what_is_no_review_asks_for_nothing(body: Any) -> None:
    assert asking_of(body) is None
