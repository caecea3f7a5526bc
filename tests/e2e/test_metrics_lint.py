"""Prometheus' own tool finds no fault with the metrics, or with what the documentation asks."""

from __future__ import annotations

import json
import re
import subprocess
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from tests.servers.failing import told_plainly
from tests.servers.process import TOOLS, require
from tests.unit.operator.measured import measured

if TYPE_CHECKING:
    from pathlib import Path

LIMIT_S = 60


class Said(NamedTuple):
    status: int
    out: str
    err: str


@pytest.fixture(scope="module")
def document(repository: Path) -> str:
    return (repository / "docs/OBSERVABILITY.md").read_text()


def promtool(*arguments: str, given: bytes) -> Said:
    """Run the tool with something on its standard input."""
    with told_plainly():
        require(TOOLS / "promtool")
    done = subprocess.run(
        [TOOLS / "promtool", *arguments],
        input=given,
        capture_output=True,
        timeout=LIMIT_S,
        check=False,
    )
    return Said(done.returncode, done.stdout.decode(), done.stderr.decode())


def checked(rules: dict[str, Any]) -> Said:
    return promtool(
        "check", "rules", "--lint=all", "--lint-fatal", given=json.dumps(rules).encode()
    )


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
