from __future__ import annotations

import pytest

from rynxs.errors import UsageError
from rynxs.sources import format_time, parse_sources, parse_time, system_sources

YEAR_2026_US = 1_767_225_600_000_000


@pytest.mark.parametrize(
    ("text", "time_us"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("2026-01-01T00:00:00Z", YEAR_2026_US),
        ("2026-01-01t01:00:00+01:00", YEAR_2026_US),
        ("2026-01-01T00:00:00.000001Z", YEAR_2026_US + 1),
        ("2025-12-31T19:30:00.5-04:30", YEAR_2026_US + 500_000),
    ],
)
def test_rfc_3339_times_are_microseconds_since_1970(text: str, time_us: int) -> None:
    assert parse_time(text) == time_us


@pytest.mark.parametrize(
    "text",
    [
        "",
        "now",
        "2026-01-01",
        "2026-01-01T00:00:00",
        "2026-13-01T00:00:00Z",
        "2026-02-30T00:00:00Z",
        "1969-12-31T23:59:59Z",
        "2026-01-01T00:00:00.1234567Z",
        "2026-01-01T00:00:00Z ",
    ],
)
def test_other_times_are_refused(text: str) -> None:
    with pytest.raises(UsageError, match="time"):
        parse_time(text)


def test_times_are_shown_in_utc_and_sort_as_text() -> None:
    assert format_time(YEAR_2026_US + 7) == "2026-01-01T00:00:00.000007Z"
    assert parse_time(format_time(YEAR_2026_US + 7)) == YEAR_2026_US + 7
    assert format_time(2**63 - 1) == f"{2**63 - 1}us"


def test_fixed_sources_give_the_same_in_every_run() -> None:
    first, second = (parse_sources("fixed:2026-01-01T00:00:00Z") for _ in range(2))
    assert first.clock.now_us() == second.clock.now_us() == YEAR_2026_US
    assert first.identity == second.identity == "fixed"
    tokens = [first.entropy.token(40), first.entropy.token(40)]
    assert tokens == [second.entropy.token(40), second.entropy.token(40)]
    assert tokens[0] != tokens[1]
    assert len(tokens[0]) == 40


def test_system_sources_are_the_machines() -> None:
    sources = system_sources()
    assert sources.clock.now_us() > YEAR_2026_US - 10 * 365 * 86_400 * 1_000_000
    assert sources.entropy.token(16) != sources.entropy.token(16)
    assert "@" in sources.identity


@pytest.mark.parametrize("text", ["", "fixed", "fixed:", "utc", "FIXED:2026-01-01T00:00:00Z"])
def test_other_clocks_are_refused(text: str) -> None:
    with pytest.raises(UsageError):
        parse_sources(text)
