"""An applier that is to stop finishes the write under way, and begins no other."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from rynxs.errors import SinkUnavailable
from rynxs.operator.applier import Applier
from rynxs.operator.cluster import ClusterError
from rynxs.operator.present import Present
from tests.unit.operator.fake_cluster import FakeCluster
from tests.unit.operator.rig import CONFIG, ORIGIN, Rig, asked, config, sets
from tests.unit.operator.virtual_time import now_s, run

if TYPE_CHECKING:
    from rynxs.operator.applier import Outcome

OTHER = "example.org/Thing/default/b"


def test_it_finishes_the_write_under_way_and_begins_no_other() -> None:
    async def scenario() -> None:
        rig = Rig(concurrency=1)
        pause = rig.cluster.pause("create", CONFIG)
        rig.want(asked(1, config(a="1"), config("c", a="1")))
        rig.want(asked(2, config("b", a="1"), subject=OTHER))
        rig.want(
            asked(3, subject="example.org/Thing/default/c")
        )  # for which there is nothing to do
        await pause.entered.wait()
        stopping = asyncio.create_task(rig.applier.stop())
        await asyncio.sleep(1)
        assert not stopping.done()
        pause.resume.set()
        await stopping
        rig.want(asked(4, config(a="4")))
        await rig.settle()
        assert rig.cluster.ids() == [CONFIG]
        assert rig.cluster.show(CONFIG)["data"] == {"a": "1"}
        assert rig.told == []
        assert rig.applier.busy == 0

    run(scenario())


def test_it_does_not_try_again_what_has_changed_under_it() -> None:
    async def scenario() -> None:
        rig = Rig()
        await rig.bring_about(asked(1, config(a="1")))
        rig.cluster.edit(CONFIG, sets(a="9"))
        pause = rig.cluster.pause("apply")
        rig.want(asked(2, config(a="2")))
        await pause.entered.wait()
        stopping = asyncio.create_task(rig.applier.stop())
        await asyncio.sleep(1)
        pause.resume.set()
        await stopping
        assert rig.written() == []
        assert rig.told == []

    run(scenario())


def test_it_gives_up_a_write_that_takes_too_long() -> None:
    async def scenario() -> None:
        rig = Rig()
        pause = rig.cluster.pause("create")
        rig.want(asked(1, config(a="1")))
        await pause.entered.wait()
        begun_s = now_s()
        await rig.applier.stop()
        assert now_s() - begun_s == 5
        assert rig.applier.busy == 0
        assert rig.cluster.ids() == []

    run(scenario())


def test_it_does_not_wait_for_what_is_to_be_tried_again() -> None:
    async def scenario() -> None:
        rig = Rig()
        rig.cluster.fail("create", ClusterError(403, "Forbidden", "no"), times=10)
        rig.want(asked(1, config(a="1")))
        await rig.pass_time(500)
        begun_s = now_s()
        await rig.applier.stop()
        assert now_s() == begun_s
        rig.cluster.asked.clear()
        await rig.pass_time(1000)
        assert rig.cluster.asked == []

    run(scenario())


def test_it_stops_by_itself_when_what_it_tells_is_not_taken() -> None:
    async def scenario() -> None:
        async def tell(outcome: Outcome) -> None:
            raise SinkUnavailable("no")

        cluster = FakeCluster()
        applier = Applier(cluster, Present(ORIGIN), lambda: None, tell, 1)
        applier.want(asked(1, config(a="1")), None)
        applier.want(asked(2, config("b", a="1"), subject=OTHER), None)
        with pytest.raises(SinkUnavailable):
            await applier.failed()
        await applier.stop()
        assert cluster.ids() == [CONFIG]

    run(scenario())
