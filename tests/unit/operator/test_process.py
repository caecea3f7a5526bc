"""A replica of the operator: it stands by, leads, says how it is, and ends."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from rynxs.errors import SinkConflict, SinkUnavailable, UsageError
from rynxs.eventlog.record import decode_header
from rynxs.operator.cluster import ClusterError
from rynxs.operator.elector import LeaseLost
from rynxs.operator.following import stored_kind, watched_members
from tests.unit.engine.conftest import THING
from tests.unit.engine.test_governing import timed
from tests.unit.operator.operated import CONFIG, THING_ID, Operated
from tests.unit.operator.virtual_time import now_s, run

if TYPE_CHECKING:
    from rynxs.operator.process import Process
    from tests.unit.engine.conftest import Kit

ELECTION: dict[str, Any] = {"leaderElection": {"enabled": True}}
LEASE = "coordination.k8s.io/v1/Lease/default/rynxs"
FORBIDDEN = ClusterError(403, "Forbidden", "may not")


def kinds(place: Operated) -> list[str]:
    return [decode_header(record.header).kind for record in place.log.store.records]


def metric(process: Process, line: str) -> bool:
    return f"\n{line}\n" in process._metrics.text()[0].decode()


def test_it_records_and_applies_what_there_is_and_writes_its_status() -> None:
    async def main() -> None:
        place = Operated()
        place.make(size=3)
        async with place.replica() as replica:
            await asyncio.sleep(30)
            assert place.cluster.show(CONFIG)["data"]["size"] == "3"
            (condition,) = place.cluster.show(THING_ID)["status"]["conditions"]
            assert (condition["type"], condition["status"]) == ("Applied", "True")
            assert set(replica.checks().values()) == {""}
            assert set(replica.checks()) == {"lease", "log", "objects", "queue", "watches"}
            place.cluster.remove(THING_ID)
            await asyncio.sleep(30)
            assert place.cluster.ids() == []
            await replica.stop()
        assert place.log.open == 0
        assert kinds(place) == [
            *("EpochStarted", "ThingObserved", "Planned", "Applied"),
            *("ThingDeleted", "Planned", "Applied"),
        ]

    run(main())


@pytest.mark.parametrize(("linger_s", "appends"), [(0.05, 2), (0.5, 1)])
def test_as_long_as_the_sink_lets_a_batch_linger_what_comes_shares_an_append(
    linger_s: float, appends: int
) -> None:
    async def main() -> None:
        place = Operated()
        place.log.linger_s = linger_s
        async with place.replica(plan_only=True):
            await asyncio.sleep(30)
            before = place.log.store.appends
            place.make("a")
            await asyncio.sleep(0.3)
            place.make("b")
            await asyncio.sleep(30)
            assert place.log.store.appends - before == appends
        assert kinds(place).count("ThingObserved") == 2

    run(main())


def test_one_that_stops_gives_the_lease_back_and_the_next_one_leads_at_once() -> None:
    async def main() -> None:
        place = Operated(**ELECTION)
        async with place.replica("one") as one, place.replica("two") as two:
            await asyncio.sleep(5)
            assert (one.is_leading(), two.is_leading()) == (True, False)
            assert set(two.checks()) == {"lease", "log", "watches"}
            assert set(two.checks().values()) == {""}
            details = {each.name: each.detail for each in two.process._readiness.checks()}
            assert details["lease"] == "held by one"
            await asyncio.sleep(5)  # it looks at the log every 5 s
            assert (
                "1 records verified"
                in {e.name: e.detail for e in two.process._readiness.checks()}["log"]
            )
            await one.stop()
            await asyncio.sleep(2.1)
            assert two.is_leading()
            assert metric(two.process, "rynxs_leader 1.0")
            assert metric(one.process, "rynxs_leader 0.0")
            for each in one, two:
                assert metric(each.process, 'rynxs_events_total{kind="EpochStarted"} 1.0')
            await two.stop()
        assert kinds(place) == ["EpochStarted", "EpochStarted"]

    run(main())


def test_one_that_dies_is_followed_once_its_lease_has_run_out() -> None:
    async def main() -> None:
        place = Operated(**ELECTION)
        place.make()
        async with place.replica("one") as one, place.replica("two") as two:
            await asyncio.sleep(10)
            pause = place.cluster.pause("apply")
            place.cluster.edit(THING_ID, lambda body: _resize(body, 7))
            await pause.entered.wait()
            await one.kill()
            await asyncio.sleep(12)
            assert not two.is_leading()
            await asyncio.sleep(20)
            assert two.is_leading()
        assert place.cluster.show(CONFIG)["data"]["size"] == "7"

    run(main())


def _resize(body: dict[str, Any], size: int) -> None:
    body["spec"]["size"] = size
    body["metadata"]["generation"] += 1


def test_one_that_can_not_renew_the_lease_stops_before_anybody_else_leads() -> None:
    async def main() -> None:
        place = Operated(**ELECTION)
        async with place.replica("one") as one:
            await asyncio.sleep(5)
            since_s = now_s()
            place.cluster.fail("get_object", FORBIDDEN, identifier=LEASE, times=100)
            await asyncio.wait([one.task])
            assert 8 <= now_s() - since_s < 15
            assert isinstance(one.task.exception(), LeaseLost)
        assert place.log.open == 0

    run(main())


def test_one_that_meets_another_writer_stops_and_counts_it() -> None:
    async def main() -> None:
        place = Operated()
        async with place.replica() as replica:
            await asyncio.sleep(5)
            place.log.error = SinkConflict("another writer")
            place.make()
            await asyncio.wait([replica.task])
            assert replica.task.exception() is place.log.error
            assert metric(replica.process, 'rynxs_fenced_writes_total{by="log"} 1.0')
        assert CONFIG not in place.cluster.ids()

    run(main())


def test_a_log_that_is_down_is_told_until_it_is_back() -> None:
    async def main() -> None:
        place = Operated()
        async with place.replica() as replica:
            await asyncio.sleep(5)
            place.log.error = SinkUnavailable("the disk is full")
            place.make()
            place.make("b")
            await asyncio.sleep(40)
            place.make("c")
            await asyncio.sleep(35)
            checks = replica.checks()
            assert checks["log"].startswith("not available: the disk is full, for 7")
            assert checks["queue"].startswith("the oldest has waited 35 s")
            assert CONFIG not in place.cluster.ids()
            place.log.error = None
            await asyncio.sleep(30)
            assert set(replica.checks().values()) == {""}
            assert CONFIG in place.cluster.ids()

    run(main())


def test_a_kind_that_may_not_be_watched_is_told_by_name() -> None:
    async def main() -> None:
        place = Operated()
        place.cluster.fail("list", FORBIDDEN, identifier="v1/ConfigMap", times=3)
        async with place.replica() as replica:
            await asyncio.sleep(0.4)
            assert "v1/ConfigMap: 403 Forbidden" in replica.checks()["watches"]
            assert not replica.is_leading()
            assert metric(replica.process, 'rynxs_watch_up{kind="v1/ConfigMap"} 0.0')
            await asyncio.sleep(30)
            assert replica.checks()["watches"] == ""
            assert replica.is_leading()

    run(main())


def test_of_a_rendered_kind_that_is_not_served_there_is_nothing_and_that_is_well() -> None:
    async def main() -> None:
        place = Operated()
        unknown = ClusterError(404, "NotFound", "no such kind")
        place.cluster.fail("list", unknown, identifier="v1/ConfigMap", times=1_000)
        async with place.replica() as replica:
            await asyncio.sleep(60)
            assert replica.is_leading()
            assert replica.checks()["watches"] == ""
            assert metric(replica.process, 'rynxs_watch_up{kind="v1/ConfigMap"} 1.0')

    run(main())


def test_plans_are_only_shown_when_that_is_asked_for() -> None:
    async def main() -> None:
        place = Operated(**ELECTION)
        place.make()
        async with place.replica(plan_only=True) as replica:
            await asyncio.sleep(60)
            await replica.stop()
        assert place.shown == [f"would create {CONFIG}  (plan 2 of example.org/Thing/default/a)"]
        assert {each.id for each in place.cluster.writes} == {LEASE}
        assert kinds(place) == ["EpochStarted", "ThingObserved", "Planned"]

    run(main())


def test_one_that_stops_while_the_disk_is_full_says_so_and_gives_the_lease_back() -> None:
    async def main() -> None:
        place = Operated(**ELECTION)
        async with place.replica("one") as one:
            await asyncio.sleep(5)
            place.log.error = SinkUnavailable("the disk is full")
            place.make()
            await asyncio.sleep(5)
            with pytest.raises(SinkUnavailable):
                await one.stop()
            place.log.error = None
        assert place.cluster.show(LEASE)["spec"]["holderIdentity"] == ""

    run(main())


def test_a_log_that_has_lost_records_is_not_led_and_the_lease_is_given_back() -> None:
    async def main() -> None:
        place = Operated(**ELECTION)
        place.make()
        async with place.replica("one") as one:
            await asyncio.sleep(30)
            await one.stop()
        del place.log.store.records[1:]
        async with place.replica("two") as two:
            await asyncio.wait([two.task])
            assert isinstance(two.task.exception(), UsageError)
            assert place.cluster.show(LEASE)["spec"]["holderIdentity"] == ""
        async with place.replica("three", accept_loss="a backup of Tuesday") as three:
            await asyncio.sleep(30)
            assert three.is_leading()
        assert place.log.open == 0

    run(main())


def test_one_that_is_stopped_while_it_stands_by_ends_and_has_written_nothing() -> None:
    async def main() -> None:
        place = Operated(**ELECTION)
        async with place.replica("one"), place.replica("two") as two:
            await asyncio.sleep(10)
            await two.stop()
            assert place.cluster.show(LEASE)["spec"]["holderIdentity"] == "one"
        assert kinds(place) == ["EpochStarted"]

    run(main())


def test_objects_are_followed_in_the_version_in_which_they_are_stored(kit: Kit) -> None:
    assert stored_kind(THING) == "example.org/v1/Thing"
    assert watched_members(timed(kit)) == {"v1/ConfigMap": {"phase"}}
