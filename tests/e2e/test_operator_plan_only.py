"""`rynxs operator --plan-only` on a real API server: all is recorded, and nothing is done."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.cluster.operated import OBJECTS_OF_AN_AGENT, Operated, kinds

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cluster.control_plane import Cluster


@pytest.fixture
def place(operated: Cluster, tmp_path: Path) -> Operated:
    return Operated(operated, tmp_path)


def test_plans_are_shown_and_recorded_and_only_a_later_start_without_it_applies_them(
    place: Operated,
) -> None:
    place.apply(place.agent("worker"))
    with place.replica("a", "--plan-only") as replica:
        replica.until_leading()
        replica.until(
            "all is shown",
            lambda: replica.output.read_text().count("\n") >= OBJECTS_OF_AN_AGENT,
        )
        assert replica.terminate() == 0
    shown = replica.output.read_text().splitlines()
    events = place.checked()
    subject = place.subject("worker")
    assert kinds(events, subject) == ["AgentObserved", "Planned"]
    planned = next(event for event in events if event.kind == "Planned")
    ids = [entry["id"] for entry in planned.payload["manifests"]]
    assert shown == [f"would create {each}  (plan {planned.seq} of {subject})" for each in ids]
    assert len(ids) == OBJECTS_OF_AN_AGENT
    assert place.rendered() == {}
    assert place.agents()["worker"].get("status", {}) in ({}, {"conditions": []})
    assert place.requests() == []

    with place.replica("b") as replica:
        replica.until("it is applied", place.applied("worker"))
        assert replica.terminate() == 0
    assert len(place.rendered()) == OBJECTS_OF_AN_AGENT
    after = kinds(place.checked(), subject)
    assert after.count("Planned") == 1
    assert after.count("AgentObserved") == 1
    assert "Applied" in after
