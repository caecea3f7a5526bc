"""The tool ``fetch``: one HTTP GET, bounded in size, time and redirects.

The agent's NetworkPolicy is the fence. What is refused here beyond it is checked on the address of
each connection that is made, so that no name, redirect or spelling of an address leads around it.
"""

from __future__ import annotations

import asyncio
import errno
import socket
from typing import TYPE_CHECKING, Any, Final

from aiohttp import (
    ClientError,
    ClientResponse,
    ClientSession,
    DummyCookieJar,
    InvalidURL,
    TCPConnector,
    hdrs,
)
from pydantic import Field
from yarl import URL

from rynxs_agent import __version__
from rynxs_agent.connecting import start_of, words_of
from rynxs_agent.errors import ToolError
from rynxs_agent.tools.own_address import is_own
from rynxs_agent.tools.tool import Arguments, Tool

if TYPE_CHECKING:
    from rynxs_agent.tools.addresses import Guard

_REDIRECTS_MAX = 5
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_SIZE_MAX = 48 * 1024
_LIMIT_S = 30.0
_URL_SIZE_MAX = 4096
_TEXT_TYPES: Final = ("text/", "application/json", "application/xml", "application/javascript")
_TEXT_SUFFIXES: Final = ("+json", "+xml")
_HEADERS: Final = {hdrs.USER_AGENT: f"rynxs-agent/{__version__}", hdrs.ACCEPT_ENCODING: "identity"}


class FetchArguments(Arguments):
    """Of ``fetch``."""

    url: str = Field(max_length=_URL_SIZE_MAX, description="An http or https URL.")


class _Forbidden(OSError):
    """An address that is not connected to."""


class Fetch:
    """The fetch tool of an agent."""

    def __init__(self, guard: Guard, limit_s: float = _LIMIT_S) -> None:
        """Connect to nothing yet.

        Args:
            guard: says which addresses are left alone.
            limit_s: how long a fetch may take, redirects included.
        """
        self._guard = guard
        self._limit_s = limit_s

    def tools(self) -> list[Tool]:
        """Return the tool."""
        return [Tool("fetch", "Get a text document by HTTP.", FetchArguments, self._fetch)]

    async def _fetch(self, given: FetchArguments) -> str:
        url = _checked(given.url)
        connector = TCPConnector(socket_factory=self._socket, force_close=True)
        try:
            async with (
                asyncio.timeout(self._limit_s),
                ClientSession(
                    connector=connector, cookie_jar=DummyCookieJar(), headers=_HEADERS
                ) as http,
            ):
                return await _got(http, url)
        except TimeoutError:
            raise ToolError(f"no answer in {self._limit_s:g} s") from None
        except (InvalidURL, UnicodeError):  # the latter of a host that no name can be
            raise ToolError("that is not a URL") from None
        except ClientError as error:
            raise ToolError(f"there is no answer: {words_of(error)}") from None

    def _socket(self, info: Any) -> socket.socket:
        """Make the socket of one connection, if its address is not forbidden."""
        family, kind, protocol, _, address = info
        if self._guard.forbids(address[0], address[1], is_own=is_own(family, address)):
            raise _Forbidden(errno.EACCES, "that address is not connected to")
        return socket.socket(family, kind, protocol)


async def _got(http: ClientSession, url: URL) -> str:
    for _ in range(_REDIRECTS_MAX + 1):
        async with http.get(url, allow_redirects=False) as answer:
            place = answer.headers.get(hdrs.LOCATION)
            if answer.status not in _REDIRECTS or place is None:
                return f"status {answer.status}, from {answer.url}\n{await _text(answer)}"
            url = _checked(place, answer.url)
    raise ToolError(f"there are more than {_REDIRECTS_MAX} redirects")


async def _text(answer: ClientResponse) -> str:
    kind = answer.content_type
    if not kind.startswith(_TEXT_TYPES) and not kind.endswith(_TEXT_SUFFIXES):
        return f"[{kind} is no text, and is not shown]"
    read = await start_of(answer, _SIZE_MAX)
    try:
        text = read[:_SIZE_MAX].decode(answer.charset or "utf-8", errors="replace")
    except (LookupError, ValueError):  # a character set that nobody knows, or that is for names
        text = read[:_SIZE_MAX].decode(errors="replace")
    return f"{text}\n[cut after {_SIZE_MAX} bytes]" if len(read) > _SIZE_MAX else text


def _checked(text: str, base: URL | None = None) -> URL:
    """Return a URL that may be asked for."""
    try:
        url = URL(text) if base is None else base.join(URL(text))
        has_host = bool(url.host) and url.port is not None
    except ValueError:
        raise ToolError("that is not a URL") from None
    if url.scheme not in {"http", "https"} or not has_host:
        raise ToolError("only http and https URLs are fetched")
    if url.user is not None or url.password is not None:
        raise ToolError("a URL with a user name or password in it is not fetched")
    return url
