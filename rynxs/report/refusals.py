"""Who is refused: the subjects that stand so at the end of a log, and what a verdict says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rynxs.engine import event as ev
from rynxs.engine.conditions import refusal_of, sentences

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rynxs.engine.conditions import Refusal
    from rynxs.engine.state import State

SAID = frozenset({"conditions", "refused"})
"""The members of a verdict that `verdict_lines` tells."""


def refused_now(state: State) -> dict[str, Any]:
    """Return the group of findings that names every subject that is refused in a state.

    Beside what other groups have, it has ``refused``: maps of ``subject``, ``seq`` (of the record
    that says so), ``reason``, ``message`` and ``byVerdict``.
    """
    found = [
        _described(state, subject, refusal)
        for subject in state.live()
        if (refusal := refusal_of(state, subject)) is not None
    ]
    found.sort(key=lambda each: each["seq"])
    return {
        "name": "refusedNow",
        "title": "Refused now",
        "meaning": "At the end of the log these are refused, by a verdict or by their own kind.",
        "seqs": [each["seq"] for each in found],
        "refused": found,
    }


def refusal_lines(refused: Mapping[str, Any]) -> list[str]:
    """Return why a subject is refused, the reason and then each sentence of the message."""
    head = f"Accepted=False ({refused['reason']})" if refused["reason"] else "refused by a verdict"
    return [head, *sentences(refused["message"])]


def is_about_verdict(entry: Mapping[str, Any]) -> bool:
    """Tell whether an entry of the timeline says what a verdict is, or that there is none."""
    return entry["kind"] in (ev.JUDGED, ev.CARRIED) and "verdict" in entry.get("detail", {})


def verdict_of(entry: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the verdict that an entry of the timeline brought, None if it brought none."""
    if not is_about_verdict(entry):
        return None
    found: Mapping[str, Any] | None = entry["detail"]["verdict"]
    return found


def verdict_lines(verdict: Mapping[str, Any] | None) -> list[str]:
    """Return what a verdict says, each condition and each sentence of its message whole."""
    if verdict is None:
        return ["no verdict any more"]
    lines = ["refused" if verdict["refused"] else "not refused"]
    for each in verdict["conditions"]:
        lines.append(f"{each['type']}={each['status']} ({each['reason']})")
        lines += sentences(each["message"])
    return lines


def _described(state: State, subject: str, refusal: Refusal) -> dict[str, Any]:
    by_verdict = refusal.is_verdict
    return {
        "subject": subject,
        "seq": state.judged[subject] if by_verdict else state.newest[subject].seq,
        "reason": refusal.reason,
        "message": refusal.message,
        "byVerdict": by_verdict,
    }
