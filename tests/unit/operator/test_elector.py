"""The elector: one Lease, two candidates, and an API server that is not always there."""

from __future__ import annotations

import asyncio

import pytest

from rynxs.operator.cluster import ClusterError, Place
from rynxs.operator.election import Election, Terms
from rynxs.operator.elector import LEASE_KIND, Alone, Elector, LeaseLost
from tests.unit.operator.fake_cluster import FakeCluster
from tests.unit.operator.virtual_time import now_s, run

TERMS = Terms(15, 10, 2)
LEASE = Place(LEASE_KIND, "rynxs", "rynxs")
DOWN = ClusterError(0, "", "no answer")


class VirtualClock:
    def now_us(self) -> int:
        return round(now_s() * 1_000_000)


def candidate(cluster: FakeCluster, name: str) -> Elector:
    return Elector(cluster, LEASE, Election(name, TERMS), TERMS, VirtualClock(), now_s)


def may_lead(elector: Elector) -> bool:
    try:
        elector.may_lead()
    except LeaseLost:
        return False
    return True


def holder(cluster: FakeCluster) -> str:
    spec = cluster.show(LEASE.id)["spec"]
    return str(spec["holderIdentity"])


def test_the_first_makes_the_lease_and_leads_and_the_second_waits() -> None:
    async def main() -> None:
        cluster = FakeCluster()
        one, two = candidate(cluster, "one"), candidate(cluster, "two")
        assert not may_lead(one)
        await one.acquired()
        assert (holder(cluster), may_lead(one)) == ("one", True)
        assert not await two.renew()
        assert not may_lead(two)

    run(main())


def test_a_leader_that_goes_away_is_followed_after_the_lease_has_run_out() -> None:
    async def main() -> None:
        cluster = FakeCluster()
        one, two = candidate(cluster, "one"), candidate(cluster, "two")
        await one.acquired()
        started = now_s()
        await two.acquired()
        assert TERMS.lease_s <= now_s() - started <= TERMS.lease_s + TERMS.retry_s
        assert (may_lead(one), may_lead(two), two.transitions) == (False, True, 1)

    run(main())


def test_a_leader_that_can_not_renew_stops_before_anybody_follows() -> None:
    async def main() -> None:
        cluster = FakeCluster()
        one, two = candidate(cluster, "one"), candidate(cluster, "two")
        await one.acquired()
        started = now_s()
        cluster.fail("get_object", DOWN, times=6)
        with pytest.raises(LeaseLost):
            await one.lost()
        assert TERMS.renew_s <= now_s() - started < TERMS.lease_s
        assert one.failure == str(DOWN)
        assert not may_lead(two)

    run(main())


def test_a_lease_that_is_kept_is_kept() -> None:
    async def main() -> None:
        cluster = FakeCluster()
        one, two = candidate(cluster, "one"), candidate(cluster, "two")
        await one.acquired()
        keeping = asyncio.create_task(one.lost())
        for _ in range(100):
            await asyncio.sleep(1)
            assert may_lead(one)
            assert not await two.renew()
        keeping.cancel()
        assert two.transitions == 0

    run(main())


def test_a_lease_that_is_given_back_is_taken_at_once() -> None:
    async def main() -> None:
        cluster = FakeCluster()
        one, two = candidate(cluster, "one"), candidate(cluster, "two")
        await one.acquired()
        await one.release()
        assert not may_lead(one)
        started = now_s()
        await two.acquired()
        assert now_s() - started < TERMS.retry_s

    run(main())


def test_who_is_cancelled_just_when_the_lease_is_given_back_does_not_take_it() -> None:
    async def main() -> None:
        cluster = FakeCluster()
        one, two = candidate(cluster, "one"), candidate(cluster, "two")
        await one.acquired()
        waiting = asyncio.create_task(two.acquired())
        await asyncio.sleep(1)
        two.heard({"metadata": {"name": "rynxs"}, "spec": {"holderIdentity": ""}})
        await asyncio.sleep(0)  # what it waits for has come, and it does not know yet
        waiting.cancel()
        await asyncio.wait([waiting], timeout=100)
        assert waiting.cancelled()
        assert holder(cluster) == "one"

    run(main())


def test_of_two_who_write_at_once_one_leads() -> None:
    async def main() -> None:
        cluster = FakeCluster()
        electors = [candidate(cluster, name) for name in ("one", "two", "three")]
        cluster.latency_s = 0.5
        outcome = await asyncio.gather(*(each.renew() for each in electors))
        assert sorted(outcome) == [False, False, True]
        assert [may_lead(each) for each in electors] == outcome

    run(main())


def test_a_renewal_whose_answer_is_lost_is_made_good_by_the_next() -> None:
    async def main() -> None:
        cluster = FakeCluster()
        one = candidate(cluster, "one")
        await one.acquired()
        cluster.fail("replace", DOWN, persisted=True)
        assert not await one.renew()
        assert await one.renew()
        assert may_lead(one)

    run(main())


def test_who_may_not_release_says_so_and_goes_on() -> None:
    async def main() -> None:
        cluster = FakeCluster()
        one = candidate(cluster, "one")
        await one.acquired()
        cluster.fail("get_object", ClusterError(403, "Forbidden", "may not"))
        await one.release()
        assert holder(cluster) == "one"

    run(main())


def test_a_lease_that_takes_long_to_read_is_not_older_for_that() -> None:
    async def main() -> None:
        cluster = FakeCluster()
        one, two = candidate(cluster, "one"), candidate(cluster, "two")
        await one.acquired()
        pause = cluster.pause("get_object")
        reading = asyncio.create_task(two.renew())
        await pause.entered.wait()
        await asyncio.sleep(9)
        await one.renew()
        pause.resume.set()
        assert not await reading
        await asyncio.sleep(8)
        assert not await two.renew()

    run(main())


def test_who_leads_is_known_to_whoever_has_read_the_lease() -> None:
    async def main() -> None:
        cluster = FakeCluster()
        one, two = candidate(cluster, "one"), candidate(cluster, "two")
        assert one.holder == ""
        await one.acquired()
        await two.renew()
        assert two.holder == "one"
        await one.renew()
        assert one.holder == "one"
        await one.release()
        await two.renew()
        await one.renew()
        assert one.holder == "two"

    run(main())


def test_alone_one_leads_at_once_and_for_good() -> None:
    async def main() -> None:
        alone = Alone()
        await alone.acquired()
        alone.may_lead()
        keeping = asyncio.create_task(alone.lost())
        await asyncio.sleep(1_000_000)
        assert not keeping.done()
        keeping.cancel()
        await alone.release()
        alone.may_lead()
        assert (alone.transitions, alone.failure) == (0, "")
        assert "no election" in alone.holder

    run(main())
