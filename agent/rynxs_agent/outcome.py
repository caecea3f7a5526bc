"""How a run ended: the reason, its exit status, and what it leaves behind."""

from __future__ import annotations

import json
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from rynxs_agent.errors import AgentError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rynxs_agent.secret import Secret


class Reason(StrEnum):
    """Why a run ended."""

    COMPLETED = "Completed"
    INTERNAL_ERROR = "InternalError"
    BAD_CONFIGURATION = "BadConfiguration"
    PROVIDER_UNAVAILABLE = "ProviderUnavailable"
    PROVIDER_REFUSED = "ProviderRefused"
    MODEL_REFUSED = "ModelRefused"
    STEP_LIMIT = "StepLimit"
    TOKEN_LIMIT = "TokenLimit"  # noqa: S105 - tokens of a model
    MALFORMED_ANSWERS = "MalformedAnswers"
    TIMED_OUT = "TimedOut"
    CANCELLED = "Cancelled"
    TERMINATED = "Terminated"


EXIT_STATUS: Final[Mapping[Reason, int]] = {
    Reason.COMPLETED: 0,
    Reason.INTERNAL_ERROR: 1,
    Reason.BAD_CONFIGURATION: 2,
    Reason.PROVIDER_UNAVAILABLE: 3,
    Reason.PROVIDER_REFUSED: 4,
    Reason.MODEL_REFUSED: 5,
    Reason.STEP_LIMIT: 6,
    Reason.TOKEN_LIMIT: 7,
    Reason.MALFORMED_ANSWERS: 8,
    Reason.TIMED_OUT: 9,
    Reason.CANCELLED: 10,
    Reason.TERMINATED: 143,
}
"""The exit status of a session that ended for a reason; 143 is what a shell says of SIGTERM."""

_TERMINATION_MESSAGE_SIZE_MAX = 4096
"""So many bytes of a termination message are kept by Kubernetes."""
_MESSAGE_SIZE_MAX = 500


class RunEnded(AgentError):
    """A run can't go on, for a reason.

    Attributes:
        reason: which.
        words: what the provider said of it, which may repeat what it was told.
    """

    def __init__(self, reason: Reason, message: str, words: str = "") -> None:
        super().__init__(message)
        self.reason = reason
        self.words = words


class Outcome(NamedTuple):
    """How a run ended.

    Attributes:
        reason: why it ended.
        message: more about that, in one sentence; empty if it completed.
        answer: the model's last word, empty unless it completed.
        steps: how often the model was asked.
        tokens: what that took, as far as the provider told.
        files: those that the file tools have written, relative to the workspace.
        words: what the provider said of the reason.
    """

    reason: Reason
    message: str = ""
    answer: str = ""
    steps: int = 0
    tokens: int = 0
    files: tuple[str, ...] = ()
    words: str = ""

    @property
    def state(self) -> str:
        """``Succeeded`` or ``Failed``."""
        return "Succeeded" if self.reason is Reason.COMPLETED else "Failed"

    @property
    def exit_status(self) -> int:
        """The process's exit status, if this is the outcome of its session."""
        return EXIT_STATUS[self.reason]

    def hiding(self, secret: Secret) -> Outcome:
        """Return it without a credential, which whoever spoke may have repeated."""
        message, answer, words = map(secret.hidden_in, (self.message, self.answer, self.words))
        return self._replace(message=message, answer=answer, words=words)

    def summary(self) -> dict[str, Any]:
        """Return what may be told to anybody: nothing that the provider or a tool has said."""
        return {
            "state": self.state,
            "reason": self.reason.value,
            "message": self.message[:_MESSAGE_SIZE_MAX],
            "steps": self.steps,
            "tokens": self.tokens,
        }

    def document(self) -> dict[str, Any]:
        """Return all of it, for whoever gave the task."""
        found = {**self.summary(), "answer": self.answer, "files": list(self.files)}
        return {**found, "message": f"{found['message']}: {self.words}"} if self.words else found


def termination_message(outcome: Outcome) -> str:
    """Return the summary as Kubernetes takes it: one line, not longer than it keeps."""
    line = json.dumps(outcome.summary(), separators=(",", ":"))
    if len(line) > _TERMINATION_MESSAGE_SIZE_MAX:  # each of 500 characters may be six bytes
        return termination_message(outcome._replace(message=outcome.message[:100]))
    return line
