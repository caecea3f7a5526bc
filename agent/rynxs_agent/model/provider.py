"""A provider that speaks OpenAI's chat completions over HTTP."""

from __future__ import annotations

import json
from io import BytesIO
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from aiohttp import ClientError, ClientResponse, ClientTimeout, hdrs
from pydantic import BaseModel, ValidationError
from yarl import URL

from rynxs_agent import __version__
from rynxs_agent.connecting import start_of, words_of
from rynxs_agent.errors import ConfigurationError
from rynxs_agent.model.chat import MalformedAnswer, read_answer
from rynxs_agent.model.retrying import ASKED_MOST_S, asked_s, backoff_s, passes
from rynxs_agent.outcome import Reason, RunEnded

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aiohttp import ClientSession

    from rynxs_agent.log import Log
    from rynxs_agent.model.chat import Answer, Message
    from rynxs_agent.secret import Secret
    from rynxs_agent.settings import Settings
    from rynxs_agent.sources import Sources
    from rynxs_agent.spec import ProviderSpec

_KIND: Final = "openai"
_CONNECT_S = 10.0
_BODY_SIZE_MAX = 4 * 1024 * 1024
_COMPLAINT_SIZE_MAX = 300
_OK = 200
_UNAUTHORISED: Final = frozenset({401, 403})


class Provider:
    """The model of an agent's provider."""

    def __init__(
        self,
        spec: ProviderSpec,
        key: Secret,
        http: ClientSession,
        settings: Settings,
        sources: Sources,
        log: Log,
    ) -> None:
        """Connect to nothing yet.

        Raises:
            ConfigurationError: it speaks another protocol, or is at no URL.
        """
        if spec.kind != _KIND:
            raise ConfigurationError(
                f"provider.kind is not {_KIND}, which is all that is spoken here"
            )
        self._url = _endpoint(spec.base_url)
        self._model = spec.model
        self._key = key
        self._http = http
        self._attempts = settings.attempts
        self._timeout = ClientTimeout(total=settings.answer_s, sock_connect=_CONNECT_S)
        self._sources = sources
        self._log = log

    async def answer(
        self, messages: Sequence[Message], tools: Sequence[Mapping[str, Any]]
    ) -> Answer:
        """Return the model's answer to a conversation.

        Raises:
            RunEnded: the provider is unavailable, or refuses the request.
            MalformedAnswer: what it answers is no chat completion, or too large.
        """
        question: dict[str, Any] = {"model": self._model, "messages": list(messages)}
        if tools:
            question["tools"] = list(tools)
        body = json.dumps(question).encode()
        attempt = 1
        while True:
            failure = await self._asked(body)
            if not isinstance(failure, _Failure):
                return failure
            wait_s = self._wait_s(failure, attempt)
            self._log.warning("provider failed", attempt=attempt, failure=failure.message)
            await self._sources.pause(wait_s)
            attempt += 1

    async def _asked(self, body: bytes) -> Answer | _Failure:
        """Ask once."""
        headers = {
            hdrs.CONTENT_TYPE: "application/json",
            hdrs.USER_AGENT: f"rynxs-agent/{__version__}",
        }
        if self._key:
            headers[hdrs.AUTHORIZATION] = f"Bearer {self._key.reveal()}"
        try:
            async with self._http.post(
                self._url,
                data=BytesIO(body),
                headers=headers,
                timeout=self._timeout,
                allow_redirects=False,  # the key is for this host only
            ) as response:
                if response.status == _OK:
                    return read_answer(await _whole(response))
                if passes(response.status):
                    return _Failure(f"HTTP status {response.status}", asked_s(response.headers))
                raise await self._refusal(response)
        except TimeoutError:
            return _Failure("no answer in time", None)
        except UnicodeError:
            raise RunEnded(
                Reason.BAD_CONFIGURATION, "provider.baseUrl has a host that no name can be"
            ) from None
        except ClientError as error:
            return _Failure(words_of(error), None)

    def _wait_s(self, failure: _Failure, attempt: int) -> float:
        """Return how long to wait until the next attempt.

        Raises:
            RunEnded: there is none.
        """
        if attempt >= self._attempts:
            raise RunEnded(
                Reason.PROVIDER_UNAVAILABLE,
                f"the provider failed {attempt} times, at last: {failure.message}",
            )
        if failure.asked_s is not None and failure.asked_s > ASKED_MOST_S:
            raise RunEnded(
                Reason.PROVIDER_UNAVAILABLE,
                f"the provider asks to wait {failure.asked_s:g} s: {failure.message}",
            )
        own_s = backoff_s(attempt, self._sources.chance())
        return own_s if failure.asked_s is None else max(failure.asked_s, own_s)

    async def _refusal(self, response: ClientResponse) -> RunEnded:
        """Return that the provider refuses, in its own words unless they may be about the key."""
        said = f"the provider refused the request with HTTP status {response.status}"
        if response.status in _UNAUTHORISED:
            key = "it wants another API key, or none may do this"
            return RunEnded(Reason.PROVIDER_REFUSED, f"{said}: {key}")
        try:
            error = _Complaint.model_validate_json(await _whole(response)).error
        except (ValidationError, MalformedAnswer):
            return RunEnded(Reason.PROVIDER_REFUSED, said)
        words = error if isinstance(error, str) else error.message
        hidden = self._key.hidden_in(" ".join(words.split()))
        return RunEnded(Reason.PROVIDER_REFUSED, said, hidden[:_COMPLAINT_SIZE_MAX])


class _Failure(NamedTuple):
    """Why an attempt failed that may be made again.

    Attributes:
        message: what is wrong.
        asked_s: how long the provider asks to wait, None if it does not.
    """

    message: str
    asked_s: float | None


class _Error(BaseModel):
    message: str = ""


class _Complaint(BaseModel):
    error: _Error | str


def _endpoint(base: str) -> URL:
    try:
        url = URL(base)
        return (url / "chat" / "completions").with_query(url.query)
    except ValueError:
        raise ConfigurationError("provider.baseUrl is not a URL") from None


async def _whole(response: ClientResponse) -> bytes:
    """Return a response's body, unless it is too large."""
    body = await start_of(response, _BODY_SIZE_MAX)
    if len(body) > _BODY_SIZE_MAX:
        raise MalformedAnswer("the answer was larger than 4 MiB")
    return body
