"""What is said to a model and what it answers, as OpenAI's chat completions have it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from pydantic import BaseModel, ConfigDict, ValidationError

from rynxs_agent.errors import AgentError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    Message = Mapping[str, Any]

_FUNCTION_SIZE_MAX = 64


class MalformedAnswer(AgentError):
    """An answer that is none; the model is told, and asked again."""


class Call(NamedTuple):
    """A tool that the model wants to be run.

    Attributes:
        id: by which the result refers to it.
        function: the tool's name, as the model gave it.
        arguments: as the model gave them; JSON if they are well formed.
    """

    id: str
    function: str
    arguments: str


class Answer(NamedTuple):
    """What the model answers.

    Attributes:
        text: what it says, may be empty.
        calls: the tools that it wants to be run.
        refusal: why it does not answer, if it or its provider refuses to.
        is_cut: whether it was longer than it may be.
        tokens: what question and answer took, 0 if that is not told.
    """

    text: str = ""
    calls: tuple[Call, ...] = ()
    refusal: str = ""
    is_cut: bool = False
    tokens: int = 0


class Model(Protocol):
    """Answers."""

    async def answer(
        self, messages: Sequence[Message], tools: Sequence[Mapping[str, Any]]
    ) -> Answer:
        """Return the answer to a conversation.

        Raises:
            RunEnded: there is none, and none is to be had.
            MalformedAnswer: it is none.
        """
        ...


class _Part(BaseModel):
    """Providers say more than is read here, and what they say is not always of the exact type."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class _Function(_Part):
    name: str = ""
    arguments: str = ""


class _ToolCall(_Part):
    id: str | None = None
    function: _Function


class _Said(_Part):
    content: str | None = None
    refusal: str | None = None
    tool_calls: tuple[_ToolCall, ...] | None = None


class _Choice(_Part):
    message: _Said
    finish_reason: str | None = None


class _Usage(_Part):
    total_tokens: int = 0


class _Completion(_Part):
    choices: tuple[_Choice, ...]
    usage: _Usage | None = None


def read_answer(body: bytes) -> Answer:
    """Return the answer in the body of a response.

    Raises:
        MalformedAnswer: the body is no chat completion.
    """
    try:
        completion = _Completion.model_validate_json(body)
    except ValidationError:
        raise MalformedAnswer("the answer was no chat completion") from None
    if not completion.choices:
        raise MalformedAnswer("the answer had no choices")
    choice = completion.choices[0]
    said, reason = choice.message, choice.finish_reason
    refusal = said.refusal or ("it was filtered" if reason == "content_filter" else "")
    return Answer(
        text=said.content or "",
        calls=_calls(said.tool_calls or ()),
        refusal=refusal,
        is_cut=reason == "length",
        tokens=max(0, completion.usage.total_tokens) if completion.usage else 0,
    )


def answered(answer: Answer) -> Message:
    """Return the message that tells the model what it has answered itself.

    Some providers refuse a conversation in which a call is malformed, so it is told without that.
    """
    message: dict[str, Any] = {"role": "assistant", "content": answer.text or None}
    if answer.calls:
        message["tool_calls"] = [_told(call) for call in answer.calls]
    return message


def result(call: Call, text: str) -> Message:
    """Return the message that tells the model what came of a call."""
    return {"role": "tool", "tool_call_id": call.id, "content": text}


def _calls(listed: Sequence[_ToolCall]) -> tuple[Call, ...]:
    """Return calls, each with an id of its own."""
    found: dict[str, Call] = {}
    for index, each in enumerate(listed):
        id_ = each.id if each.id and each.id not in found else f"call-{index}"
        while id_ in found:
            id_ += "x"
        found[id_] = Call(id_, each.function.name, each.function.arguments)
    return tuple(found.values())


def _told(call: Call) -> dict[str, Any]:
    name = "".join(
        each for each in call.function if each.isascii() and (each.isalnum() or each in "_-")
    )
    function = {
        "name": name[:_FUNCTION_SIZE_MAX] or "unknown",
        "arguments": call.arguments if _is_object(call.arguments) else "{}",
    }
    return {"id": call.id, "type": "function", "function": function}


def _is_object(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        return False
