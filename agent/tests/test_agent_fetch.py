"""The fetch tool: documents are fetched within bounds, and only from where that may be."""

from __future__ import annotations

import asyncio
import gzip
import json
from typing import TYPE_CHECKING, Self

import pytest
from aiohttp import web

from rynxs_agent.tools import addresses
from rynxs_agent.tools.addresses import Guard
from rynxs_agent.tools.fetch import Fetch
from rynxs_agent.tools.toolbox import Toolbox

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from rynxs_agent.tools.toolbox import Result

LOOPBACK = ["127.0.0.1", "::1"]
LATIN = "text/plain; charset=latin-1"


class Site:
    """A server on the loopback whose pages are functions; a context manager.

    Attributes:
        url: of its root.
        seen: the requests that it got.
    """

    def __init__(self, page: Callable[[web.Request], Awaitable[web.StreamResponse]]) -> None:
        self.seen: list[web.Request] = []
        self.url = ""
        self._page = page
        application = web.Application()
        application.router.add_get("/{path:.*}", self._answer)
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)

    async def __aenter__(self) -> Self:
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        self.seen.append(request)
        return await self._page(request)


async def fetched(url: str, allow: Sequence[str] = LOOPBACK, limit_s: float = 30) -> Result:
    toolbox = Toolbox(Fetch(Guard(allow), limit_s).tools(), ["fetch"])
    return await toolbox.call("fetch", json.dumps({"url": url}))


def of_site(
    page: Callable[[web.Request], Awaitable[web.StreamResponse]],
    path: str = "/page",
    *,
    allow: Sequence[str] = LOOPBACK,
    limit_s: float = 30,
) -> tuple[Result, Site]:
    """Fetch a page of a site, whose root is written SITE in what comes of it."""

    async def run() -> tuple[Result, Site]:
        async with Site(page) as site:
            came = await fetched(site.url + path, allow, limit_s)
            return came._replace(text=came.text.replace(site.url, "SITE")), site

    return asyncio.run(run())


async def plain(request: web.Request) -> web.Response:
    return web.Response(text="grün", headers={"Content-Type": LATIN}, charset=None)


def test_a_document_is_fetched_in_its_own_character_set() -> None:
    async def page(request: web.Request) -> web.Response:
        return web.Response(body="grün".encode("latin-1"), headers={"Content-Type": LATIN})

    came, site = of_site(page)
    assert came == ("status 200, from SITE/page\ngrün", True, True)
    assert site.seen[0].headers["User-Agent"].startswith("rynxs-agent/")


@pytest.mark.parametrize("charset", ["no-such-thing", "utf-8", "idna", "undefined"])
def test_bytes_that_are_no_text_are_shown_as_such(charset: str) -> None:
    async def page(request: web.Request) -> web.Response:
        return web.Response(
            body=b"a\xff", headers={"Content-Type": f"text/html; charset={charset}"}
        )

    assert of_site(page)[0].text == "status 200, from SITE/page\na\ufffd"


def test_what_is_no_text_is_not_shown() -> None:
    async def page(request: web.Request) -> web.Response:
        return web.Response(body=b"\x7fELF", content_type="application/octet-stream")

    assert of_site(page)[0].text.endswith("[application/octet-stream is no text, and is not shown]")


def test_an_error_of_the_server_is_an_answer() -> None:
    async def page(request: web.Request) -> web.Response:
        return web.json_response({"problem": "gone"}, status=410)

    assert of_site(page)[0] == ('status 410, from SITE/page\n{"problem": "gone"}', True, True)


def test_a_document_is_cut_at_its_bound_also_when_it_is_packed() -> None:
    async def page(request: web.Request) -> web.Response:
        packed = gzip.compress(b"a" * 20_000_000)
        return web.Response(
            body=packed, headers={"Content-Encoding": "gzip", "Content-Type": "text/plain"}
        )

    came, _ = of_site(page)
    assert came.text.endswith("a\n[cut after 49152 bytes]")
    assert len(came.text) < 50_000


def test_a_document_without_end_is_cut() -> None:
    async def page(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse(headers={"Content-Type": "text/plain"})
        await answer.prepare(request)
        while True:
            await answer.write(b"a" * 10_000)

    assert of_site(page)[0].text.endswith("a\n[cut after 49152 bytes]")


def test_a_server_that_does_not_answer_is_given_up() -> None:
    async def page(request: web.Request) -> web.Response:
        return await asyncio.Future[web.Response]()

    assert of_site(page, limit_s=0.1)[0] == ("error: no answer in 0.1 s", False, True)


def test_redirects_are_followed_to_the_fifth() -> None:
    async def page(request: web.Request) -> web.Response:
        left = int(request.path.strip("/"))
        if left == 0:
            return web.Response(text="there")
        return web.Response(status=302, headers={"Location": f"/{left - 1}"})

    assert of_site(page, "/5")[0].text == "status 200, from SITE/0\nthere"
    came, site = of_site(page, "/6")
    assert came == ("error: there are more than 5 redirects", False, True)
    assert len(site.seen) == 6


@pytest.mark.parametrize(
    ("place", "problem"),
    [
        ("file:///etc/passwd", "only http and https URLs are fetched"),
        ("http://169.254.169.254/latest", "there is no answer: Permission denied"),
        ("//[::ffff:a9fe:a9fe]/latest", "there is no answer: Permission denied"),
        ("http://user@127.0.0.1/", "user name or password"),
        ("http://127.0.0.1:99999/", "not a URL"),
        (f"http://{'x' * 70}.example/", "not a URL"),
    ],
)
def test_a_redirect_leads_nowhere_that_a_url_may_not(place: str, problem: str) -> None:
    async def page(request: web.Request) -> web.Response:
        return web.Response(status=302, headers={"Location": place})

    came, _ = of_site(page)
    assert came.text.startswith("error: ")
    assert problem in came.text


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:PORT/",
        "http://localhost:PORT/",
        "http://2130706433:PORT/",
        "http://0x7f.1:PORT/",
        "http://127.1:PORT/",
        "http://0.0.0.0:PORT/",
        "http://[::ffff:127.0.0.1]:PORT/",
    ],
)
def test_no_spelling_of_an_address_gets_past_the_guard(url: str) -> None:
    async def run() -> tuple[Result, Site]:
        async with Site(plain) as site:
            return await fetched(url.replace("PORT", site.url.rpartition(":")[2]), []), site

    came, site = asyncio.run(run())
    assert came.text.startswith("error: ")
    assert site.seen == []


def test_the_pods_own_address_is_not_fetched_from_though_it_is_no_loopback(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Here the loopback plays an address that is the pod's own: the guard knows none of it."""
    monkeypatch.setattr(addresses, "_GUARDED", ())
    came, site = of_site(plain, allow=["127.0.0.0/8"])
    assert came.text == "error: there is no answer: Permission denied"
    assert site.seen == []
    assert of_site(plain, allow=["127.0.0.1"])[0].well_formed


@pytest.mark.parametrize(
    "url",
    [
        "ftp://example.org/",
        "file:///etc/passwd",
        "/etc/passwd",
        "",
        "http://",
        "http://a:b@c/",
        "http://[/",
        "http://a..b/",
        "http://.a/",
        f"http://{'x' * 70}/",
    ],
)
def test_only_urls_of_http_are_fetched(url: str) -> None:
    came = asyncio.run(fetched(url))
    assert came.text.startswith("error: ")
    assert came.well_formed


def test_nobody_there_is_told() -> None:
    came = asyncio.run(fetched("http://127.0.0.1:1/"))
    assert came == ("error: there is no answer: Connection refused", False, True)
