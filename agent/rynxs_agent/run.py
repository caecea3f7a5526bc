"""One run: a task, taken through the model and its tools to an outcome."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from rynxs_agent.model.chat import MalformedAnswer, answered, result
from rynxs_agent.outcome import Outcome, Reason, RunEnded

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from rynxs_agent.log import Log
    from rynxs_agent.model.chat import Answer, Call, Message, Model
    from rynxs_agent.tools.toolbox import Toolbox

_CALLS_MAX = 16
"""So many tools are run for one answer; whatever is more, is malformed."""


class Bounds(NamedTuple):
    """How far a run may go.

    Attributes:
        steps: how often the model is asked.
        tokens: how many tokens that may take.
        malformed: how many malformed answers in a row are put up with.
        time_s: how long it may take; None if somebody else sees to that.
    """

    steps: int
    tokens: int
    malformed: int
    time_s: float | None


class Run:
    """One run; `outcome` is awaited once."""

    def __init__(
        self,
        model: Model,
        toolbox: Toolbox,
        written: Collection[str],
        bounds: Bounds,
        log: Log,
        elapsed_s: Callable[[], float],
        name: str,
    ) -> None:
        """Ask nobody yet.

        Args:
            model: to ask.
            toolbox: the tools that the model may call.
            written: grows by the files that they write.
            bounds: how far it may go.
            log: gets a line a step.
            elapsed_s: seconds since some moment.
            name: of the session or task, for the log.
        """
        self._model = model
        self._toolbox = toolbox
        self._written = written
        self._bounds = bounds
        self._log = log
        self._elapsed_s = elapsed_s
        self._name = name
        self._steps = 0
        self._tokens = 0
        self._malformed = 0
        self._messages: list[Message] = []

    async def outcome(self, instructions: str, task: str) -> Outcome:
        """Work until there is an outcome.

        Whoever cancels this gets it from `ended`.
        """
        self._log.say("run started", run=self._name)
        self._log.content("task", task, run=self._name)
        self._messages = [_said("system", instructions), _said("user", task)]
        try:
            async with asyncio.timeout(self._bounds.time_s) as limit:
                answer = await self._answer()
        except RunEnded as error:
            return self.ended(error.reason, str(error), words=error.words)
        except Exception as error:  # a defect of ours ends this run only
            if isinstance(error, TimeoutError) and limit.expired():
                return self.ended(
                    Reason.TIMED_OUT, f"the run took longer than {self._bounds.time_s:g} s"
                )
            return self.ended(Reason.INTERNAL_ERROR, _defect(error))
        self._log.content("answer", answer, run=self._name)
        return self.ended(Reason.COMPLETED, "", answer)

    def ended(self, reason: Reason, message: str, answer: str = "", *, words: str = "") -> Outcome:
        """Return the outcome of a run that ends now."""
        files = tuple(sorted(self._written))
        outcome = Outcome(reason, message, answer, self._steps, self._tokens, files, words)
        self._log.say(
            "run ended",
            run=self._name,
            reason=reason.value,
            steps=self._steps,
            tokens=self._tokens,
        )
        return outcome

    async def _answer(self) -> str:
        """Ask until the model answers without a call.

        Raises:
            RunEnded: it never does.
        """
        definitions = self._toolbox.definitions()
        for step in range(1, self._bounds.steps + 1):
            self._steps = step
            started_s = self._elapsed_s()
            try:
                answer = await self._model.answer(self._messages, definitions)
            except MalformedAnswer as problem:
                self._put_up_with(str(problem))
                self._messages.append(_said("user", f"error: {problem}. Answer again."))
                continue
            self._log.say(
                "step",
                run=self._name,
                step=step,
                tokens=answer.tokens,
                calls=len(answer.calls),
                seconds=round(self._elapsed_s() - started_s, 3),
            )
            self._tokens += answer.tokens
            if answer.refusal:
                raise RunEnded(Reason.MODEL_REFUSED, "the model refused to answer")
            if answer.text and not answer.calls and not answer.is_cut:
                return answer.text
            if self._tokens > self._bounds.tokens:
                raise RunEnded(
                    Reason.TOKEN_LIMIT, f"the run took more than {self._bounds.tokens} tokens"
                )
            await self._follow(answer)
        raise RunEnded(
            Reason.STEP_LIMIT,
            f"the model was asked {self._bounds.steps} times and had not finished",
        )

    async def _follow(self, answer: Answer) -> None:
        """Run the tools that the model calls, or tell it that there is nothing to be done."""
        if not answer.calls:
            problem = (
                "the answer was cut off; give a shorter one"
                if answer.is_cut
                else "the answer was empty"
            )
            self._put_up_with(problem)
            if answer.text:
                self._messages.append(answered(answer))
            self._messages.append(_said("user", f"error: {problem}."))
            return
        self._messages.append(answered(answer))
        problems = []
        for index, call in enumerate(answer.calls):
            text, problem = (
                await self._called(call)
                if index < _CALLS_MAX
                else (f"error: only {_CALLS_MAX} tools are run for one answer", "too many calls")
            )
            self._messages.append(result(call, text))
            problems += [problem] if problem else []
        if problems:
            self._put_up_with(problems[0])
        else:
            self._malformed = 0

    async def _called(self, call: Call) -> tuple[str, str]:
        """Run a tool; return what the model is told, and what is malformed, empty if nothing is."""
        started_s = self._elapsed_s()
        came = await self._toolbox.call(call.function, call.arguments)
        known = call.function in self._toolbox.functions
        self._log.say(
            "tool",
            run=self._name,
            step=self._steps,
            tool=call.function if known else "unknown",
            succeeded=came.succeeded,
            characters=len(came.text),
            seconds=round(self._elapsed_s() - started_s, 3),
        )
        self._log.content("call", f"{call.function} {call.arguments}", run=self._name)
        self._log.content("result", came.text, run=self._name)
        malformed = "a call of an unknown tool" if not known else "unacceptable arguments of a tool"
        return came.text, "" if came.well_formed else malformed

    def _put_up_with(self, problem: str) -> None:
        """Count a malformed answer.

        Raises:
            RunEnded: there were too many in a row.
        """
        self._malformed += 1
        self._log.warning("malformed answer", run=self._name, problem=problem)
        if self._malformed > self._bounds.malformed:
            raise RunEnded(
                Reason.MALFORMED_ANSWERS,
                f"{self._malformed} answers in a row were malformed, the last one: {problem}",
            )


def _said(role: str, text: str) -> dict[str, Any]:
    return {"role": role, "content": text}


def _defect(error: Exception) -> str:
    """Return what failed and where, without the values, which may be anybody's."""
    last = error.__traceback__
    while last and last.tb_next:
        last = last.tb_next
    where = f" in {Path(last.tb_frame.f_code.co_filename).name}:{last.tb_lineno}" if last else ""
    return f"a defect of the runtime: {type(error).__name__}{where}"
