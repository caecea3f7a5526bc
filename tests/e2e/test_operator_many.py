"""Five hundred agents at once under `rynxs operator`, on a real API server."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING

from tests.cluster.client import ask
from tests.cluster.operated import OBJECTS_OF_AN_AGENT, Operated

if TYPE_CHECKING:
    from pathlib import Path

    from rynxs.operator.kubernetes import KubernetesCluster
    from tests.cluster.control_plane import Cluster
    from tests.cluster.replica import Replica

COUNT = 500
AT_ONCE = 32
STEP = 50


def until_recorded(replica: Replica, kind: str, count: int) -> None:
    """Wait until so many events of a kind are durable."""
    name = f'rynxs_events_total{{kind="{kind}"}}'
    replica.until(f"{count} {kind} are recorded", lambda: replica.metric(name) >= count)


def test_500_agents_made_at_once_and_deleted_at_once_leave_nothing_but_their_events(
    operated: Cluster, tmp_path: Path
) -> None:
    place = Operated(operated, tmp_path)
    names = [f"worker-{number}" for number in range(COUNT)]

    async def make(client: KubernetesCluster) -> None:
        slots = asyncio.Semaphore(AT_ONCE)

        async def one(name: str) -> None:
            async with slots:
                await client.create(place.agent(name))

        await asyncio.gather(*map(one, names))

    with place.replica("a") as replica:
        replica.until_leading()
        ask(operated.apiserver.kubeconfig, make)
        for count in range(STEP, COUNT + 1, STEP):
            until_recorded(replica, "Applied", count)
        replica.until("all are told so", place.applied(*names))
        assert len(place.rendered()) == COUNT * OBJECTS_OF_AN_AGENT
        place.delete("agents", "--all")
        for count in range(STEP, COUNT + 1, STEP):
            until_recorded(replica, "AgentDeleted", count)
            until_recorded(replica, "Applied", COUNT + count)
        replica.until("all is gone", lambda: not place.is_anything_left())
        assert place.agents() == {}
        replica.until_ready()
        appends = replica.metric("rynxs_append_duration_seconds_count")
        assert replica.terminate() == 0
    assert place.rendered() == {}
    events = place.checked()
    for kind in ("AgentObserved", "AgentDeleted"):
        assert Counter(event.subject for event in events if event.kind == kind) == Counter(
            map(place.subject, names)
        )
    for kind in ("Planned", "Applied"):
        found = {event.subject for event in events if event.kind == kind}
        assert found == set(map(place.subject, names))
    assert 0 < appends < len(events) / 4, f"{appends} appends of {len(events)} events"
