"""Effects: plans are applied, statuses and Events written, and all of it counted."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest

from rynxs.engine.admission import condition
from rynxs.engine.composition import Component, Composition
from rynxs.engine.state import State
from rynxs.operator.actors import Actors
from rynxs.operator.applier import Done, Drifted
from rynxs.operator.cluster import ClusterError
from rynxs.operator.effects import Applying
from rynxs.operator.elector import LeaseLost
from rynxs.operator.metrics import Metrics
from rynxs.operator.objects import Objects
from rynxs.operator.position import Position
from rynxs.operator.present import Present
from rynxs.operator.status_writer import Said
from tests.unit.engine.conftest import THING, ThingReducer, thing
from tests.unit.operator.fake_cluster import FakeCluster
from tests.unit.operator.led import virtual_sources
from tests.unit.operator.rig import CONFIG, ORIGIN, SUBJECT, asked, config, sets
from tests.unit.operator.virtual_time import run

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from rynxs.operator.applier import Outcome
    from rynxs.operator.leader import Input

REFUSED = {"conditions": [condition("Accepted", "False", "Invalid", "spec.size: too large")]}


async def ignored(_: Input) -> None:
    """Take in what has happened."""


class Rig:
    """Effects on a cluster in memory."""

    def __init__(self) -> None:
        self.cluster = FakeCluster()
        self.present = Present(ORIGIN)
        self.metrics = Metrics(["Thing"], [])
        self.told: list[Outcome] = []
        self.fence: Exception | None = None
        state = State(Composition([Component(ThingReducer(), {})], []))
        self.objects = Objects([THING], [], Actors(), state, ignored)
        self.effects = Applying(
            self.cluster,
            self.present,
            self.objects,
            ORIGIN,
            virtual_sources("pod-1"),
            self._may_write,
            self._tell,
            self.metrics,
            4,
        )

    @asynccontextmanager
    async def works(self) -> AsyncIterator[asyncio.Task[None]]:
        task = asyncio.create_task(self.effects.run())
        try:
            yield task
        finally:
            task.cancel()
            await asyncio.wait([task])
            await self.effects.stop()

    async def see(self) -> str:
        """Make a thing, let it be known, and return its uid."""
        found = self.cluster.show(self.cluster.make(thing("a")))
        await self.objects.seen(THING, found)
        return str(found["metadata"]["uid"])

    def metric(self, line: str) -> bool:
        return f"\n{line}\n" in self.metrics.text()[0].decode()

    def events(self) -> list[dict[str, Any]]:
        return [self.cluster.show(each) for each in self.cluster.ids() if "/Event/" in each]

    def _may_write(self) -> None:
        if self.fence is not None:
            raise self.fence

    async def _tell(self, outcome: Outcome) -> None:
        self.told.append(outcome)


def test_plans_are_applied_and_what_others_change_is_set_right_and_counted() -> None:
    async def main() -> None:
        rig = Rig()
        async with rig.works():
            rig.effects.want(asked(2, config(size="1")), None)
            await asyncio.sleep(1)
            rig.cluster.edit(CONFIG, sets(size="9"))
            rig.present.put(CONFIG, rig.cluster.show(CONFIG)["metadata"])
            rig.effects.look(SUBJECT)
            await asyncio.sleep(1)
        assert rig.cluster.show(CONFIG)["data"]["size"] == "1"
        assert [type(each) for each in rig.told] == [Done, Drifted, Done]
        assert rig.metric('rynxs_applies_total{action="create",result="ok"} 1.0')
        assert rig.metric('rynxs_applies_total{action="update",result="ok"} 1.0')
        assert rig.metric("rynxs_drifts_total 1.0")

    run(main())


def test_a_status_that_is_worth_it_is_told_in_an_event_that_says_where_to_look() -> None:
    async def main() -> None:
        rig = Rig()
        async with rig.works():
            rig.effects.say(SUBJECT, Said(REFUSED, Position(7, bytes(32)), await rig.see(), 1))
            await asyncio.sleep(1)
        (event,) = rig.events()
        assert (event["reason"], event["type"]) == ("Invalid", "Warning")
        assert f"rynxs log why {SUBJECT} conditions.Accepted and " in event["note"]
        assert f"rynxs log show 7 tell more, of log {ORIGIN}" in event["note"]
        assert event["reportingInstance"] == "pod-1"
        assert rig.metric('rynxs_status_writes_total{result="ok"} 1.0')

    run(main())


def test_a_status_that_is_not_written_is_counted_and_told_to_nobody() -> None:
    async def main() -> None:
        rig = Rig()
        async with rig.works():
            rig.cluster.fail("patch_status", ClusterError(403, "Forbidden", "may not"), times=50)
            rig.effects.say(SUBJECT, Said(REFUSED, None, await rig.see(), 1))
            await asyncio.sleep(1)
        assert rig.events() == []
        assert rig.metric('rynxs_status_writes_total{result="failed"} 2.0')

    run(main())


@pytest.mark.parametrize("what", ["plan", "status"])
def test_who_may_not_write_any_more_ends_and_says_why(what: str) -> None:
    async def main() -> None:
        rig = Rig()
        rig.fence = LeaseLost("not renewed in time")
        async with rig.works() as task:
            if what == "plan":
                rig.effects.want(asked(2, config()), None)
            else:
                rig.effects.say(SUBJECT, Said(REFUSED, None, await rig.see(), 1))
            await asyncio.wait([task])
            assert task.exception() is rig.fence
        assert rig.cluster.writes == []

    run(main())


def test_after_a_stop_nothing_is_applied_and_what_was_under_way_is_finished() -> None:
    async def main() -> None:
        rig = Rig()
        async with rig.works():
            pause = rig.cluster.pause("create", CONFIG)
            rig.effects.want(asked(2, config()), None)
            await pause.entered.wait()
            assert rig.effects.is_busy
            stopping = asyncio.create_task(rig.effects.stop())
            await asyncio.sleep(1)
            pause.resume.set()
            await stopping
            rig.effects.want(asked(3, config(size="2")), None)
            await asyncio.sleep(60)
        assert [each.id for each in rig.cluster.writes] == [CONFIG]
        assert not rig.effects.is_busy

    run(main())
