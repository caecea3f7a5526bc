"""Lengths of time as text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from rynxs.fields import Duration, seconds_of

DURATION: TypeAdapter[str] = TypeAdapter(Duration)
YEAR_S = 366 * 86_400


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1s", 1),
        ("90s", 90),
        ("30m", 1_800),
        ("1h30m", 5_400),
        ("1d2h3m4s", 93_784),
        ("007s", 7),
        ("0h1s", 1),
        ("366d", YEAR_S),
    ],
)
def test_a_duration_is_the_sum_of_its_parts(text: str, seconds: int) -> None:
    assert seconds_of(DURATION.validate_python(text)) == seconds


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1",
        "s",
        "0s",
        "0d0h",
        "-1s",
        "1.5h",
        "1 h",
        "30m1h",
        "1h1h",
        "1w",
        "1H",
        "1s\n",
        "\u0661s",
    ],
)
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValidationError):
        DURATION.validate_python(text)


@pytest.mark.parametrize("text", ["366d1s", "9999d", "9999999s9999999s", f"{YEAR_S + 1}s"])
def test_longer_than_a_year_is_refused(text: str) -> None:
    with pytest.raises(ValidationError):
        DURATION.validate_python(text)


@given(st.integers(0, 9_999), st.integers(0, 9_999), st.integers(0, 99_999), st.integers(0, 10**7))
def test_exactly_what_lasts_from_a_second_to_a_year_is_taken(
    days: int, hours: int, minutes: int, seconds: int
) -> None:
    text = f"{days}d{hours}h{minutes}m{seconds}s"
    whole = days * 86_400 + hours * 3_600 + minutes * 60 + seconds
    if seconds < 10**7 and 0 < whole <= YEAR_S:
        assert seconds_of(DURATION.validate_python(text)) == whole
        return
    with pytest.raises(ValidationError):
        DURATION.validate_python(text)
