"""A run: from a task to an outcome, within all its bounds, whatever the model answers."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rynxs_agent.errors import ToolError
from rynxs_agent.log import Log
from rynxs_agent.model.chat import Answer, Call, MalformedAnswer
from rynxs_agent.outcome import EXIT_STATUS, Outcome, Reason, RunEnded, termination_message
from rynxs_agent.run import Bounds, Run
from rynxs_agent.tools.tool import Arguments, Tool
from rynxs_agent.tools.toolbox import Toolbox

if TYPE_CHECKING:
    import io
    from collections.abc import Callable, Mapping, Sequence

    from rynxs_agent.model.chat import Message

BOUNDS = Bounds(steps=10, tokens=100, malformed=2, time_s=60)


class EchoArguments(Arguments):
    text: str


class Script:
    """A model that answers by a script; what it is told is kept.

    Attributes:
        asked: each conversation it was asked about.
    """

    def __init__(self, *script: Answer | Exception) -> None:
        self.asked: list[list[Message]] = []
        self._script = list(script)

    async def answer(
        self, messages: Sequence[Message], tools: Sequence[Mapping[str, Any]]
    ) -> Answer:
        self.asked.append(list(messages))
        answer = self._script.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


async def echo(given: EchoArguments) -> str:
    if given.text == "fail":
        raise ToolError("it failed")
    if given.text == "defect":
        raise KeyError(given.text)
    return f"<{given.text}>"


ECHO = Tool("echo", "Says it again.", EchoArguments, echo)


def called(*arguments: str, function: str = "echo", tokens: int = 1) -> Answer:
    """Return an answer that calls a function, once for each arguments."""
    calls = tuple(Call(str(index), function, each) for index, each in enumerate(arguments))
    return Answer(calls=calls, tokens=tokens)


def said(text: str) -> str:
    """Return the arguments of an echo."""
    return json.dumps({"text": text})


@pytest.fixture
def make(log: Log) -> Callable[..., Run]:
    def run_of(model: Script, bounds: Bounds = BOUNDS) -> Run:
        return Run(
            model,
            Toolbox([ECHO], ["echo"]),
            {"b": None, "a": None},
            bounds,
            log,
            lambda: 0.0,
            "monday",
        )

    return run_of


def outcome_of(run: Run) -> Outcome:
    return asyncio.run(run.outcome("be good", "do it"))


def test_a_task_goes_through_the_tools_to_an_answer(make: Callable[..., Run]) -> None:
    model = Script(called(said("one"), said("fail"), tokens=5), Answer("done", tokens=7))
    assert outcome_of(make(model)) == Outcome(
        Reason.COMPLETED, "", "done", steps=2, tokens=12, files=("a", "b")
    )
    assert model.asked[0] == [
        {"role": "system", "content": "be good"},
        {"role": "user", "content": "do it"},
    ]
    assert model.asked[1][3:] == [
        {"role": "tool", "tool_call_id": "0", "content": "<one>"},
        {"role": "tool", "tool_call_id": "1", "content": "error: it failed"},
    ]


def test_the_last_step_is_the_last(make: Callable[..., Run]) -> None:
    model = Script(*[called(said("a"))] * 3, Answer("late"))
    outcome = outcome_of(make(model, BOUNDS._replace(steps=3)))
    assert (outcome.reason, outcome.steps, outcome.answer) == (Reason.STEP_LIMIT, 3, "")


def test_no_more_is_asked_once_the_tokens_are_spent(make: Callable[..., Run]) -> None:
    model = Script(called(said("a"), tokens=100), called(said("a"), tokens=1), Answer("late"))
    outcome = outcome_of(make(model))
    assert (outcome.reason, outcome.tokens, len(model.asked)) == (Reason.TOKEN_LIMIT, 101, 2)


def test_an_answer_that_took_too_many_tokens_is_taken(make: Callable[..., Run]) -> None:
    assert outcome_of(make(Script(Answer("done", tokens=999)))).reason is Reason.COMPLETED


def test_a_run_that_takes_too_long_ends(make: Callable[..., Run]) -> None:
    class Slow(Script):
        async def answer(self, messages: Any, tools: Any) -> Answer:
            return await asyncio.Future[Answer]()

    outcome = outcome_of(make(Slow(), BOUNDS._replace(time_s=0.05)))
    assert (outcome.reason, outcome.message) == (
        Reason.TIMED_OUT,
        "the run took longer than 0.05 s",
    )


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (called("{"), "error: the arguments are not acceptable: Invalid JSON"),
        (called(said("a"), function="shell"), "error: there is no such tool; those that you may"),
        (Answer(), "error: the answer was empty."),
        (Answer("half an ans", is_cut=True), "error: the answer was cut off; give a shorter one."),
        (MalformedAnswer("it is huge"), "error: it is huge. Answer again."),
        (called(*[said("a")] * 17), "error: only 16 tools are run for one answer"),
    ],
)
def test_a_malformed_answer_is_told_to_the_model_and_in_the_end_ends_the_run(
    make: Callable[..., Run], answer: Answer | Exception, told: str
) -> None:
    model = Script(answer, Answer("done"))
    assert outcome_of(make(model)).reason is Reason.COMPLETED
    assert model.asked[1][-1]["content"].startswith(told)
    outcome = outcome_of(make(Script(*[answer] * 3, Answer("late"))))
    assert (outcome.reason, outcome.steps) == (Reason.MALFORMED_ANSWERS, 3)
    assert outcome.message.startswith("3 answers in a row were malformed, the last one: ")


def test_malformed_answers_count_in_a_row_only(make: Callable[..., Run]) -> None:
    bad, good = called("{"), called(said("a"))
    model = Script(bad, bad, good, bad, bad, good, Answer("done"))
    assert outcome_of(make(model)).reason is Reason.COMPLETED


def test_of_too_many_calls_the_first_are_run(make: Callable[..., Run]) -> None:
    model = Script(called(*[said("a")] * 18), Answer("done"))
    outcome_of(make(model))
    told = [message["content"] for message in model.asked[1] if message["role"] == "tool"]
    assert told == ["<a>"] * 16 + ["error: only 16 tools are run for one answer"] * 2


def test_a_model_that_refuses_ends_the_run(make: Callable[..., Run]) -> None:
    outcome = outcome_of(make(Script(Answer(refusal="I won't, for a private reason"))))
    assert (outcome.reason, outcome.message) == (
        Reason.MODEL_REFUSED,
        "the model refused to answer",
    )


def test_a_provider_that_fails_ends_the_run(make: Callable[..., Run]) -> None:
    error = RunEnded(Reason.PROVIDER_UNAVAILABLE, "nobody is there")
    outcome = outcome_of(make(Script(called(said("a")), error)))
    assert (outcome.reason, outcome.message) == (error.reason, "nobody is there")


def test_a_defect_ends_the_run_and_is_told_without_values(make: Callable[..., Run]) -> None:
    outcome = outcome_of(make(Script(called(said("defect")))))
    assert outcome.reason is Reason.INTERNAL_ERROR
    assert outcome.message.startswith("a defect of the runtime: KeyError in test_agent_run.py:")


def test_steps_are_logged_without_what_was_said(
    make: Callable[..., Run], lines: Callable[[], list[dict[str, Any]]]
) -> None:
    model = Script(
        called(said("private"), tokens=3), called("{", function="private"), Answer("private")
    )
    outcome_of(make(model))
    assert [line["event"] for line in lines()] == [
        "run started", "step", "tool", "step", "tool", "malformed answer", "step", "run ended",
    ]  # fmt: skip
    assert lines()[1] == {
        "time": "2026-01-01T00:00:00.250Z",
        "level": "info",
        "event": "step",
        "run": "monday",
        "step": 1,
        "tokens": 3,
        "calls": 1,
        "seconds": 0.0,
    }
    assert (lines()[2]["tool"], lines()[4]["tool"]) == ("echo", "unknown")
    assert "private" not in json.dumps(lines())


def test_what_was_said_is_logged_if_that_is_asked_for(written: io.StringIO) -> None:
    log = Log(written, lambda: 0.0, with_content=True)
    model = Script(called(said("a")), Answer("done"))
    outcome_of(Run(model, Toolbox([ECHO], ["echo"]), (), BOUNDS, log, lambda: 0.0, "m"))
    contents = [
        line["content"]
        for line in map(json.loads, written.getvalue().splitlines())
        if "content" in line
    ]
    assert contents == ["do it", 'echo {"text": "a"}', "<a>", "done"]


def test_each_reason_has_an_exit_status_of_its_own() -> None:
    assert set(EXIT_STATUS) == set(Reason)
    assert len(set(EXIT_STATUS.values())) == len(Reason)
    assert [reason for reason, status in EXIT_STATUS.items() if status == 0] == [Reason.COMPLETED]


@given(outcome=st.builds(Outcome, st.sampled_from(Reason), st.text(), st.text()))
def test_a_termination_message_is_one_line_that_kubernetes_keeps_whole(outcome: Outcome) -> None:
    line = termination_message(outcome)
    assert len(line.encode()) <= 4096
    assert "\n" not in line
    told = json.loads(line)
    assert (told["reason"], "answer" in told) == (outcome.reason, False)


def test_a_long_termination_message_is_kept_in_part() -> None:
    line = termination_message(Outcome(Reason.INTERNAL_ERROR, "\U0001f600" * 9_000))
    assert len(line) <= 4096
    assert json.loads(line)["message"] == "\U0001f600" * 100
