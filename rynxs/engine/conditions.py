"""Conditions in force: what a subject's reducer and its governor say of it in a state."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from rynxs.engine.admission import ACCEPTED
from rynxs.errors import RynxsError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rynxs.engine.state import State


class Refusal(NamedTuple):
    """Why nothing is rendered for a subject.

    Attributes:
        reason, message: of its condition ``Accepted``; empty if a verdict refuses it without one.
        is_verdict: whether its governor refuses it, and not its own reducer.
    """

    reason: str
    message: str
    is_verdict: bool

    def __str__(self) -> str:
        """The condition in short; the message is left out."""
        return f"{ACCEPTED}=False ({self.reason})" if self.reason else "by its verdict"


def conditions_in_force(state: State, subject: str) -> list[dict[str, Any]] | None:
    """Return what is said of a subject, sorted by type; none if it is not there.

    None if that takes something erased to know.

    Raises:
        PluginError: its reducer can't say what its status is.
    """
    state.slices.met_unknown = False
    try:
        found = list(state.status(subject).get("conditions", ()))
    except RynxsError:
        if state.slices.met_unknown:
            return None
        raise
    return None if state.slices.met_unknown else found


def sentences(message: str) -> list[str]:
    """Return the sentences of a condition's message, none if it says nothing."""
    return message.split("; ") if message else []


def is_refusing(condition: Mapping[str, Any]) -> bool:
    """Tell whether a condition is ``Accepted=False``."""
    return bool(condition["type"] == ACCEPTED and condition["status"] == "False")


def refusal_of(state: State, subject: str) -> Refusal | None:
    """Return why a subject is refused; None if it is not, or nobody knows whether it is.

    Raises:
        PluginError: its reducer can't say what its status is.
    """
    conditions = conditions_in_force(state, subject)
    verdict = state.slices.verdict(subject)
    given = [] if verdict is None else verdict["conditions"]
    found = next(filter(is_refusing, given if conditions is None else conditions), None)
    is_verdict = verdict is not None and verdict["refused"] and (found is None or found in given)
    if found is None:
        return Refusal("", "", is_verdict=True) if is_verdict else None
    return Refusal(found["reason"], found["message"], is_verdict)
