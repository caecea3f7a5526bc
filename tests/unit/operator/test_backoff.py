from __future__ import annotations

from rynxs.operator.backoff import delay_s, is_told


def test_each_wait_is_twice_the_one_before_up_to_five_minutes() -> None:
    waits = [delay_s(attempt) for attempt in range(1, 13)]
    assert waits == [0.5, 1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]
    assert delay_s(10**9) == 300


def test_a_failure_that_repeats_is_told_at_powers_of_two() -> None:
    assert [attempt for attempt in range(1, 1000) if is_told(attempt)] == [
        2**power for power in range(10)
    ]
