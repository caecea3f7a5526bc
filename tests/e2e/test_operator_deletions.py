"""Deletions that `rynxs operator` did not see, on a real API server."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from rynxs.operator.stamp import stamp_of
from tests.cluster.operated import OBJECTS_OF_AN_AGENT, Operated, kinds

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cluster.control_plane import Cluster


@pytest.fixture
def place(operated: Cluster, tmp_path: Path) -> Operated:
    return Operated(operated, tmp_path)


def test_what_was_deleted_while_the_operator_was_down_is_cleaned_up_after_the_restart(
    place: Operated,
) -> None:
    with place.replica("a") as replica:
        replica.until_leading()
        place.apply(place.agent("gone"), place.agent("stays"))
        replica.until("both are applied", place.applied("gone", "stays"))
    before = place.rendered()
    place.delete("agent", "gone")
    with place.replica("b") as replica:
        replica.until("its objects are gone", place.has_objects_of("gone", 0))
        assert replica.terminate() == 0
    left = place.rendered()
    assert len(left) == OBJECTS_OF_AN_AGENT
    assert all(left[each] == before[each] for each in left)
    events = place.checked()
    assert "AgentDeleted" in kinds(events, place.subject("gone"))
    assert "AgentDeleted" not in kinds(events, place.subject("stays"))


def test_what_was_made_anew_under_its_name_while_the_operator_was_down_is_another_object(
    place: Operated,
) -> None:
    with place.replica("a") as replica:
        replica.until_leading()
        place.apply(place.agent("worker"))
        replica.until("it is applied", place.applied("worker"))
    before = place.agents()["worker"]["metadata"]["uid"]
    place.delete("agent", "worker")
    place.apply(place.agent("worker"))
    after = place.agents()["worker"]["metadata"]["uid"]
    assert after != before
    with place.replica("b") as replica:
        replica.until("it is applied", place.applied("worker"))
        assert replica.terminate() == 0
    events = place.checked()
    about = [event for event in events if event.subject == place.subject("worker")]
    told = [
        (event.kind, event.payload.get("uid") or event.payload["object"]["metadata"]["uid"])
        for event in about
        if event.kind in {"AgentObserved", "AgentDeleted"}
    ]
    assert told == [("AgentObserved", before), ("AgentDeleted", before), ("AgentObserved", after)]
    rendered = place.rendered()
    assert len(rendered) == OBJECTS_OF_AN_AGENT
    deleted = next(event.seq for event in about if event.kind == "AgentDeleted")
    for each in rendered.values():
        stamp = stamp_of(each["metadata"])
        assert stamp is not None
        assert stamp.seq > deleted
        owners = [owner["uid"] for owner in each["metadata"]["ownerReferences"]]
        assert owners == [after]
