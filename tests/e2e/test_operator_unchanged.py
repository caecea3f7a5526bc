"""A restart of `rynxs operator` where nothing has changed, on a real API server."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.cluster.operated import OBJECTS_OF_AN_AGENT, Operated

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cluster.control_plane import Cluster

COUNT = 50


def test_after_a_restart_nothing_is_recorded_or_written_of_what_has_not_changed(
    operated: Cluster, tmp_path: Path
) -> None:
    place = Operated(operated, tmp_path)
    names = [f"worker-{number}" for number in range(COUNT)]
    with place.replica("a") as replica:
        replica.until_leading()
        place.apply(*map(place.agent, names))
        replica.until("all are applied", place.applied(*names))
        assert replica.terminate() == 0
    before, written = place.checked(), place.requests()
    assert len(place.rendered()) == COUNT * OBJECTS_OF_AN_AGENT
    with place.replica("b") as replica:
        replica.until_ready()
        replica.until("all are known", lambda: f"objects: {COUNT} known" in replica.ready())
        assert replica.terminate() == 0
    after = place.checked()
    assert after[: len(before)] == before
    assert [event.kind for event in after[len(before) :]] == ["EpochStarted"]
    assert place.requests() == written
