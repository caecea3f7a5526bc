"""What the chart renders is what is written down."""

from __future__ import annotations

import pytest

from tests.golden.chart import CASES, GOLDEN, rendered


@pytest.mark.parametrize("case", CASES)
def test_values_render_their_golden_manifests(case: str) -> None:
    golden = (GOLDEN / f"{case}.yaml").read_text()
    assert rendered(case) == golden, "if it is meant to, run: python -m tests.golden.chart"


def test_each_golden_file_is_of_a_case() -> None:
    assert {file.stem for file in GOLDEN.iterdir()} == {*CASES}
