"""A kind that is taken away under `rynxs operator`, with all objects of it, and comes back."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.cluster.control_plane import control_plane
from tests.cluster.operated import Operated, establish_crds
from tests.servers.failing import told_plainly

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.cluster.control_plane import Cluster


@pytest.fixture
def own() -> Iterator[Cluster]:
    """A control plane of this test's own."""
    with told_plainly(), control_plane(audit=True) as running:
        establish_crds(running.kubectl)
        yield running


def test_a_kind_that_is_gone_is_named_and_followed_again_once_it_is_back(
    own: Cluster, tmp_path: Path
) -> None:
    place = Operated(own, tmp_path)
    with place.replica("a", namespaces=[]) as replica:
        replica.until_leading()
        place.apply(place.agent("before"))
        replica.until("it is applied", place.applied("before"))
        gone = own.kubectl.run("delete", "crd", "agents.universe.ai")
        assert gone.status == 0, gone.err
        replica.until("the kind is named", lambda: "Agent" in replica.ready())
        establish_crds(own.kubectl)
        place.apply(place.agent("after"))
        replica.until("what is made then is applied", place.applied("after"))
        assert replica.terminate() == 0
    lines = replica.errors.read_text().splitlines()
    assert lines == [line for line in lines if isinstance(json.loads(line), dict)]
