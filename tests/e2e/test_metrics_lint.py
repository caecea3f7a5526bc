"""Prometheus' own tool finds no fault with the metrics, or with what the documentation asks."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.servers.promtool import checked, promtool
from tests.unit.operator.measured import measured

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def document(repository: Path) -> str:
    return (repository / "docs/OBSERVABILITY.md").read_text()


def test_all_metrics_pass_the_linter_without_a_word() -> None:
    text, _ = measured().text()
    assert promtool("check", "metrics", given=text) == (0, "", "")


def test_the_linter_has_something_to_say_about_a_counter_that_is_not_named_as_one() -> None:
    text, _ = measured().text()
    said = promtool("check", "metrics", given=text.replace(b"rynxs_drifts_total", b"rynxs_drifts"))
    assert said.status != 0
    assert "rynxs_drifts" in said.err


def test_the_documented_queries_are_queries(document: str) -> None:
    (block,) = re.findall(r"^```promql\n(.*?)^```", document, re.MULTILINE | re.DOTALL)
    lines = block.splitlines()
    queries = [line for line in lines if not line.startswith("#")]
    rules = [{"record": f"job:q{number}", "expr": query} for number, query in enumerate(queries)]
    said = checked({"groups": [{"name": "queries", "rules": rules}]})
    assert (said.status, said.err) == (0, "")
    assert f"SUCCESS: {len(queries)} rules found" in said.out


def test_a_query_that_is_none_is_found() -> None:
    rules = [{"record": "job:q", "expr": "sum by (job) (rate(rynxs_plans_total))"}]
    assert checked({"groups": [{"name": "queries", "rules": rules}]}).status != 0
