"""The Grafana dashboard of the chart: what Grafana needs, and metrics and labels that there are."""

from __future__ import annotations

import json
import re
from itertools import combinations
from typing import TYPE_CHECKING, Any

import pytest

from tests.unit.operator.queries import selectors, unknown

if TYPE_CHECKING:
    from pathlib import Path

COLUMNS = 24
DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}
OURS = {"datasource", "namespace", "job"}
GRAFANAS = {"__rate_interval"}


@pytest.fixture(scope="module")
def dashboard(repository: Path) -> dict[str, Any]:
    text = (repository / "helm/rynxs/files/dashboard.json").read_text()
    found: dict[str, Any] = json.loads(text)
    assert text == json.dumps(found, indent=2) + "\n"
    return found


@pytest.fixture
def panels(dashboard: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = dashboard["panels"]
    return found


def queries(dashboard: dict[str, Any]) -> list[str]:
    return [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]


def test_it_is_a_dashboard_that_can_be_provisioned(dashboard: dict[str, Any]) -> None:
    assert dashboard["title"] == "rynxs"
    # https://grafana.com/docs/grafana/latest/dashboards/build-dashboards/view-dashboard-json-model/
    assert re.fullmatch(r"[a-zA-Z0-9_-]{1,40}", dashboard["uid"])
    assert dashboard["schemaVersion"] == 39
    assert dashboard.get("id") is None
    assert "__inputs" not in dashboard  # of one that is imported by hand
    assert not {"links", "annotations"} & dashboard.keys()


def test_whose_metrics_are_shown_is_chosen_by_variables(dashboard: dict[str, Any]) -> None:
    variables = {each["name"]: each for each in dashboard["templating"]["list"]}
    assert list(variables) == ["datasource", "namespace", "job"]
    assert (variables["datasource"]["type"], variables["datasource"]["query"]) == (
        "datasource",
        "prometheus",
    )
    for name in ("namespace", "job"):
        each = variables[name]
        assert (each["type"], each["datasource"]) == ("query", DATASOURCE)
        assert (each["multi"], each["includeAll"], each["allValue"]) == (True, True, ".*")
        assert each["current"] == {"text": ["All"], "value": ["$__all"]}
        asked, label = re.fullmatch(r"label_values\((.*), (\w+)\)", each["query"]["query"]).groups()  # type: ignore[union-attr]
        assert label == name
        assert unknown(asked) == set()


def test_panels_have_ids_and_places_of_their_own(panels: list[dict[str, Any]]) -> None:
    ids = [panel["id"] for panel in panels]
    assert sorted(set(ids)) == sorted(ids)
    places = [panel["gridPos"] for panel in panels]
    for place in places:
        assert place["x"] >= 0
        assert place["y"] >= 0
        assert place["w"] > 0
        assert place["h"] > 0
        assert place["x"] + place["w"] <= COLUMNS
    for one, other in combinations(places, 2):
        beside = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
        below = one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
        assert beside or below, (one, other)


def test_each_panel_says_what_it_shows_and_in_which_unit(panels: list[dict[str, Any]]) -> None:
    titles = [panel["title"] for panel in panels]
    assert len(set(titles)) == len(titles)
    for panel in panels:
        assert panel["title"]
        assert re.fullmatch(r"[A-Z].*\.", panel["description"]), panel["title"]
        assert panel["type"] in {"stat", "timeseries"}
        assert panel["fieldConfig"]["defaults"]["unit"] in {"none", "short", "s", "ops"}


def test_each_query_is_asked_of_the_chosen_source(panels: list[dict[str, Any]]) -> None:
    for panel in panels:
        assert panel["datasource"] == DATASOURCE
        assert panel["targets"]
        refs = [target["refId"] for target in panel["targets"]]
        assert refs == ["A", "B", "C", "D", "E"][: len(refs)]
        assert all(target["datasource"] == DATASOURCE for target in panel["targets"])


def test_each_query_is_for_the_chosen_releases_only(dashboard: dict[str, Any]) -> None:
    for query in queries(dashboard):
        for metric, _ in selectors(query):
            assert f'{metric}{{namespace=~"$namespace", job=~"$job"' in query, query


def test_no_variable_is_used_that_there_is_not(dashboard: dict[str, Any]) -> None:
    used = set(re.findall(r"\$\{?(\w+)", json.dumps(dashboard["panels"])))
    assert used == OURS | GRAFANAS


def test_each_query_asks_for_metrics_and_labels_that_there_are(dashboard: dict[str, Any]) -> None:
    assert {query: unknown(query) for query in queries(dashboard) if unknown(query)} == {}


@pytest.mark.parametrize(
    ("query", "missing"),
    [
        ("rate(rynxs_events[5m])", {"rynxs_events"}),
        ('rynxs_leader{kind="Agent"} == 1', {"kind"}),
        ("sum by (job, kind) (rynxs_leader)", {"kind"}),
        ("rynxs_watch_up == 0 and on (job, node) rynxs_leader == 1", {"node"}),
        ('sum by (job, le) (rate(rynxs_append_duration_seconds_bucket{job=~"$job"}[5m]))', set()),
        ("rynxs_watch_up == 0 and ignoring (kind) rynxs_leader == 1", set()),
    ],
)
def test_what_a_query_asks_for_in_vain_is_found(query: str, missing: set[str]) -> None:
    assert unknown(query) == missing
