"""The inbox hands over what has come in order and in batches, and holds up who brings too much."""

from __future__ import annotations

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from rynxs.operator.inbox import Inbox, Patience
from tests.unit.operator.virtual_time import now_s, run


def make(most: int = 100, batch: int = 10, linger_s: float = 0.0) -> Inbox[int]:
    return Inbox(most, batch, Patience(linger_s, linger_s, linger_s), now_s)


async def bring(inbox: Inbox[int], *items: int) -> None:
    for item in items:
        await inbox.put(item)


def test_what_has_come_is_taken_in_order_and_in_batches() -> None:
    async def scenario() -> None:
        inbox = make(batch=3)
        await bring(inbox, *range(7))
        assert len(inbox) == 7
        assert [await inbox.take(None) for _ in range(3)] == [[0, 1, 2], [3, 4, 5], [6]]
        assert len(inbox) == 0

    run(scenario())


def test_there_is_an_empty_batch_if_nothing_comes_in_time() -> None:
    async def scenario() -> None:
        inbox = make()
        assert await inbox.take(now_s() + 5) == []
        assert now_s() == 1005
        assert await inbox.take(now_s() - 5) == []
        assert now_s() == 1005

    run(scenario())


def test_what_is_there_is_taken_though_the_time_is_over() -> None:
    async def scenario() -> None:
        inbox = make()
        await inbox.put(1)
        assert await inbox.take(now_s() - 5) == [1]

    run(scenario())


def test_whoever_waits_without_a_limit_gets_what_comes_at_last() -> None:
    async def scenario() -> None:
        inbox = make()
        taking = asyncio.create_task(inbox.take(None))
        await asyncio.sleep(1000)
        await inbox.put(1)
        assert await taking == [1]

    run(scenario())


def test_a_batch_is_waited_for_so_long_but_no_longer_than_until_it_is_full() -> None:
    async def scenario() -> None:
        inbox = make(batch=3, linger_s=2.0)
        taking = asyncio.create_task(inbox.take(None))
        await asyncio.sleep(10)
        await inbox.put(1)
        await asyncio.sleep(1)
        await inbox.put(2)
        assert await taking == [1, 2]
        assert now_s() == 1012
        taking = asyncio.create_task(inbox.take(None))
        await bring(inbox, 1, 2, 3)
        assert await taking == [1, 2, 3]
        assert now_s() == 1012

    run(scenario())


def test_a_batch_that_is_larger_than_the_inbox_is_full_when_the_inbox_is() -> None:
    async def scenario() -> None:
        inbox = make(most=2, batch=10, linger_s=100.0)
        bringing = asyncio.create_task(bring(inbox, 1, 2, 3))
        assert await inbox.take(None) == [1, 2]
        assert now_s() == 1000
        await bringing

    run(scenario())


def test_whoever_brings_something_waits_while_the_inbox_is_full() -> None:
    async def scenario() -> None:
        inbox = make(most=2, batch=1)
        bringing = asyncio.create_task(bring(inbox, 1, 2, 3, 4))
        await asyncio.sleep(10)
        assert len(inbox) == 2
        assert not bringing.done()
        assert [await inbox.take(None) for _ in range(4)] == [[1], [2], [3], [4]]
        await bringing

    run(scenario())


def test_nothing_is_lost_when_whoever_takes_or_brings_is_cancelled() -> None:
    async def scenario() -> None:
        inbox = make(most=1)
        taking = asyncio.create_task(inbox.take(None))
        await asyncio.sleep(1)
        taking.cancel()
        await inbox.put(1)
        bringing = asyncio.create_task(inbox.put(2))
        await asyncio.sleep(1)
        bringing.cancel()
        await asyncio.wait([taking, bringing])
        assert await inbox.take(None) == [1]
        await inbox.put(3)
        assert await inbox.take(None) == [3]

    run(scenario())


def test_whoever_is_cancelled_just_when_something_comes_ends() -> None:
    async def scenario() -> None:
        inbox = make()
        for until_s in (None, now_s() + 1_000):
            taking = asyncio.create_task(inbox.take(until_s))
            await asyncio.sleep(1)
            await inbox.put(1)
            for _ in range(3):  # as far as it has been woken by then
                taking.cancel()
                await asyncio.sleep(0)
            await asyncio.wait([taking])
            assert taking.cancelled()
            assert await inbox.take(None) == [1]

    run(scenario())


@given(
    st.lists(st.lists(st.integers(0, 3), max_size=6), min_size=1, max_size=4),
    st.integers(1, 4),
    st.integers(1, 4),
    st.sampled_from([0.0, 1.5]),
)
def test_all_arrives_once_and_in_the_order_of_each_who_brings(
    pauses: list[list[int]], most: int, batch: int, linger_s: float
) -> None:
    async def scenario() -> None:
        inbox: Inbox[tuple[int, int]] = Inbox(
            most, batch, Patience(linger_s, linger_s, linger_s), now_s
        )

        async def producer(who: int) -> None:
            for number, pause in enumerate(pauses[who]):
                await asyncio.sleep(pause)
                await inbox.put((who, number))

        tasks = [asyncio.create_task(producer(who)) for who in range(len(pauses))]
        taken: list[tuple[int, int]] = []
        while len(taken) < sum(map(len, pauses)):
            some = await inbox.take(None)
            assert 0 < len(some) <= batch
            taken += some
        await asyncio.gather(*tasks)
        for who, own in enumerate(pauses):
            assert [number for each, number in taken if each == who] == list(range(len(own)))

    run(scenario())


def test_whoever_waits_to_bring_something_is_not_overtaken() -> None:
    async def scenario() -> None:
        inbox = make(most=1)
        await inbox.put(1)
        waiting = asyncio.create_task(inbox.put(2))
        await asyncio.sleep(1)
        late = asyncio.create_task(inbox.put(3))  # it is to begin when there is room
        assert await inbox.take(None) == [1]
        assert [await inbox.take(None) for _ in range(2)] == [[2], [3]]
        await asyncio.gather(waiting, late)

    run(scenario())


def test_a_closed_inbox_is_emptied_at_once_and_then_it_is_done() -> None:
    async def scenario() -> None:
        inbox = make(batch=2)
        await bring(inbox, 1, 2, 3)
        assert await inbox.take(None) == [1, 2]
        await inbox.close()
        assert not inbox.is_done
        assert await inbox.take(None) == [3]
        assert inbox.is_done
        assert await inbox.take(None) == []
        assert now_s() == 1000

    run(scenario())


def test_whoever_waits_for_something_learns_that_nothing_more_comes() -> None:
    async def scenario() -> None:
        inbox = make()
        taking = asyncio.create_task(inbox.take(None))
        await asyncio.sleep(7)
        await inbox.close()
        assert await taking == []
        assert now_s() == 1007

    run(scenario())


def test_it_tells_for_how_long_the_oldest_has_waited() -> None:
    async def scenario() -> None:
        inbox = make(batch=1)
        assert inbox.waited_s() == 0
        await inbox.put(1)
        await asyncio.sleep(5)
        await inbox.put(2)
        await asyncio.sleep(1)
        assert inbox.waited_s() == 6
        await inbox.take(None)
        assert inbox.waited_s() == 1

    run(scenario())
