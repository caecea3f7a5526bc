"""How far a subject's plan has got in the cluster, said in the condition ``Applied``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from rynxs.engine import event as ev
from rynxs.engine import shapes
from rynxs.engine.admission import condition
from rynxs.engine.subject import parse_subject

if TYPE_CHECKING:
    from rynxs.engine.event import Event
    from rynxs.engine.state import State

APPLIED: Final = "Applied"
FAILED: Final = "ApplyFailed"
"""The reason of one that says what the cluster refuses."""
APPLYING: Final = "Applying"
"""The reason of one that passes by itself."""
MESSAGE_SIZE_MAX: Final = 2_000
"""Characters of a condition's message."""


class Refused(NamedTuple):
    """What the cluster did not take.

    Attributes:
        seq: the ``Planned`` record that asks for it.
        message: which manifest, and why.
    """

    seq: int
    message: str


def applied_condition(state: State, subject: str, refused: Refused | None) -> dict[str, str] | None:
    """Return the condition of a subject; None where nothing is asked for, nor refused.

    Args:
        state: what is planned and applied.
        subject: the subject.
        refused: what of its plans was refused last, None if they were taken since.
    """
    planned = state.plans.get(subject)
    if planned is None or not (planned.entries or refused):
        return None
    if refused is not None and refused.seq == planned.seq:
        return condition(APPLIED, "False", FAILED, refused.message[:MESSAGE_SIZE_MAX])
    if state.applied.get(subject) != planned.seq:
        message = f"the plan of record {planned.seq} is being applied"
        return condition(APPLIED, "False", APPLYING, message)
    return condition(APPLIED, "True", "Applied", "")


class Answers:
    """What the cluster has said to the plans of one subject, as its records tell."""

    def __init__(self, subject: str) -> None:
        """Know of no answer: nobody may have applied anything, as ``rynxs run`` does not."""
        self._subject = subject
        self._ended = ev.deleted(parse_subject(subject).kind)
        self._is_answered = False
        self._refused: Refused | None = None

    def take(self, event: Event) -> None:
        """Take in an event of the log."""
        if event.subject != self._subject:
            return
        if event.kind in (ev.APPLIED, self._ended):
            self._refused = None
        elif event.kind == ev.APPLY_FAILED and event.cause is not None:
            self._refused = Refused(event.cause, _message(event))
        self._is_answered |= event.kind in (ev.APPLIED, ev.APPLY_FAILED)

    def condition(self, state: State) -> dict[str, str] | None:
        """Return the condition in the state that the events have made; None without an answer."""
        if not self._is_answered:
            return None
        return applied_condition(state, self._subject, self._refused)


def _message(event: Event) -> str:
    if event.is_erased:
        return "(redacted)"
    failed = shapes.checked(shapes.ApplyFailed, event)
    return f"{failed.id}: {failed.reason}"
