"""Quantities of Kubernetes as text and as numbers."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from rynxs.fields import ByteQuantity, Quantity, amount_of

FACTORS = {
    "": Fraction(1),
    "m": Fraction(1, 1000),
    **{suffix: Fraction(10 ** (3 * power)) for power, suffix in enumerate("kMGTPE", 1)},
    **{f"{suffix}i": Fraction(2 ** (10 * power)) for power, suffix in enumerate("KMGTPE", 1)},
}
GREATEST = Fraction(2**63)  # no quantity of Kubernetes is greater
QUANTITY: TypeAdapter[str] = TypeAdapter(Quantity)
BYTES: TypeAdapter[str] = TypeAdapter(ByteQuantity)


def is_valid(adapter: TypeAdapter[str], value: object) -> bool:
    try:
        adapter.validate_python(value)
    except ValidationError:
        return False
    return True


@given(st.data(), st.sampled_from(sorted(FACTORS)), st.integers(0, 999))
def test_a_quantity_is_its_number_times_its_suffix(
    data: st.DataObject, suffix: str, thousandths: int
) -> None:
    whole = data.draw(st.integers(0, int(GREATEST / FACTORS[suffix]) - 1))
    text = QUANTITY.validate_python(f"{whole}.{thousandths:03}{suffix}")
    assert Fraction(amount_of(text)) == (whole + Fraction(thousandths, 1000)) * FACTORS[suffix]


@given(st.integers(0, 10**18))
def test_an_integer_is_taken_as_its_text(number: int) -> None:
    assert QUANTITY.validate_python(number) == str(number)


@pytest.mark.parametrize(
    ("value", "valid"),
    [
        ("0", True),
        ("500m", True),
        ("1.5Gi", True),
        ("1Ei", True),
        (2, True),
        ("", False),
        ("Gi", False),
        ("1gb", False),
        ("1ki", False),
        ("1K", False),
        ("-1", False),
        ("+1", False),
        ("1e3", False),
        (".5", False),
        ("1.", False),
        ("1 Gi", False),
        ("1Gi\n", False),
        ("\u0661Gi", False),
        ("1" * 31, False),
        (-1, False),
        (0.5, False),
        (True, False),
        (None, False),
    ],
)
def test_what_is_no_quantity_is_refused(value: object, valid: bool) -> None:
    assert is_valid(QUANTITY, value) is valid


@pytest.mark.parametrize(
    ("value", "valid"),
    [
        ("1", True),
        ("1Gi", True),
        ("0.5Ki", True),
        ("1000m", True),
        (1024, True),
        ("0", False),
        ("0Gi", False),
        ("100m", False),
        ("0.3Ki", False),
    ],
)
def test_a_size_is_a_whole_number_of_bytes_above_zero(value: object, valid: bool) -> None:
    assert is_valid(BYTES, value) is valid
