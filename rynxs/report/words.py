"""Plain words for kinds of events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rynxs.engine import event as ev
from rynxs.eventlog.redaction import HOLD_PLACED, HOLD_RELEASED, REDACTED
from rynxs.eventlog.rotation import KEY_ROTATED

if TYPE_CHECKING:
    from collections.abc import Mapping

_TITLES = {
    ev.EPOCH_STARTED: "A writer began a new epoch",
    ev.TAIL_QUARANTINED: "A damaged end had been set aside",
    ev.PLANNED: "Plan recorded",
    ev.APPLIED: "Applied to the cluster",
    ev.APPLY_FAILED: "Apply failed",
    ev.DRIFT_OBSERVED: "Drift observed",
    ev.SNAPSHOT_TAKEN: "Snapshot taken",
    KEY_ROTATED: "Signing key rotated",
    REDACTED: "Payloads redacted",
    HOLD_PLACED: "Legal hold placed",
    HOLD_RELEASED: "Legal hold released",
}


def title(kind: str, subject: str, detail: Mapping[str, Any]) -> str:
    """Return what happened in an event, in a few words; the kind itself if it is not known."""
    known = _TITLES.get(kind)
    if known is not None:
        return known
    if kind == ev.JUDGED:
        return _verdict_title(detail)
    resource = subject.split("/")[1] if subject else ""
    if resource and kind == ev.observed(resource):
        if detail.get("refused"):
            return f"{resource} observed and refused"
        deleting = ", its deletion has begun" if detail.get("deleting") else ""
        return f"{resource} observed{deleting}"
    if resource and kind == ev.deleted(resource):
        return f"{resource} deleted"
    return kind


def _verdict_title(detail: Mapping[str, Any]) -> str:
    if "verdict" not in detail:
        return "Verdict given"
    verdict = detail["verdict"]
    if not isinstance(verdict, dict):
        return "Verdict withdrawn"
    return "Refused by verdict" if verdict.get("refused") else "Judged and not refused"
