"""A namespace deleted under `rynxs operator`, in a cluster with all its controllers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.cluster.operated import Operated, establish_crds, kinds
from tests.cluster.running import running_cluster
from tests.servers.failing import told_plainly

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.cluster.running import RunningCluster

COUNT = 20


@pytest.fixture
def running() -> Iterator[RunningCluster]:
    with told_plainly(), running_cluster() as made:
        establish_crds(made.kubectl)
        yield made


@pytest.mark.parametrize("is_everywhere", [True, False], ids=["all namespaces", "two namespaces"])
def test_a_namespace_that_is_deleted_goes_away_and_the_operator_lets_it(
    running: RunningCluster, tmp_path: Path, is_everywhere: bool
) -> None:
    place, other = Operated(running, tmp_path / "a"), Operated(running, tmp_path / "b")
    namespaces = [] if is_everywhere else [place.namespace, other.namespace]
    names = [f"worker-{number}" for number in range(COUNT)]
    workspace = {"size": "1Gi"}
    with place.replica("a", namespaces=namespaces) as replica:
        replica.until_leading()
        place.apply(*(place.agent(name, workspace=workspace) for name in names))
        other.apply(other.agent("stays"))
        replica.until("all are applied", place.applied(*names))
        replica.until("the other is applied", other.applied("stays"))
        deleted = running.kubectl.run("delete", "--wait=false", "namespace", place.namespace)
        assert deleted.status == 0, deleted.err
        gone = running.kubectl.wait("delete", f"namespace/{place.namespace}")
        assert gone.status == 0, gone.err
        other.apply(other.agent("last"))
        replica.until("the last is applied", other.applied("last"))
        replica.until_ready()
        assert replica.terminate() == 0
    assert set(other.rendered()) == {
        f"{kind}/agent-{name}"
        for name in ("stays", "last")
        for kind in ("ConfigMap", "Service", "ServiceAccount", "Deployment", "NetworkPolicy")
    }
    events = place.checked()
    for name in names:
        told = kinds(events, place.subject(name))
        assert told.count("AgentDeleted") == 1
        # The last plan asks for nothing, and is done: there is nothing left to fight for.
        last = [event for event in events if event.subject == place.subject(name)][-1]
        assert last.kind == "Applied"
        planned = [e for e in events if e.subject == place.subject(name) and e.kind == "Planned"]
        assert planned[-1].payload["manifests"] == []
        assert planned[-1].seq < last.seq
