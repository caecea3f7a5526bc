"""An operator goes on with the log that another has been rotated into, and with its objects."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

from tests.cluster.invariants import (
    check_objects_are_logged,
    check_older_epochs_lose,
    verified_events,
)
from tests.cluster.operated import OBJECTS_OF_AN_AGENT, Operated, kinds
from tests.cluster.replica import RYNXS

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cluster.control_plane import Cluster


def test_the_next_log_takes_over_what_was_rendered_and_deletes_what_is_no_longer_asked_for(
    operated: Cluster, tmp_path: Path
) -> None:
    place = Operated(operated, tmp_path)
    with place.replica("before") as replica:
        place.apply(place.agent("stays"), place.agent("goes"))
        replica.until("both are applied", place.applied("stays", "goes"))
        assert replica.terminate() == 0
    before = {name: each["metadata"]["uid"] for name, each in place.rendered().items()}
    rotate(place, tmp_path)
    closed = verified_events(f"file:{tmp_path / 'log'}")
    place.delete("agent", "goes")
    with place.replica("after") as replica:
        replica.until("what was for the other is gone", place.has_objects_of("goes", 0))
        place.apply(place.agent("stays", team="t"))
        replica.until("a change is applied", place.applied("stays"))
        assert place.agents()["stays"]["status"]["log"]["origin"] == place.origin
        assert replica.terminate() == 0
    after = {name: each["metadata"]["uid"] for name, each in place.rendered().items()}
    assert len(after) == OBJECTS_OF_AN_AGENT
    assert after.items() <= before.items()
    events = verified_events(place.log)
    assert check_objects_are_logged(place.kubectl, events, place.origin) == OBJECTS_OF_AN_AGENT
    check_older_epochs_lose(place.requests(), [*closed, *events])
    assert kinds(events, place.subject("stays"))[0] == "Carried"
    assert "DriftObserved" not in {each.kind for each in events}
    assert "ApplyFailed" not in {each.kind for each in events}


def rotate(place: Operated, directory: Path) -> None:
    """Do what the operations guide says, with the operator stopped."""
    key = directory / "signing.key"
    log = f"file:{directory / 'log-2'}"
    signer = f"ed25519:{key}"
    for command in (
        ["keys", "generate", key, "--name", place.origin],
        ["log", "rotate", log, "--log", place.log, "--signer", signer],
    ):
        done = subprocess.run([RYNXS, *command], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    place.log, place.origin = log, f"{place.origin}@2"
