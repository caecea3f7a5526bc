"""The dashboard's queries, asked by Prometheus' own tool of what a leader and a standby export."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from rynxs.operator.metrics import Metrics
from tests.cluster.helm import CHART, template, the
from tests.servers.promtool import checked, promtool
from tests.unit.operator.measured import AGENTS, measured

if TYPE_CHECKING:
    from pathlib import Path

DASHBOARD = json.loads((CHART / "files/dashboard.json").read_text())
FILLED = {"$namespace": ".*", "$job": ".*", "$__rate_interval": "5m"}


def panels() -> list[tuple[str, str, list[str]]]:
    """Return the title, the query, its variables filled in, and the legend's labels of each."""
    found = []
    for panel in DASHBOARD["panels"]:
        for target in panel["targets"]:
            query = target["expr"]
            for variable, value in FILLED.items():
                query = query.replace(variable, value)
            assert "$" not in query
            labels = re.findall(r"{{(\w+)}}", target["legendFormat"])
            found.append((panel["title"], query, labels))
    return found


def standing_by() -> Metrics:
    metrics = Metrics(["Agent"], [AGENTS])
    metrics.followed(40)
    return metrics


def series(metrics: Metrics, pod: str) -> list[dict[str, str]]:
    """Return what ten minutes of scraping have of a process; counters go on counting."""
    text = metrics.text()[0].decode()
    counters = set(re.findall(r"^# TYPE (\S+) (?:counter|histogram)$", text, re.MULTILINE))
    found = []
    for name, labels, value in re.findall(r"^(rynxs_\w+)(?:{(.*)})? (\S+)$", text, re.MULTILINE):
        target = f'namespace="ops",job="rynxs",pod="{pod}"'
        rises = re.sub(r"_(bucket|count|sum)$", "", name) in counters
        found.append(
            {
                "series": f"{name}{{{labels and labels + ','}{target}}}",
                "values": f"{value}{'+1' if rises else '+0'}x20",
            }
        )
    return found


def expected(query: str, label: str = "") -> dict[str, Any]:
    """Return the test that a query finds numbers, and if a label is named that all bear it."""
    numbers = f"({query}) >= -Inf"
    marked = f'label_replace({numbers}, "is", "there", "{label}", ".+")' if label else numbers
    by = "by (is) " if label else ""
    return {
        "expr": f"clamp_max(count {by}({marked}), 1)",
        "eval_time": "10m",
        "exp_samples": [{"labels": '{is="there"}' if label else "{}", "value": 1}],
    }


def test_the_dashboard_that_is_installed_is_the_one_of_the_file() -> None:
    manifests = template("--set=metrics.dashboard.enabled=true")
    held = the(manifests, "ConfigMap", "rynxs-dashboard")["data"]
    assert {name: json.loads(text) for name, text in held.items()} == {"rynxs.json": DASHBOARD}


def test_each_query_is_one_that_prometheus_takes() -> None:
    asked = [query for _, query, _ in panels()]
    rules = [{"record": f"job:q{number}", "expr": query} for number, query in enumerate(asked)]
    said = checked({"groups": [{"name": "dashboard", "rules": rules}]})
    assert (said.status, said.err) == (0, "")
    assert f"SUCCESS: {len(asked)} rules found" in said.out


def test_each_query_finds_numbers_and_each_legend_the_labels_that_it_names(tmp_path: Path) -> None:
    tests = [
        {
            "name": title,
            "interval": "30s",
            "input_series": [*series(measured(), "a"), *series(standing_by(), "b")],
            "promql_expr_test": [expected(query), *(expected(query, each) for each in labels)],
        }
        for title, query, labels in panels()
    ]
    file = tmp_path / "dashboard.yaml"
    file.write_text(json.dumps({"rule_files": [], "tests": tests}))
    said = promtool("test", "rules", str(file), given=b"")
    assert said.status == 0, said.out + said.err
