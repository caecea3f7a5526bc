"""`rynxs operator` on a real API server: an agent becomes objects, and what people see of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.cluster.invariants import check_objects_are_logged, verified_events
from tests.cluster.objects import make_namespace
from tests.cluster.replica import Replica

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from typing import Any

    from tests.cluster.control_plane import Cluster

ORIGIN = "rynxs.test/log"


@pytest.fixture
def namespace(operated: Cluster) -> str:
    return make_namespace(operated.kubectl)


@pytest.fixture
def replica(operated: Cluster, namespace: str, tmp_path: Path) -> Iterator[Replica]:
    log = f"file:{tmp_path / 'log'}"
    made = Replica(tmp_path / "a", operated.apiserver.kubeconfig, log, namespaces=[namespace])
    with made:
        made.until_leading()
        yield made


def test_an_agent_becomes_objects_and_its_status_says_where_in_the_log_it_is(
    operated: Cluster,
    replica: Replica,
    namespace: str,
    tmp_path: Path,
    agent: Callable[..., dict[str, Any]],
) -> None:
    kubectl = operated.kubectl
    worker = agent()
    worker["metadata"]["namespace"] = namespace
    assert kubectl.apply(worker).status == 0
    waited = kubectl.wait("condition=Applied", "agent/worker", "-n", namespace)
    assert waited.status == 0, waited.err
    assert replica.terminate() == 0
    events = verified_events(f"file:{tmp_path / 'log'}")
    assert [event.kind for event in events[:4]] == [
        "EpochStarted",
        "AgentObserved",
        "Planned",
        "Applied",
    ]
    assert check_objects_are_logged(kubectl, events, ORIGIN) == 5
    status = kubectl.run("get", "agent/worker", "-n", namespace, "-o", "json").json()["status"]
    assert status["phase"] == "Active"
    assert status["observedGeneration"] == 1
    assert status["log"]["origin"] == ORIGIN
    assert events[status["log"]["seq"]].subject == f"universe.ai/Agent/{namespace}/worker"
