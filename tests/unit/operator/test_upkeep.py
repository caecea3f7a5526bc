"""Upkeep: what is durable is covered by a checkpoint in time, and snapshots are taken when due."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from structlog.testing import capture_logs

from rynxs.errors import CheckpointRefused, SinkUnavailable
from rynxs.eventlog.checkpoint import Checkpoint, latest, store
from rynxs.eventlog.signing import sign
from rynxs.eventlog.sink import ANY
from rynxs.operator.upkeep import Upkeep
from rynxs.testing import MemorySink
from tests.unit.engine.conftest import ACTOR, THING, thing
from tests.unit.operator.led import key_of, lead_of, virtual_sources
from tests.unit.operator.virtual_time import now_s, run

if TYPE_CHECKING:
    from pathlib import Path

    from rynxs.eventlog.sink import Expect
    from rynxs.operator.takeover import Lead

EVERY_S = 60.0


class Down(MemorySink):
    """A sink that takes no objects for so many times."""

    refusals = 0

    def put(self, name: str, data: bytes, expect: Expect | str = ANY) -> str:
        if self.refusals:
            self.refusals -= 1
            raise SinkUnavailable("down")
        return super().put(name, data, expect)


class Rig:
    """A log, and its upkeep."""

    def __init__(self, directory: Path, *, signed: bool = True, every: int = 0) -> None:
        self.sink = Down()
        keys = [key_of(directory, virtual_sources())] if signed else []
        self.lead: Lead = lead_of(self.sink, keys=keys)
        self.told: list[int] = []
        self.upkeep = Upkeep(self.lead, every, EVERY_S, now_s, self.told.append)

    def record(self, name: str) -> None:
        self.lead.pipeline.observe(THING, thing(name), ACTOR)
        self.lead.log.append(self.lead.pipeline.take_entries())

    def covered(self) -> int:
        newest = latest(self.sink)
        return 0 if newest is None else newest[0].size


def test_a_record_is_covered_at_the_start_and_then_after_so_long_at_most(tmp_path: Path) -> None:
    async def main() -> None:
        rig = Rig(tmp_path)
        assert rig.upkeep.due_s() == now_s()
        await rig.upkeep.checkpoint_due()
        assert (rig.covered(), rig.told) == (1, [1])
        assert rig.upkeep.due_s() is None
        await asyncio.sleep(20)
        rig.record("a")
        assert rig.upkeep.due_s() == 1_060
        await rig.upkeep.checkpoint_due()
        assert rig.covered() == 1
        await asyncio.sleep(40)
        await rig.upkeep.checkpoint_due()
        assert (rig.covered(), rig.told) == (3, [1, 3])

    run(main())


def test_the_end_of_a_term_is_covered_before_it_is_due(tmp_path: Path) -> None:
    async def main() -> None:
        rig = Rig(tmp_path)
        await rig.upkeep.checkpoint_due()
        rig.record("a")
        await rig.upkeep.finish()
        assert rig.covered() == 3
        await rig.upkeep.finish()
        assert rig.told == [1, 3]

    run(main())


def test_without_a_key_nothing_is_signed_and_nothing_is_due(tmp_path: Path) -> None:
    async def main() -> None:
        rig = Rig(tmp_path, signed=False)
        assert rig.upkeep.due_s() is None
        await rig.upkeep.finish()
        assert (rig.covered(), rig.told) == (0, [])

    run(main())


def test_while_the_sink_is_down_it_is_asked_again_less_and_less_often(tmp_path: Path) -> None:
    async def main() -> None:
        rig = Rig(tmp_path)
        rig.sink.refusals = 9
        waited = []
        with capture_logs() as logs:
            while not rig.covered():
                await rig.upkeep.checkpoint_due()
                due_s = rig.upkeep.due_s()
                if due_s is not None:
                    waited.append(due_s - now_s())
                    await asyncio.sleep(due_s - now_s())
        assert waited == [0.5, 1, 2, 4, 8, 16, 32, EVERY_S, EVERY_S]
        assert [each["event"] for each in logs] == ["no checkpoint was published"] * 4
        rig.record("a")
        rig.sink.refusals = 1
        await asyncio.sleep(EVERY_S)
        await rig.upkeep.checkpoint_due()
        assert rig.upkeep.due_s() == now_s() + 0.5

    run(main())


def test_another_checkpoint_of_the_same_size_stops_it(tmp_path: Path) -> None:
    async def main() -> None:
        rig = Rig(tmp_path)
        other = Checkpoint(rig.lead.pipeline.origin, 1, bytes(32))
        store(rig.sink, other, sign(rig.sink, other, rig.lead.keys))
        with pytest.raises(CheckpointRefused, match="another checkpoint of size 1 is stored"):
            await rig.upkeep.finish()

    run(main())


def test_a_snapshot_is_due_after_so_many_records_and_only_two_are_kept(tmp_path: Path) -> None:
    async def main() -> None:
        rig = Rig(tmp_path, signed=False, every=4)
        assert await rig.upkeep.snapshot_due() is None
        for name in "abcdefgh":
            rig.record(name)
            taken = await rig.upkeep.snapshot_due()
            if taken is not None:
                assert taken.size == rig.lead.log.size
                rig.lead.pipeline.record_snapshot(taken.size, taken.digest)
                rig.lead.log.append(rig.lead.pipeline.take_entries())
                await rig.upkeep.snapshot_recorded()
        assert len(rig.sink.list("snapshot")) == 2

    run(main())


def test_a_snapshot_that_can_not_be_stored_is_tried_again_when_the_next_one_is_due(
    tmp_path: Path,
) -> None:
    async def main() -> None:
        rig = Rig(tmp_path, signed=False, every=4)
        rig.record("a")
        rig.record("b")
        rig.sink.refusals = 1
        with capture_logs() as logs:
            assert await rig.upkeep.snapshot_due() is None
            assert await rig.upkeep.snapshot_due() is None
        assert [each["event"] for each in logs] == ["no snapshot was stored"]
        rig.record("c")
        rig.record("d")
        taken = await rig.upkeep.snapshot_due()
        assert taken is not None
        assert taken.size == rig.lead.log.size == 9

    run(main())
