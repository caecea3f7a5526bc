"""Requests to the API server, as JSON, and what goes wrong with them as `ClusterError`.

No request is made twice here, nothing is taken for an answer that is none, and no body is logged.
"""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from aiohttp import ClientError, ClientSession, ClientTimeout
from kubernetes_asyncio.client import ApiClient
from kubernetes_asyncio.config import ConfigException

from rynxs.operator.answers import Answers, abort
from rynxs.operator.cluster import ClusterError
from rynxs.operator.refusal import error_of
from rynxs.operator.shallow import shallow

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Mapping

JSON = "application/json"
MERGE_PATCH = "application/merge-patch+json"
APPLY_PATCH = "application/apply-patch+yaml"
_CONNECT_S = 10.0
_SERVER_S = 25
_ANSWER_S = 30.0
_WATCH_S = 120
_SILENCE_S = 150.0
"""More than `_WATCH_S`: where nothing ever happens, the API server sends no bookmarks either."""
_SHORT_S = 1.0
_TEXT_MAX = 300
BUFFER = 2**21
"""More than the largest object (etcd: 1.5 MiB), which is one line of a watch."""
_BAD = 400


class Request(NamedTuple):
    """What is asked.

    Attributes:
        method: of HTTP.
        path: with its leading slash, already quoted.
        query: parameters.
        body: None for none.
        sends: media type of the body.
        takes: media types that are accepted.
    """

    method: str
    path: str
    query: Mapping[str, str] = {}
    body: Mapping[str, Any] | None = None
    sends: str = JSON
    takes: str = JSON


class Transport:
    """One API server, spoken to as one user."""

    def __init__(self, configuration: Any, agent: str) -> None:
        """Connect to nothing yet.

        Args:
            configuration: from `find_access`.
            agent: what this client calls itself, in the API server's logs.
        """
        self._client = ApiClient(configuration)
        self._client.user_agent = agent
        self._answers = Answers()
        if not is_behind_a_proxy(configuration.host):
            rest = self._client.rest_client
            rest.pool_manager = _without_environment(rest.pool_manager)

    async def close(self) -> None:
        """Close all connections."""
        await self._client.close()
        await self._answers.ended()

    async def ask(self, request: Request) -> dict[str, Any]:
        """Return the answer to a request.

        Raises:
            ClusterError: it is an error, or there is none within half a minute.
        """
        query = {**request.query, "timeout": f"{_SERVER_S}s"}
        limit = ClientTimeout(total=_ANSWER_S, connect=_CONNECT_S)
        async with self._answer(request._replace(query=query), limit) as answer:
            return _parsed(await answer.read())

    async def follow(self, request: Request) -> AsyncGenerator[dict[str, Any], None]:
        """Yield the events of a watch; at first an empty one, when it is accepted.

        It ends when the API server ends it, which it does after two minutes.

        Raises:
            ClusterError: it is refused, breaks off, or ends at once and told nothing; or nothing is
                heard for too long.
        """
        query = {**request.query, "watch": "true", "timeoutSeconds": str(_WATCH_S)}
        limit = ClientTimeout(connect=_CONNECT_S, sock_read=_SILENCE_S)
        clock, is_silent = asyncio.get_running_loop().time, True
        async with self._answer(request._replace(query=query), limit) as answer:
            accepted_at_s = clock()
            yield {}
            async for line in answer.content:
                yield _parsed(line)
                is_silent = False
        if is_silent and clock() < accepted_at_s + _SHORT_S:
            raise _unanswered(request, "the watch ended at once")

    @asynccontextmanager
    async def _answer(self, request: Request, limit: ClientTimeout) -> AsyncIterator[Any]:
        """Make a request, and hold the connection while its answer is read."""
        answer = None
        try:
            answer = await self._asked(request, limit)
            if answer.status >= _BAD:
                raise _refused(answer, await answer.read())
            yield answer
        except TimeoutError:
            raise _unanswered(request, "no word in time") from None
        except (ClientError, OSError, ValueError, ConfigException) as error:
            raise _unanswered(request, f"{type(error).__name__}: {error}") from None
        finally:
            if answer is not None:
                abort(answer)

    async def _asked(self, request: Request, limit: ClientTimeout) -> Any:
        """Return the answer, of which only the head is read.

        Not by the library's `call_api`, which copies every body member by member.
        """
        client, query = self._client, list(request.query.items())
        sent = {"Accept": request.takes, "Content-Type": request.sends}
        headers = {**client.default_headers, **sent}
        await client.update_params_for_auth(headers, query, ["BearerToken"])
        asked = client.rest_client.request(
            request.method,
            f"{client.configuration.host}{request.path}",
            query_params=query,
            headers=headers,
            body=request.body,
            _preload_content=False,  # else the library logs it
            _request_timeout=limit,
        )
        return await self._answers.to(asked)


def is_behind_a_proxy(url: str) -> bool:
    """Tell whether the environment names a proxy for a server."""
    parts = urlsplit(url)
    return parts.scheme in getproxies() and not proxy_bypass(parts.hostname or "")


def _without_environment(session: ClientSession) -> ClientSession:
    """Return a session on the same connections that asks no environment and no netrc.

    That would take two threads a request, and may add credentials that nobody meant for this.
    """
    made = ClientSession(connector=session.connector, trust_env=False, read_bufsize=BUFFER)
    session.detach()
    return made


def _parsed(text: bytes) -> dict[str, Any]:
    found = json.loads(shallow(text))
    if not isinstance(found, dict):
        raise ValueError(f"the answer is no JSON object, but {type(found).__name__}")  # noqa: TRY004
    return found


def _unanswered(request: Request, reason: str) -> ClusterError:
    return ClusterError(0, "", f"{request.method} {request.path}: {reason}")


def _refused(answer: Any, text: bytes) -> ClusterError:
    """Return the error that an answer tells (a Status of meta.k8s.io/v1, or any text)."""
    try:
        told = _parsed(text)
    except ValueError:
        told = {"message": text[:_TEXT_MAX].decode(errors="replace").strip()}
    return error_of(answer.status, told, answer.reason or "", answer.headers.get("Retry-After"))
