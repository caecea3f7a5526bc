"""The provider: asked as OpenAI's API is, again within bounds, and nobody else gets its key."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import ClientSession

from rynxs_agent.errors import ConfigurationError
from rynxs_agent.model.chat import Answer, Call, MalformedAnswer, answered, read_answer
from rynxs_agent.model.provider import Provider
from rynxs_agent.model.retrying import asked_s, backoff_s
from rynxs_agent.outcome import Reason, RunEnded
from rynxs_agent.settings import Settings
from rynxs_agent.spec import ProviderSpec
from rynxs_agent.testing import Scripted, StubModel, calls, fails, hangs, says

if TYPE_CHECKING:
    from collections.abc import Callable

    from rynxs_agent.assembly import Pod
    from rynxs_agent.testing import Question

ASKED = [{"role": "user", "content": "hello"}]
KEY = "sk-a-key-of-the-provider"


class Asking:
    """Asks a stub once.

    Attributes:
        questions: what the stub was asked.
    """

    def __init__(self, make_pod: Callable[..., Pod]) -> None:
        self._make_pod = make_pod
        self.questions: list[Question] = []

    def __call__(
        self, *script: Scripted, settings: Settings | None = None, tools: Any = (), url: str = ""
    ) -> Answer:
        pod = self._make_pod(settings)

        async def run() -> Answer:
            async with StubModel(script) as stub, ClientSession() as http:
                self.questions = stub.questions
                spec = ProviderSpec(kind="openai", base_url=url or stub.url, model="llama")
                provider = Provider(spec, pod.api_key, http, pod.settings, pod.sources, pod.log)
                return await provider.answer(ASKED, tools)

        return asyncio.run(run())

    def ended(self, *script: Scripted, settings: Settings | None = None, url: str = "") -> RunEnded:
        """Ask in vain, and return why."""
        with pytest.raises(RunEnded) as caught:
            self(*script, settings=settings, url=url)
        return caught.value


@pytest.fixture
def asking(make_pod: Callable[..., Pod]) -> Asking:
    return Asking(make_pod)


def test_a_conversation_is_put_as_chat_completions_have_it(asking: Asking) -> None:
    assert asking(says("hi", tokens=12)) == Answer(text="hi", tokens=12)
    (question,) = asking.questions
    assert question.body == {"model": "llama", "messages": ASKED}
    assert question.headers["Authorization"] == f"Bearer {KEY}"
    assert question.headers["Content-Type"] == "application/json"


def test_a_long_conversation_is_put_as_a_whole(asking: Asking) -> None:
    long = [{"type": "function", "function": {"name": "a" * 3_000_000}}]
    assert asking(fails(500), says("hi"), tools=long).text == "hi"
    assert [question.body["tools"] for question in asking.questions] == [long, long]


def test_tools_are_offered_and_calls_come_back(asking: Asking) -> None:
    tool = {"type": "function", "function": {"name": "fetch"}}
    answer = asking(calls(("fetch", {"url": "u"}), ("fetch", "{")), tools=[tool])
    assert answer.calls == (
        Call("call-0", "fetch", '{"url": "u"}'),
        Call("call-1", "fetch", "{"),
    )
    assert asking.questions[0].body["tools"] == [tool]


@pytest.mark.parametrize("status", [408, 429, 500, 503])
def test_a_failure_that_passes_is_tried_again(
    asking: Asking, pauses: list[float], status: int
) -> None:
    assert asking(fails(status), fails(status), says("hi")).text == "hi"
    assert pauses == [1.0, 2.0]


def test_retry_after_is_kept_to(asking: Asking, pauses: list[float]) -> None:
    asking(fails(429, Retry_After="17"), says("hi"))
    assert pauses == [17.0]


def test_who_wants_to_be_left_alone_for_long_is_unavailable(
    asking: Asking, pauses: list[float]
) -> None:
    error = asking.ended(fails(429, Retry_After="3600"))
    assert (error.reason, str(error)) == (
        Reason.PROVIDER_UNAVAILABLE,
        "the provider asks to wait 3600 s: HTTP status 429",
    )
    assert pauses == []


def test_attempts_are_bounded(asking: Asking, pauses: list[float]) -> None:
    error = asking.ended(*[fails(503)] * 9, settings=Settings(attempts=3))
    assert (error.reason, str(error)) == (
        Reason.PROVIDER_UNAVAILABLE,
        "the provider failed 3 times, at last: HTTP status 503",
    )
    assert (len(asking.questions), len(pauses)) == (3, 2)


def test_a_provider_that_is_not_there_is_unavailable(asking: Asking) -> None:
    error = asking.ended(url="http://127.0.0.1:1/v1", settings=Settings(attempts=2))
    assert (error.reason, str(error)) == (
        Reason.PROVIDER_UNAVAILABLE,
        "the provider failed 2 times, at last: Connection refused",
    )


def test_an_answer_that_takes_too_long_is_a_failure(asking: Asking) -> None:
    error = asking.ended(hangs(), settings=Settings(attempts=1, answer_s=0.1))
    assert str(error) == "the provider failed 1 times, at last: no answer in time"


@pytest.mark.parametrize("status", [400, 404, 422])
def test_a_refusal_is_told_in_the_providers_words_without_the_key(
    asking: Asking, pauses: list[float], status: int
) -> None:
    body = json.dumps({"error": {"message": f"no model\nfor {KEY}", "code": "x"}}).encode()
    error = asking.ended(fails(status, body))
    assert (error.reason, str(error), error.words) == (
        Reason.PROVIDER_REFUSED,
        f"the provider refused the request with HTTP status {status}",
        "no model for ***",
    )
    assert pauses == []


@pytest.mark.parametrize("status", [401, 403])
def test_what_is_said_of_a_key_is_not_told(asking: Asking, status: int) -> None:
    error = asking.ended(fails(status, b'{"error": {"message": "wrong key: sk-a-k...der"}}'))
    assert error.reason is Reason.PROVIDER_REFUSED
    assert "sk-" not in str(error) + error.words


def test_a_host_that_no_name_can_be_is_a_wrong_configuration(
    asking: Asking, pauses: list[float]
) -> None:
    error = asking.ended(url="http://a..b/v1")
    assert error.reason is Reason.BAD_CONFIGURATION
    assert pauses == []


def test_a_redirect_does_not_get_the_key(asking: Asking) -> None:
    error = asking.ended(fails(307, Location="http://127.0.0.1:1/"), says("hi"))
    assert str(error) == "the provider refused the request with HTTP status 307"
    assert len(asking.questions) == 1


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (b"", "no chat completion"),
        (b"<html>", "no chat completion"),
        (b"[]", "no chat completion"),
        (b'{"choices": []}', "no choices"),
        (b'{"choices": [{"message": null}]}', "no chat completion"),
        (b"[" * 100_000, "no chat completion"),
        (b" " * (4 * 1024 * 1024 + 1), "larger than 4 MiB"),
    ],
)
def test_what_is_no_completion_is_malformed(asking: Asking, body: bytes, problem: str) -> None:
    with pytest.raises(MalformedAnswer, match=problem):
        asking(Scripted(body))


def test_a_refusal_of_the_model_is_seen() -> None:
    refused = {"choices": [{"message": {"content": None, "refusal": "I won't"}}]}
    filtered = {"choices": [{"message": {"content": "a"}, "finish_reason": "content_filter"}]}
    assert read_answer(json.dumps(refused).encode()).refusal == "I won't"
    assert read_answer(json.dumps(filtered).encode()).refusal == "it was filtered"


def test_calls_without_an_id_of_their_own_get_one() -> None:
    listed = [
        {"function": {"name": name, "arguments": "{}"}, **given}
        for name, given in (
            ("a", {"id": "x"}),
            ("b", {"id": "x"}),
            ("c", {"id": ""}),
            ("d", {"id": "call-2"}),
            ("e", {}),
        )
    ]
    body = json.dumps({"choices": [{"message": {"tool_calls": listed}}]}).encode()
    ids = [call.id for call in read_answer(body).calls]
    assert (len(set(ids)), ids[0]) == (5, "x")


def test_malformed_calls_are_not_put_to_the_provider_again() -> None:
    answer = Answer(
        calls=(Call("1", "no such<tool>", "{"), Call("2", "ok", '{"a": 1}'), Call("3", "é", "[]"))
    )
    assert [each["function"] for each in answered(answer)["tool_calls"]] == [
        {"name": "nosuchtool", "arguments": "{}"},
        {"name": "ok", "arguments": '{"a": 1}'},
        {"name": "unknown", "arguments": "{}"},
    ]


def test_the_query_of_the_base_url_is_kept(asking: Asking, make_pod: Callable[..., Pod]) -> None:
    pod = make_pod()

    async def run() -> None:
        async with StubModel([says("hi")]) as stub, ClientSession() as http:
            spec = ProviderSpec(kind="openai", base_url=f"{stub.url}/?version=1", model="m")
            provider = Provider(spec, pod.api_key, http, pod.settings, pod.sources, pod.log)
            assert provider._url.query_string == "version=1"
            assert (await provider.answer(ASKED, [])).text == "hi"

    asyncio.run(run())


def test_another_protocol_is_not_spoken(make_pod: Callable[..., Pod]) -> None:
    pod = make_pod()

    async def run() -> None:
        async with ClientSession() as http:
            spec = ProviderSpec(kind="other", base_url="http://a", model="m")
            Provider(spec, pod.api_key, http, pod.settings, pod.sources, pod.log)

    with pytest.raises(ConfigurationError, match=r"provider\.kind is not openai"):
        asyncio.run(run())


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"Retry-After": "5"}, 5.0),
        ({"Retry-After": " 0 "}, 0.0),
        ({"Retry-After": "-5"}, None),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": "9" * 400}, 999_999_999.0),
        (
            {
                "Retry-After": "Thu, 01 Jan 2026 00:00:30 GMT",
                "Date": "Thu, 01 Jan 2026 00:00:00 GMT",
            },
            30.0,
        ),
        (
            {
                "Retry-After": "Thu, 01 Jan 2026 00:00:00 -0000",
                "Date": "Thu, 01 Jan 2026 00:00:30 GMT",
            },
            0.0,
        ),
        ({"Retry-After": "Thu, 01 Jan 2026 00:00:30 GMT"}, None),
    ],
)
def test_retry_after_is_read_as_http_has_it(headers: dict[str, str], seconds: float | None) -> None:
    assert asked_s(headers) == seconds


def test_pauses_grow_up_to_a_bound_and_are_spread() -> None:
    assert [backoff_s(attempt, 0.0) for attempt in (1, 2, 3, 4, 5, 6, 1_000)] == [
        1.0, 2.0, 4.0, 8.0, 15.0, 15.0, 15.0,
    ]  # fmt: skip
    assert backoff_s(1_000, 0.999) < 30.0


def test_the_key_is_in_no_line_of_the_log(
    asking: Asking, lines: Callable[[], list[dict[str, Any]]]
) -> None:
    asking.ended(fails(500), fails(401, KEY.encode()))
    assert lines()[0]["failure"] == "HTTP status 500"
    assert KEY not in json.dumps(lines())
