"""The leader's other duties: it stops when it may not write, and keeps the log in order."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from rynxs.engine.composition import Component, Composition
from rynxs.operator.cluster import ClusterError
from rynxs.operator.elector import LeaseLost
from rynxs.operator.leader import Gone, Touched
from tests.unit.engine.conftest import ACTOR, ThingReducer, ThingRenderer
from tests.unit.operator.test_leader import CONFIG, A, World, settle
from tests.unit.operator.virtual_time import run

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rynxs.engine.contracts import View

B = "example.org/Thing/default/b"


class Choosy(ThingRenderer):
    """Renders nothing that is black."""

    def render(
        self, subject: str, current: Mapping[str, Any], view: View
    ) -> Sequence[dict[str, Any]]:
        if current.get("colour") == "black":
            raise ZeroDivisionError("nothing can be seen")
        return super().render(subject, current, view)


def choosy() -> Composition:
    return Composition([Component(ThingReducer(), {})], [Component(Choosy(), {})])


async def _lose_the_lease(world: World) -> None:
    async with world.leads():
        world.sink.failures = 2
        await world.observe()
        await asyncio.sleep(0.3)  # it has failed once
        world.fence = LeaseLost("not renewed in time")
        await settle()


def test_whether_it_may_write_is_asked_before_each_attempt_to_append() -> None:
    async def main() -> None:
        world = World()
        with pytest.raises(LeaseLost):
            await _lose_the_lease(world)
        assert world.sink.failures == 1
        assert world.kinds() == ["EpochStarted"]
        assert world.cluster.writes == []

    run(main())


def test_a_leader_that_may_write_no_more_is_told_of_nothing_it_did_not_record() -> None:
    async def main() -> None:
        world = World()
        with pytest.raises(LeaseLost):
            await _lose_the_lease(world)
        assert world.told_of == []

    run(main())


def test_it_ends_when_the_inbox_is_closed_and_all_that_was_in_it_is_durable() -> None:
    async def main() -> None:
        world = World()
        async with world.leads():
            for number in range(25):
                await world.observe(f"n{number}")
            await world.inbox.close()
            await settle()
            assert world.inbox.is_done
        assert world.kinds().count("ThingObserved") == 25

    run(main())


def test_of_what_is_only_touched_nothing_is_recorded_and_its_status_is_looked_at() -> None:
    async def main() -> None:
        world = World()
        async with world.leads():
            await world.observe()
            await settle()
            records = len(world.sink.records)
            world.changed.clear()
            await world.inbox.put(Touched(A))
            await settle()
        assert (world.changed, len(world.sink.records)) == ([A], records)

    run(main())


def test_what_is_gone_is_not_what_has_come_in_its_place() -> None:
    async def main() -> None:
        world = World()
        async with world.leads() as leader:
            await world.observe(uid="u-2")
            await world.inbox.put(Gone(A, ACTOR, "u-1"))
            await settle()
            assert leader.newest[A].uid == "u-2"
            assert world.cluster.ids() == [CONFIG]
            await world.inbox.put(Gone(A, ACTOR, "u-2"))
            await settle()
            assert A not in leader.newest
        assert world.cluster.ids() == []

    run(main())


def test_a_snapshot_is_taken_when_one_is_due_and_recorded_right_after() -> None:
    async def main() -> None:
        world = World()
        world.snapshot_every = 5
        async with world.leads():
            for number in range(4):
                await world.observe(f"n{number}")
                await settle()
        (first, *_), kinds = sorted(world.sink.list("snapshot")), world.kinds()
        assert kinds.count("SnapshotTaken") == len(world.sink.list("snapshot")) == 2
        assert kinds[int(first.rpartition("/")[2])] == "SnapshotTaken"
        assert len(world.told_of) == len(kinds) - 1

    run(main())


def test_a_plugin_that_fails_on_one_object_does_not_keep_a_new_leader_from_the_others() -> None:
    async def main() -> None:
        world = World(choosy())
        async with world.leads():
            await world.observe("a", size=1)
            await settle()
            await world.observe("a", size=1, colour="black")
            await settle()
            assert list(world.troubles.degraded) == [A]
        async with world.leads():
            await world.observe("b")
            await settle()
            assert list(world.troubles.degraded) == [A]
            assert world.cluster.ids() == [CONFIG, "v1/ConfigMap/default/b"]

    run(main())


def test_a_plugin_that_knows_no_deadline_of_one_object_does_not_stop_the_leader() -> None:
    class Hasty(ThingReducer):
        def deadline(self, subject: str, current: Mapping[str, Any]) -> int | None:
            if subject == A:
                raise ZeroDivisionError("there is no time")
            return None

    async def main() -> None:
        hasty = Composition([Component(Hasty(), {})], [Component(ThingRenderer(), {})])
        world = World(hasty)
        async with world.leads():
            for name in "ab":
                await world.observe(name)
            await settle()
            assert "there is no time" in world.troubles.degraded[A]
            assert world.cluster.ids() == [CONFIG, "v1/ConfigMap/default/b"]

    run(main())


def test_a_plugin_still_fails_on_an_object_that_is_seen_again_as_it_was() -> None:
    async def main() -> None:
        world = World(choosy())
        async with world.leads():
            await world.observe("a", colour="black")
            await world.observe("a", colour="black")
            await settle()
            assert "nothing can be seen" in world.troubles.degraded[A]
            await world.observe("a", colour="red")
            await settle()
            assert world.troubles.degraded == {}

    run(main())


def test_what_the_cluster_refuses_is_no_trouble_any_more_once_it_is_applied() -> None:
    async def main() -> None:
        world = World()
        async with world.leads():
            world.cluster.fail("create", ClusterError(403, "Forbidden", "may not"))
            await world.observe()
            await asyncio.sleep(0.3)
            state = world.pipeline.state
            (condition,) = world.troubles.conditions(A, state)
            assert condition["reason"] == "ApplyFailed"
            await settle()
            (condition,) = world.troubles.conditions(A, state)
            assert condition["status"] == "True"

    run(main())
