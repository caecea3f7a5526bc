"""The framework's way to the API server: the access that the rest of the operator has."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, cast

import aiohttp
import kopf

from rynxs.operator.answers import Answers, Connections
from rynxs.operator.shallow import ShallowReader
from rynxs.operator.transport import BUFFER, is_behind_a_proxy

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from aiohttp import ClientHandlerType, ClientRequest, ClientResponse, ClientSession

_TOKEN = "BearerToken"  # noqa: S105  (the client library's name for it)


@asynccontextmanager
async def session_of(access: Any, home: asyncio.AbstractEventLoop) -> AsyncIterator[ClientSession]:
    """Have a session whose every request has the credentials that are good by then.

    A session of kopf's own would have those of its start, and break all watches when they expire.

    Args:
        access: from `rynxs.operator.access.find_access`.
        home: event loop of those who use that access, too; it is asked for credentials there.

    Raises:
        OSError: a file of a certificate can't be used.
    """
    connections, answers = Connections(), Answers()

    async def authenticate(request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
        asked = asyncio.run_coroutine_threadsafe(access.get_api_key_with_prefix(_TOKEN), home)
        credentials = await asyncio.wrap_future(asked)
        if credentials:
            request.headers["Authorization"] = credentials
        if access.tls_server_name:
            request.server_hostname = access.tls_server_name
        response = await answers.to(handler(request))
        if response.connection is not None:
            connections.add(response.connection.transport)
        response.content = cast("aiohttp.StreamReader", ShallowReader(response.content))
        return response

    secured = kopf.ConnectionInfo(
        server=access.host,
        ca_path=access.ssl_ca_cert,
        insecure=not access.verify_ssl,
        certificate_path=access.cert_file,
        private_key_path=access.key_file,
    )
    connector = aiohttp.TCPConnector(limit=0, ssl=secured.as_ssl_context())
    session = aiohttp.ClientSession(
        connector=connector,
        proxy=access.proxy,
        trust_env=is_behind_a_proxy(access.host),
        read_bufsize=BUFFER,
        middlewares=(authenticate,),
    )
    try:
        yield session
    finally:
        await session.close()
        await answers.ended()
        connections.abort()


class _Kept:
    """A session that kopf can't close.

    When kopf ends, as it does when a kind is gone, it closes its session first. Who is about to
    make a request then asks for new credentials, which nobody gives any more; kopf waits for that.
    """

    def __init__(self, session: ClientSession) -> None:
        self._session = session

    def __getattr__(self, name: str) -> Any:
        """Return what the session has."""
        return getattr(self._session, name)

    async def close(self) -> None:
        """Leave it to whoever has made the session."""


def add_login(registry: kopf.OperatorRegistry, access: Any, session: ClientSession) -> None:
    """Have kopf use a session, once.

    kopf asks again when the API server does not know who it is (401). It gets nothing then, which
    ends it, so that it is started again after a while; a new session at once would be a busy loop.
    """
    kept = cast("ClientSession", _Kept(session))
    given = [kopf.AiohttpSession(server=access.host, aiohttp_session=kept)]

    async def login(**_: Any) -> kopf.AiohttpSession | None:
        return given.pop() if given else None

    kopf.on.login(registry=registry)(login)
