"""Tests of waits take no time, and what would wait for ever fails."""

from __future__ import annotations

import asyncio

import pytest

from tests.unit.operator.virtual_time import now_s, run


def test_time_passes_when_all_wait_and_only_then() -> None:
    async def scenario() -> tuple[float, float, float]:
        async def wait(seconds: float) -> float:
            await asyncio.sleep(seconds)
            return now_s()

        one, two, three = await asyncio.gather(wait(86_400), wait(0), wait(2.5))
        return one, two, three

    assert run(scenario()) == (87_400, 1_000, 1_002.5)


def test_what_waits_for_a_thread_is_done_at_once() -> None:
    async def scenario() -> float:
        assert await asyncio.to_thread(sum, [1, 2]) == 3
        with pytest.raises(ZeroDivisionError):
            await asyncio.to_thread(divmod, 1, 0)
        return now_s()

    assert run(scenario()) == 1_000


def test_what_would_wait_for_ever_fails() -> None:
    async def scenario() -> None:
        await asyncio.Event().wait()

    with pytest.raises(AssertionError, match="nothing will ever happen"):
        run(scenario())
