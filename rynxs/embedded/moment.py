"""A log as it was at one moment: slices, and the manifests that were asked for then."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from rynxs.engine.recorded import RecordedManifests
from rynxs.engine.replay import rendered
from rynxs.errors import PluginError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from rynxs.engine.state import State
    from rynxs.eventlog.sink import Sink


class Asked(NamedTuple):
    """A manifest that a subject's last plan asked for.

    Attributes:
        entry: its line in the plan: digest, id and retain.
        body: the manifest; None if the plan that held it in full is erased.
    """

    entry: Mapping[str, Any]
    body: dict[str, Any] | None


def asked_for(state: State, sink: Sink, subjects: Collection[str]) -> dict[str, list[Asked]]:
    """Return what the last plans of some subjects asked for, in the order to apply it.

    It is what was recorded, whatever the plugins at hand would make of the state now: rendered
    where that gives what was recorded, which it nearly always does, and looked up in the log where
    it does not.

    Raises:
        LogCorrupt: a plan has not its shape.
    """
    found: dict[str, list[Asked]] = {}
    for subject in subjects:
        planned = state.plans.get(subject)
        if planned is None:
            continue
        at_hand = _rendered(state, subject) if planned.entries else {}
        found[subject] = [
            Asked(entry, at_hand.get((entry["id"], entry["digest"])))
            for entry in planned.entries.values()
        ]
    lacking = {
        subject for subject, asked in found.items() if any(each.body is None for each in asked)
    }
    if lacking:
        recorded = RecordedManifests(sink, state.size).by_digest(lacking)
        for subject in lacking:
            found[subject] = [
                Asked(entry, body or recorded.get((subject, entry["id"], entry["digest"])))
                for entry, body in found[subject]
            ]
    return found


def _rendered(state: State, subject: str) -> dict[tuple[str, str], dict[str, Any]]:
    """Return what can be rendered now, by id and digest."""
    try:
        manifests = rendered(state, subject)
    except PluginError:  # of a version that did not make this log
        return {}
    return {(each.id, each.digest): each.body for each in manifests or ()}
