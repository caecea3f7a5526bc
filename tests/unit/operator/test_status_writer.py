"""The status writer: what is said last is what is there in the end, whatever fails meanwhile."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest

from rynxs.engine.admission import condition
from rynxs.engine.composition import Component, Composition
from rynxs.engine.state import State
from rynxs.operator.actors import Actors
from rynxs.operator.cluster import ClusterError
from rynxs.operator.elector import LeaseLost
from rynxs.operator.objects import Objects
from rynxs.operator.position import Position
from rynxs.operator.status_writer import Said, StatusWriter, Told
from tests.unit.engine.conftest import THING, ThingReducer, thing
from tests.unit.operator.fake_cluster import FakeCluster
from tests.unit.operator.led import VirtualClock
from tests.unit.operator.virtual_time import run

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from rynxs.operator.leader import Input
    from rynxs.operator.objects import Held

SUBJECT = "example.org/Thing/default/a"
ID = "example.org/v1/Thing/default/a"
LONG_S = 1_000.0
BODY = {
    "apiVersion": "example.org/v1",
    "kind": "Thing",
    "metadata": {"name": "a", "namespace": "default"},
    "spec": {"size": 1},
}


async def ignored(_: Input) -> None:
    """Take in what has happened."""


async def writing(cluster: FakeCluster) -> tuple[StatusWriter, dict[str, Any]]:
    """Return a writer that knows of one object, and that object."""
    found = cluster.show(cluster.make(BODY))
    state = State(Composition([Component(ThingReducer(), {})], []))
    objects = Objects([THING], [], Actors(), state, ignored)
    await objects.seen(THING, found)
    told = Told(lambda *_: None, lambda *_: None)
    clock = VirtualClock()
    return StatusWriter(cluster, objects, "o", clock, lambda: None, told, concurrency=1), found


@pytest.mark.parametrize("failures", [1, 2, 3])
def test_what_could_not_be_written_is_forgotten_once_something_newer_is_said(
    failures: int,
) -> None:
    async def main() -> None:
        cluster = FakeCluster()
        writer, found = await writing(cluster)
        working = asyncio.create_task(writer.run())
        uid = found["metadata"]["uid"]
        cluster.fail("patch_status", ClusterError(503, "ServiceUnavailable", ""), times=failures)
        writer.say(SUBJECT, Said({"phase": "Old"}, None, uid, 1))
        await asyncio.sleep(0.1)
        for number in range(1, failures + 1):
            writer.say(SUBJECT, Said({"phase": f"New {number}"}, None, uid, 1))
            await asyncio.sleep(0.1)
        await asyncio.sleep(LONG_S)
        assert cluster.show(ID)["status"]["phase"] == f"New {failures}"
        working.cancel()

    run(main())


def test_what_could_not_be_written_is_written_later() -> None:
    async def main() -> None:
        cluster = FakeCluster()
        writer, found = await writing(cluster)
        working = asyncio.create_task(writer.run())
        cluster.fail("patch_status", ClusterError(503, "ServiceUnavailable", ""), times=3)
        writer.say(SUBJECT, Said({"phase": "Active"}, None, found["metadata"]["uid"], 1))
        await asyncio.sleep(LONG_S)
        assert cluster.show(ID)["status"]["phase"] == "Active"
        working.cancel()

    run(main())


APPLYING = {"conditions": [condition("Applied", "False", "Applying", "")]}
APPLIED = {"conditions": [condition("Applied", "True", "Applied", "")]}


class Rig:
    """A writer that works, on objects that are told of when the test says so.

    Attributes:
        written: of each status that was written, the phase before and after.
        failures: what else came of writes.
        fence: raised when the writer asks whether it may write, if there is one.
    """

    def __init__(self, concurrency: int = 2) -> None:
        self.cluster = FakeCluster()
        self.written: list[tuple[object, object]] = []
        self.failures: list[str] = []
        self.fence: Exception | None = None
        state = State(Composition([Component(ThingReducer(), {})], []))
        self.objects = Objects([THING], [], Actors(), state, ignored)
        told = Told(self._written, self.failures.append)
        self.writer = StatusWriter(
            self.cluster, self.objects, "o", VirtualClock(), self._may_write, told, concurrency
        )

    @asynccontextmanager
    async def works(self) -> AsyncIterator[asyncio.Task[None]]:
        task = asyncio.create_task(self.writer.run())
        try:
            yield task
        finally:
            task.cancel()
            await asyncio.wait([task])

    async def make(self, name: str = "a") -> str:
        """Make an object, let it be known, and return its uid."""
        identifier = self.cluster.make(thing(name, size=1))
        await self.hear(identifier)
        return str(self.cluster.show(identifier)["metadata"]["uid"])

    async def hear(self, identifier: str = ID) -> None:
        await self.objects.seen(THING, self.cluster.show(identifier))

    def say(self, phase: str, uid: str, subject: str = SUBJECT) -> None:
        self.writer.say(subject, Said({"phase": phase}, Position(7, bytes(32)), uid, 1))

    def phase(self) -> object:
        return (self.cluster.show(ID).get("status") or {}).get("phase")

    def patches(self) -> int:
        return [each.verb for each in self.cluster.writes].count("patch_status")

    def _may_write(self) -> None:
        if self.fence is not None:
            raise self.fence

    def _written(self, _: Held, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
        self.written.append((before.get("phase"), after.get("phase")))


def test_a_status_says_where_in_the_log_it_is_and_what_is_there_is_not_written_again() -> None:
    async def main() -> None:
        rig = Rig()
        async with rig.works():
            uid = await rig.make()
            rig.say("x", uid)
            await asyncio.sleep(1)
            status = rig.cluster.show(ID)["status"]
            assert status["log"] == {"leafHash": "00" * 32, "origin": "o", "seq": 7}
            assert status["observedGeneration"] == 1
            rig.say("x", uid)
            await rig.hear()
            rig.say("x", uid)
            await asyncio.sleep(1)
        assert (rig.patches(), rig.written, rig.failures) == (1, [(None, "x")], [])

    run(main())


def test_of_all_that_was_to_be_said_meanwhile_only_the_newest_is() -> None:
    async def main() -> None:
        rig = Rig()
        async with rig.works():
            uid = await rig.make()
            pause = rig.cluster.pause("patch_status")
            rig.say("first", uid)
            await pause.entered.wait()
            for phase in ("second", "third"):
                rig.say(phase, uid)
            await asyncio.sleep(1)
            pause.resume.set()
            await asyncio.sleep(1)
        assert rig.written == [(None, "first"), ("first", "third")]

    run(main())


def test_an_object_is_written_by_one_at_a_time_and_others_beside_it() -> None:
    async def main() -> None:
        rig = Rig(concurrency=3)
        async with rig.works():
            uids = {name: await rig.make(name) for name in "abcd"}
            rig.cluster.latency_s = 1.0
            for _ in range(2):
                for name, uid in uids.items():
                    rig.say("x", uid, f"example.org/Thing/default/{name}")
            await asyncio.sleep(10)
        assert rig.cluster.running_max == 3
        assert rig.patches() == 4

    run(main())


def test_of_another_object_of_its_name_something_else_is_to_be_said() -> None:
    async def main() -> None:
        rig = Rig()
        async with rig.works():
            await rig.make()
            rig.say("x", "another")
            rig.say("x", "u", "example.org/Thing/default/unknown")
            await asyncio.sleep(LONG_S)
        assert (rig.patches(), rig.failures) == (0, [])

    run(main())


def test_what_is_gone_is_not_written_and_that_is_no_failure() -> None:
    async def main() -> None:
        rig = Rig()
        async with rig.works():
            uid = await rig.make()
            rig.cluster.remove(ID)
            rig.say("x", uid)
            await asyncio.sleep(LONG_S)
        assert (rig.patches(), rig.failures) == (0, [])
        assert [each.verb for each in rig.cluster.asked] == ["patch_status"]

    run(main())


def test_an_object_that_has_changed_is_read_and_its_status_written_over_what_it_is() -> None:
    async def main() -> None:
        rig = Rig()
        async with rig.works():
            uid = await rig.make()
            rig.cluster.edit(ID, lambda body: body["spec"].update(size=2))
            rig.say("x", uid)
            await asyncio.sleep(1)
            assert rig.phase() == "x"
        assert (rig.written, rig.failures) == ([(None, "x")], ["conflict"])

    run(main())


def test_an_object_that_changes_all_the_time_is_left_alone_for_a_while() -> None:
    async def main() -> None:
        rig = Rig()
        async with rig.works():
            uid = await rig.make()
            conflict = ClusterError(409, "Conflict", "it has changed")
            rig.cluster.fail("patch_status", conflict, times=5)
            rig.say("x", uid)
            await asyncio.sleep(0.1)
            assert rig.failures == ["conflict"] * 5 + ["failed"]
            assert rig.phase() is None
            await asyncio.sleep(1)
            assert rig.phase() == "x"

    run(main())


def test_that_a_plan_is_being_applied_is_said_only_if_it_takes_long() -> None:
    async def main() -> None:
        rig = Rig()
        async with rig.works():
            uid = await rig.make()
            rig.writer.say(SUBJECT, Said(APPLYING, None, uid, 1))
            await asyncio.sleep(1)
            rig.writer.say(SUBJECT, Said(APPLIED, None, uid, 1))
            await asyncio.sleep(60)
            assert rig.patches() == 1
            rig.writer.say(SUBJECT, Said(APPLYING, None, uid, 1))
            await asyncio.sleep(9)
            assert rig.patches() == 1
            await asyncio.sleep(2)
            (applied,) = rig.cluster.show(ID)["status"]["conditions"]
            assert applied["reason"] == "Applying"

    run(main())


def test_who_may_not_write_any_more_writes_nothing_and_says_why() -> None:
    async def main() -> None:
        rig = Rig()
        rig.fence = LeaseLost("not renewed in time")
        async with rig.works() as task:
            rig.say("x", await rig.make())
            await asyncio.wait([task])
            assert task.exception() is rig.fence
        assert rig.cluster.asked == []

    run(main())
