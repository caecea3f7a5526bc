"""What stands out in a timeline: failures, refusals, erasures, and what the log says of itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from rynxs.engine import event as ev
from rynxs.eventlog.redaction import HOLD_PLACED, HOLD_RELEASED, REDACTED
from rynxs.eventlog.rotation import KEY_ROTATED
from rynxs.report.refusals import verdict_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping


class Rule(NamedTuple):
    """One group of findings.

    Attributes:
        name: of the group, for machines.
        title, meaning: for people.
        holds: whether an entry of the timeline belongs to the group.
    """

    name: str
    title: str
    meaning: str
    holds: Callable[[Mapping[str, Any]], bool]


def _is(kind: str) -> Callable[[Mapping[str, Any]], bool]:
    return lambda entry: entry["kind"] == kind


RULES = (
    Rule(
        "failedApplies",
        "Failed applies",
        "The cluster did not take a manifest that a plan asked for.",
        _is(ev.APPLY_FAILED),
    ),
    Rule(
        "drift",
        "Drift",
        "Someone else changed what a plan had applied.",
        _is(ev.DRIFT_OBSERVED),
    ),
    Rule(
        "refusals",
        "Refusals by verdict",
        "A governor, such as a universe, refused an object; later verdicts may have lifted that.",
        lambda entry: bool((verdict_of(entry) or {}).get("refused")),
    ),
    Rule(
        "refusedObservations",
        "Refused observations",
        "An object broke the rules of its kind; only the names of its fields are recorded.",
        lambda entry: bool(entry.get("detail", {}).get("refused")),
    ),
    Rule(
        "redactions",
        "Redactions",
        "The erasure of a record's payload was asked for, with the reason given.",
        _is(REDACTED),
    ),
    Rule(
        "erasedPayloads",
        "Erased payloads",
        "What these records said is gone; that they were there, and when, is still proven.",
        lambda entry: bool(entry.get("erased")),
    ),
    Rule(
        "holds",
        "Legal holds",
        "Redaction was forbidden for what a hold names, or allowed again.",
        lambda entry: entry["kind"] in {HOLD_PLACED, HOLD_RELEASED},
    ),
    Rule(
        "keyRotations",
        "Key rotations",
        "The key that signs this log was replaced.",
        _is(KEY_ROTATED),
    ),
    Rule(
        "quarantinedTails",
        "Quarantined tails",
        "A damaged end that was never acknowledged had been set aside by the storage.",
        _is(ev.TAIL_QUARANTINED),
    ),
    Rule(
        "snapshots",
        "Snapshots",
        "A state was cached. This report used none: it was computed from the first record.",
        _is(ev.SNAPSHOT_TAKEN),
    ),
)


def findings(events: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return every group with the seqs of its events, those without any too."""
    listed = list(events)
    return [
        {
            "name": rule.name,
            "title": rule.title,
            "meaning": rule.meaning,
            "seqs": [entry["seq"] for entry in listed if rule.holds(entry)],
        }
        for rule in RULES
    ]
