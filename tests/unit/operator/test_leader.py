"""The leader: what happens is durable before anything follows from it, and nothing is lost."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest

from rynxs.engine.event import Event
from rynxs.engine.pipeline import Pipeline
from rynxs.errors import SinkConflict, SinkUnavailable
from rynxs.eventlog.log import Log
from rynxs.eventlog.record import decode_header
from rynxs.operator.applier import Applier, Doubted
from rynxs.operator.cluster import ClusterError
from rynxs.operator.inbox import Inbox, Patience
from rynxs.operator.leader import Gone, Input, Leader, Observed, StatusSeen, Told
from rynxs.operator.position import Positions
from rynxs.operator.present import Present
from rynxs.operator.stamp import EPOCH
from rynxs.operator.takeover import Lead
from rynxs.operator.troubles import Troubles
from rynxs.operator.upkeep import Upkeep
from rynxs.sources import FixedEntropy, Sources
from rynxs.testing import MemorySink
from tests.unit.engine.conftest import ACTOR, THING, composition, thing
from tests.unit.engine.test_governing import CAP, composed, timed
from tests.unit.operator.fake_cluster import FakeCluster
from tests.unit.operator.rig import sets
from tests.unit.operator.virtual_time import now_s, run

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from rynxs.engine.composition import Composition
    from rynxs.eventlog.log import Entry
    from rynxs.eventlog.record import Record
    from tests.unit.engine.conftest import Kit

ORIGIN = "log.example"
A = "example.org/Thing/default/a"
CONFIG = "v1/ConfigMap/default/a"


class VirtualClock:
    def now_us(self) -> int:
        return round(now_s() * 1_000_000)


class FailingSink(MemorySink):
    """A sink that is down for so many appends, which may have been persisted all the same."""

    failures = 0
    conflict = False

    def append(self, start: int, records: Sequence[Record]) -> None:
        if self.conflict:
            raise SinkConflict("another writer")
        if self.failures:
            self.failures -= 1
            raise SinkUnavailable("down")
        super().append(start, records)


class World:
    """A cluster and a log, and whoever leads them."""

    def __init__(self, made_of: Composition | None = None) -> None:
        self.cluster = FakeCluster()
        self.sink = FailingSink()
        self.made_of = made_of or composition()
        self.changed: list[str] = []
        self.settled: list[Gone | Doubted] = []
        self.written_at: list[int] = []
        self.told_of: list[int] = []
        self.troubles = Troubles()
        self.fence: Exception | None = None
        self.snapshot_every = 0

    @asynccontextmanager
    async def leads(self) -> AsyncIterator[Leader]:
        sources = Sources(VirtualClock(), FixedEntropy(), "tester")
        self.log, self.positions = Log.load(self.sink), Positions()
        failed = self.troubles.plugin_failed
        self.pipeline = Pipeline(self.made_of, sources, ORIGIN, failed=failed)
        for batch in self.log.history():
            for header, record in batch:
                self.pipeline.fold(Event.of_record(header, record))
                self.positions.read(header, record)
        self.pipeline.take_lead(0)
        self.log.append(self.pipeline.take_entries(), self.positions.appended)
        self.inbox: Inbox[Input] = Inbox(100, 10, Patience(0.05, 0.05, 0.05), now_s)
        self.present = Present(ORIGIN)
        for identifier in self.cluster.ids():
            self.present.put(identifier, self.cluster.show(identifier)["metadata"])
        self.applier = Applier(self.cluster, self.present, self._may_write, self.inbox.put, 4)
        lead = Lead(self.sink, self.log, self.pipeline, self.positions, ())
        leader = Leader(lead, self.inbox, self.troubles, sources.clock, now_s, self._may_append)
        told = Told(self.changed.extend, ignore, self._appended, ignore, self._settled)
        upkeep = Upkeep(lead, self.snapshot_every, 60.0, now_s, ignore)
        task = asyncio.create_task(leader.run(self.applier, told, upkeep))
        try:
            yield leader
            if task.done():
                await task
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await self.applier.stop()

    def _may_write(self) -> None:
        self.written_at.append(self.log.size)

    def _may_append(self) -> None:
        if self.fence is not None:
            raise self.fence

    def _appended(self, first: int, entries: Sequence[Entry], took_s: float) -> None:
        assert first + len(entries) == self.log.size
        self.told_of += range(first, first + len(entries))

    def _settled(self, each: Gone | Doubted) -> None:
        self.settled.append(each)
        if isinstance(each, Doubted):
            self.applier.go_on(each)

    def forge(self, epoch: int) -> None:
        """Let somebody change the epoch of an object's stamp."""
        self.cluster.edit(
            CONFIG, lambda body: body["metadata"]["annotations"].update({EPOCH: str(epoch)})
        )
        self.present.put(CONFIG, self.cluster.show(CONFIG)["metadata"])
        self.applier.look(A)

    async def observe(self, name: str = "a", uid: str | None = None, **spec: Any) -> None:
        manifest = thing(name, **spec)
        manifest["metadata"]["uid"] = uid
        await self.inbox.put(Observed(THING, manifest, ACTOR))

    def kinds(self) -> list[str]:
        return [decode_header(record.header).kind for record in self.sink.records]


def ignore(*_: object) -> None:
    """Be told of something."""


async def settle() -> None:
    await asyncio.sleep(30)


def test_what_is_observed_is_durable_before_it_is_applied_and_that_is_recorded() -> None:
    async def main() -> None:
        world = World()
        async with world.leads():
            await world.observe(size=3)
            await settle()
        assert world.kinds() == ["EpochStarted", "ThingObserved", "Planned", "Applied"]
        assert world.cluster.show(CONFIG)["data"]["size"] == "3"
        assert world.written_at
        assert all(size >= 3 for size in world.written_at)
        position = world.positions.of(A)
        assert position is not None
        assert position.seq == 3
        assert position.leaf == world.log.tip.head
        assert set(world.changed) == {A}

    run(main())


def test_many_observations_share_an_append() -> None:
    async def main() -> None:
        world = World()
        async with world.leads():
            before = world.sink.appends
            for number in range(10):
                await world.observe(f"n{number}")
            await settle()
        assert world.sink.appends - before <= 3
        assert world.kinds().count("Applied") == 10

    run(main())


def test_while_the_sink_is_down_nothing_is_applied_and_then_everything_is() -> None:
    async def main() -> None:
        world = World()
        async with world.leads() as leader:
            world.sink.failures = 6
            await world.observe(size=3)
            await asyncio.sleep(10)
            assert leader.health.failure == "down"
            assert world.cluster.writes == []
            await asyncio.sleep(60)
            assert leader.health.failure == ""
            assert len(world.cluster.writes) == 1
        assert world.kinds() == ["EpochStarted", "ThingObserved", "Planned", "Applied"]

    run(main())


async def _meet_another_writer(world: World) -> None:
    async with world.leads():
        world.sink.conflict = True
        await world.observe()
        await settle()


def test_a_leader_that_meets_another_writer_stops_and_applies_nothing() -> None:
    async def main() -> None:
        world = World()
        with pytest.raises(SinkConflict):
            await _meet_another_writer(world)
        assert world.cluster.writes == []

    run(main())


def test_what_is_gone_is_removed_and_an_unknown_one_is_no_news() -> None:
    async def main() -> None:
        world = World()
        async with world.leads():
            await world.observe()
            await settle()
            await world.inbox.put(Gone(A, ACTOR))
            await world.inbox.put(Gone("example.org/Thing/default/never", ACTOR))
            await settle()
        assert world.cluster.ids() == []
        assert world.kinds()[4:] == ["ThingDeleted", "Planned", "Applied"]

    run(main())


def test_an_object_of_another_uid_is_a_new_one() -> None:
    async def main() -> None:
        world = World()
        async with world.leads():
            await world.observe(uid="u-1")
            await world.observe(uid="u-2")
            await settle()
        seen = [kind for kind in world.kinds() if kind.startswith("Thing")]
        assert seen == ["ThingObserved", "ThingDeleted", "ThingObserved"]
        assert world.cluster.ids() == [CONFIG]

    run(main())


def test_the_next_leader_does_what_a_crash_left_undone_and_nothing_twice() -> None:
    async def main() -> None:
        world = World()
        async with world.leads():
            pause = world.cluster.pause("create")
            await world.observe(size=3)
            await pause.entered.wait()
        assert world.kinds() == ["EpochStarted", "ThingObserved", "Planned"]
        async with world.leads():
            await settle()
        assert world.cluster.show(CONFIG)["data"]["size"] == "3"
        records = len(world.sink.records)
        writes = len(world.cluster.writes)
        async with world.leads():
            await settle()
            await world.observe(size=3)
            await settle()
        assert world.kinds()[records:] == ["EpochStarted"]
        assert len(world.cluster.writes) == writes

    run(main())


def test_failures_that_repeat_are_recorded_ever_less_often() -> None:
    async def main() -> None:
        world = World()
        async with world.leads():
            world.cluster.fail("create", ClusterError(403, "Forbidden", "may not"), times=6)
            await world.observe()
            await asyncio.sleep(600)
        assert world.kinds().count("ApplyFailed") == 3  # the first, second and fourth
        assert world.kinds()[-1] == "Applied"

    run(main())


def test_what_somebody_else_changes_is_recorded_and_set_right() -> None:
    async def main() -> None:
        world = World()
        async with world.leads():
            await world.observe(size=3)
            await settle()
            world.cluster.edit(CONFIG, sets(size="9"))
            world.present.put(CONFIG, world.cluster.show(CONFIG)["metadata"])
            world.applier.look(A)
            await settle()
        assert world.cluster.show(CONFIG)["data"]["size"] == "3"
        assert "DriftObserved" in world.kinds()

    run(main())


def test_a_later_epoch_that_nobody_has_begun_is_recorded_and_set_right() -> None:
    async def main() -> None:
        world = World()
        async with world.leads():
            await world.observe(size=3)
            await settle()
            for times in (1, 2, 3):
                world.forge(7)
                await settle()
                metadata = world.cluster.show(CONFIG)["metadata"]
                assert metadata["annotations"][EPOCH] == "1"
                assert len(world.settled) == times
        assert world.kinds().count("DriftObserved") >= 3

    run(main())


def test_a_later_epoch_that_another_one_has_begun_ends_it_before_it_writes() -> None:
    async def main() -> None:
        world = World()
        with pytest.raises(SinkConflict):
            await _meet_a_later_epoch(world)
        assert world.cluster.show(CONFIG)["metadata"]["annotations"][EPOCH] == "2"

    run(main())


async def _meet_a_later_epoch(world: World) -> None:
    async with world.leads():
        await world.observe()
        await settle()
        world.sink.conflict = True
        world.forge(2)
        await settle()


def test_whoever_counts_what_verdicts_hold_is_told_when_that_changes(kit: Kit) -> None:
    async def main() -> None:
        world = World(composed(kit))
        manifest = {
            "apiVersion": "example.org/v1",
            "kind": "Cap",
            "metadata": {"name": "one"},
            "spec": {"total": 3},
        }
        async with world.leads():
            await world.inbox.put(Observed(CAP, manifest, ACTOR))
            await settle()
            for spec, is_told in (({}, True), ({"colour": "red"}, False), ({"size": 2}, True)):
                world.changed.clear()
                await world.observe(**spec)
                await settle()
                assert ("one" in world.changed) == is_told
            world.changed.clear()
            await world.inbox.put(Gone(A, ACTOR, None))
            await settle()
            assert "one" in world.changed

    run(main())


def test_a_deadline_wakes_the_leader_and_a_status_is_taken_in(kit: Kit) -> None:
    async def main() -> None:
        world = World(timed(kit))
        async with world.leads():
            await world.observe()
            await asyncio.sleep(0.5)
            assert world.cluster.show(CONFIG)["data"]["colour"] == "none"
            await asyncio.sleep(1)
            assert world.cluster.show(CONFIG)["data"]["colour"] == "late"
            await world.inbox.put(StatusSeen(A, CONFIG, {"phase": "blue"}))
            await settle()
        assert world.cluster.show(CONFIG)["data"]["colour"] == "blue"
        assert "DeadlineReached" in world.kinds()

    run(main())
