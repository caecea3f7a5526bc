"""The chart's alerts: Prometheus' own tool tries each, and each has a runbook.

A file in `alerts` is what `promtool test rules` takes, with the rendered rules beside it.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.cluster.helm import REPOSITORY, template, the
from tests.servers.promtool import checked, promtool
from tests.unit.operator.queries import TARGET_LABELS, exported, selectors, unknown

if TYPE_CHECKING:
    from collections.abc import Iterator

CASES = sorted((Path(__file__).parent / "alerts").glob("*.yaml"))
RUNBOOKS = "docs/RUNBOOKS.md"
ADDRESS = f"https://github.com/rynxs/rynxs-agentos/blob/main/{RUNBOOKS}#"
SEVERITIES = {"critical", "warning"}


def rendered(*options: str) -> dict[str, Any]:
    """Return the rules as they are installed with more of Helm's options."""
    on = "--set=metrics.enabled=true,metrics.prometheusRule.create=always"
    spec: dict[str, Any] = the(template(on, *options), "PrometheusRule")["spec"]
    return spec


@pytest.fixture(scope="module")
def rules() -> dict[str, Any]:
    return rendered()


@pytest.fixture(scope="module")
def alerts(rules: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The alerts by name."""
    return {rule["alert"]: rule for group in rules["groups"] for rule in group["rules"]}


def headings(document: str) -> Iterator[tuple[str, str]]:
    """Yield the headings of a document in Markdown, and the anchor that GitHub gives each.

    In lower case, without punctuation, with hyphens for spaces, and numbered when it was there
    before: https://docs.github.com/en/get-started/writing-on-github.
    """
    outside_code = re.sub(r"^```.*?^```$", "", document, flags=re.MULTILINE | re.DOTALL)
    seen: dict[str, int] = {}
    for heading in re.findall(r"^#+ (.+)$", outside_code, re.MULTILINE):
        anchor = re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        before = seen[anchor] = seen.get(anchor, -1) + 1
        yield heading, f"{anchor}-{before}" if before else anchor


def cases(file: Path) -> list[dict[str, Any]]:
    """Return the cases of one file, each a history and what is expected of alerts."""
    found: list[dict[str, Any]] = yaml.safe_load(file.read_text())["tests"]
    return found


def metrics_of(case: dict[str, Any]) -> set[str]:
    return {name for each in case["input_series"] for name, _ in selectors(each["series"])}


@pytest.mark.parametrize(
    "options",
    ["", "--set=operator.checkpointEvery=1d2h3m4s", "--set=fullnameOverride=other"],
)
def test_prometheus_takes_the_rules_without_a_word(options: str) -> None:
    rules = rendered(*filter(None, [options]))
    said = checked(rules)
    assert (said.status, said.err) == (0, "")
    count = sum(len(group["rules"]) for group in rules["groups"])
    assert f"SUCCESS: {count} rules found" in said.out


@pytest.mark.parametrize("file", CASES, ids=lambda file: file.stem)
def test_an_alert_fires_when_it_should_and_not_otherwise(
    file: Path, rules: dict[str, Any], tmp_path: Path
) -> None:
    (tmp_path / "rules.yaml").write_text(json.dumps(rules))
    (tmp_path / file.name).write_text(file.read_text())
    said = promtool("test", "rules", str(tmp_path / file.name), given=b"")
    assert said.status == 0, said.out + said.err


def test_each_alert_has_a_case_in_which_it_fires_and_one_with_its_metrics_in_which_it_does_not(
    alerts: dict[str, dict[str, Any]],
) -> None:
    assert [file.stem for file in CASES] == sorted(alerts)
    for file in CASES:
        asked = {name for name, _ in selectors(alerts[file.stem]["expr"])}
        fires, is_quiet = False, False
        for case in cases(file):
            tests = case["alert_rule_test"]
            assert {each["alertname"] for each in tests} == {file.stem}, case["name"]
            told = [bool(each.get("exp_alerts")) for each in tests]
            fires |= any(told)
            is_quiet |= not any(told) and asked <= metrics_of(case)
        assert fires, file.stem
        assert is_quiet, file.stem


@pytest.mark.parametrize("file", CASES, ids=lambda file: file.stem)
def test_the_series_of_a_case_are_such_as_are_exported(file: Path) -> None:
    known = exported()
    for case in cases(file):
        for series in (each["series"] for each in case["input_series"]):
            ((metric, labels),) = selectors(series)
            assert labels - TARGET_LABELS == known[metric], series


def test_each_alert_says_how_bad_it_is_what_it_means_and_where_its_runbook_is(
    alerts: dict[str, dict[str, Any]],
) -> None:
    for name, alert in alerts.items():
        assert alert["labels"].keys() == {"severity"}, name
        assert alert["labels"]["severity"] in SEVERITIES, name
        assert alert["annotations"].keys() == {"summary", "description", "runbook_url"}, name
        assert alert["annotations"]["summary"].endswith("."), name


def test_each_runbook_url_leads_to_the_section_of_its_alert(
    alerts: dict[str, dict[str, Any]],
) -> None:
    found = {anchor: heading for heading, anchor in headings((REPOSITORY / RUNBOOKS).read_text())}
    for name, alert in alerts.items():
        address, anchor = alert["annotations"]["runbook_url"].split("#")
        assert f"{address}#" == ADDRESS, name
        assert found.get(anchor) == name
    assert {each for each in found.values() if each.startswith("Rynxs")} == alerts.keys()


def test_a_heading_has_the_anchor_that_github_gives_it() -> None:
    document = "# What's *new*?\n\n```sh\n# no heading\n```\n\n## RynxsIsTooSlow\n\n## What's new\n"
    assert list(headings(document)) == [
        ("What's *new*?", "whats-new"),
        ("RynxsIsTooSlow", "rynxsistooslow"),
        ("What's new", "whats-new-1"),
    ]


def test_each_alert_asks_for_metrics_and_labels_that_there_are(
    alerts: dict[str, dict[str, Any]],
) -> None:
    for name, alert in alerts.items():
        assert unknown(alert["expr"]) == set(), name


def test_the_runbooks_name_metrics_that_there_are() -> None:
    named = re.findall(r"\brynxs_[a-z_]+[a-z]\b", (REPOSITORY / RUNBOOKS).read_text())
    assert named
    families = {re.sub(r"_(bucket|count|sum)$", "", each) for each in exported()}
    assert set(named) <= exported().keys() | families


def test_the_alerts_are_those_that_are_documented(alerts: dict[str, dict[str, Any]]) -> None:
    text = (REPOSITORY / "docs/OBSERVABILITY.md").read_text()
    row = r"^\| \[(Rynxs\w+)\]\(RUNBOOKS\.md#(\w+)\) \| (\w+) \| (\w+) \| (.+) \|$"
    told = [
        (name, name.lower(), alert["labels"]["severity"], alert.get("for", "0m"))
        for name, alert in alerts.items()
    ]
    assert [each[:4] for each in re.findall(row, text, re.MULTILINE)] == told
