"""The timeline: what each event of a log was, who asked for it, and what it changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rynxs.engine import event as ev
from rynxs.engine.slices import Unknown
from rynxs.engine.verdict import bearer, judged_subject, verdict_subject
from rynxs.report.delta import changes
from rynxs.report.words import title
from rynxs.sources import format_time

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from rynxs.engine.event import Event
    from rynxs.engine.state import State

KEYFRAME_EVERY = 256
"""Of a subject's events, every so many also hold its state whole; see docs/REPORT.md."""

NOTHING: dict[str, Any] = {"live": False, "manifests": {}}
"""The state of a subject before its first event."""


def subject_state(state: State, subject: str) -> dict[str, Any]:
    """Return what is known of a subject.

    Returns:
        ``live`` (observed and not deleted since), ``manifests`` (digest and retain of each manifest
        of the plan, by id), ``slice`` and ``verdict``, left out where there is none.
        ``sliceUnknown``, ``verdictUnknown`` and ``manifestsUnknown`` are there, and true, where an
        erased payload leaves it unknown.
    """
    planned = state.plans.get(subject)
    entries = planned.entries if planned else {}
    known: dict[str, Any] = {
        "live": state.observation(subject) is not None,
        "manifests": {
            identifier: {"digest": entry["digest"], "retain": entry["retain"]}
            for identifier, entry in entries.items()
        },
    }
    if planned is not None and planned.is_erased:
        known["manifestsUnknown"] = True
    for name, place in (("slice", subject), ("verdict", verdict_subject(subject))):
        current = state.slices.value(place)
        if isinstance(current, Unknown):
            known[f"{name}Unknown"] = True
        elif current is not None:
            known[name] = dict(current)
    return known


def timeline(steps: Iterable[tuple[Event, State]]) -> Iterator[dict[str, Any]]:
    """Yield the entry of each event, in order, as docs/REPORT.md describes it.

    Args:
        steps: each event with the state after it.

    Raises:
        LogCorrupt: a payload does not decode.
    """
    states: dict[str, dict[str, Any]] = {}
    counts: dict[str, int] = {}
    for event, state in steps:
        entry = _entry(event)
        subject = entry["subject"]
        if subject:
            after = subject_state(state, subject)
            before = states.get(subject, NOTHING)
            found = [change.as_json() for change in changes(before, after)]
            if found:
                entry["changes"] = found
            counts[subject] = counts.get(subject, 0) + 1
            if counts[subject] % KEYFRAME_EVERY == 0:
                entry["state"] = after
            states[subject] = after
        yield entry


def _entry(event: Event) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "seq": event.seq,
        "time": format_time(event.time_us),
        "epoch": event.epoch,
        "kind": event.kind,
        "subject": bearer(event.subject),
    }
    if event.cause is not None:
        entry["cause"] = event.cause
    if event.is_erased:
        return entry | {"title": title(event.kind, event.subject, {}), "erased": True}
    detail = _detail(event)
    entry["title"] = title(event.kind, event.subject, detail)
    actor = detail.get("actor")
    if _is_actor(actor):
        entry["actor"] = detail.pop("actor")
    return entry | ({"detail": detail} if detail else {})


def _detail(event: Event) -> dict[str, Any]:
    """Return what a payload says beyond what the changes of the subject's state show."""
    payload = dict(event.payload)
    if event.kind == ev.PLANNED:
        return {name: payload[name] for name in ("removed", "retained") if payload.get(name)}
    kind = event.subject.split("/")[1] if event.subject else ""
    if event.kind == ev.observed(kind):
        shown = ("actor", "deleting", "fields", "refused")
        return {name: payload[name] for name in shown if payload.get(name)}
    if event.kind == ev.CARRIED and judged_subject(event.subject):
        return {"verdict": payload.get("slice")}
    if event.kind == ev.deleted(kind):
        payload.pop("uid", None)
    return payload


def _is_actor(value: Any) -> bool:
    required, optional = {"name", "authenticated"}, {"groups", "request"}
    if not isinstance(value, dict) or not required <= {*value} <= required | optional:
        return False
    groups = value.get("groups", [])
    return (
        isinstance(value["name"], str)
        and isinstance(value["authenticated"], bool)
        and isinstance(value.get("request", ""), str)
        and isinstance(groups, list)
        and all(isinstance(each, str) for each in groups)
    )
