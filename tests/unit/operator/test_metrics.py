"""What the metrics say, and that docs/OBSERVABILITY.md knows them."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from prometheus_client.parser import text_string_to_metric_families

from rynxs import __version__
from rynxs.engine import event
from rynxs.operator.metrics import Metrics
from tests.unit.operator.measured import AGENTS, measured

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PODS = "v1/Pod"


@pytest.fixture
def metrics() -> Metrics:
    return Metrics(["Agent", "Universe"], [AGENTS, PODS])


@pytest.fixture(scope="module")
def document(repository: Path) -> str:
    return (repository / "docs/OBSERVABILITY.md").read_text()


def shown(metrics: Metrics) -> dict[str, float]:
    """Return the samples as their lines say them, `le` aside."""
    text, _ = metrics.text()
    lines = [line for line in text.decode().splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}


def changed(metrics: Metrics, act: Callable[[Metrics], None]) -> dict[str, float]:
    """Return the samples of rynxs that an act changes or adds, without a histogram's buckets."""
    before = shown(metrics)
    act(metrics)
    return {
        name: value
        for name, value in shown(metrics).items()
        if name.startswith("rynxs_") and "_bucket" not in name and before.get(name) != value
    }


def test_a_batch_counts_its_events_by_kind_and_its_time_once(metrics: Metrics) -> None:
    kinds = ["AgentObserved", "Planned", "AgentObserved", "UniverseDeleted"]
    assert changed(metrics, lambda it: it.appended(iter(kinds), 0.5, 12)) == {
        "rynxs_append_duration_seconds_count": 1,
        "rynxs_append_duration_seconds_sum": 0.5,
        'rynxs_events_total{kind="AgentObserved"}': 2,
        'rynxs_events_total{kind="Planned"}': 1,
        'rynxs_events_total{kind="UniverseDeleted"}': 1,
        "rynxs_log_records": 12,
    }


ACTS: dict[str, tuple[Callable[[Metrics], None], dict[str, float]]] = {
    "append failed": (lambda it: it.append_failed(), {"rynxs_append_failures_total": 1}),
    "planned": (
        lambda it: it.planned(0.25, 3),
        {
            "rynxs_plan_duration_seconds_count": 1,
            "rynxs_plan_duration_seconds_sum": 0.25,
            "rynxs_plans_total": 3,
        },
    ),
    "wrote": (
        lambda it: it.wrote("delete", "conflict"),
        {'rynxs_applies_total{action="delete",result="conflict"}': 1},
    ),
    "status written": (
        lambda it: it.status_written("failed"),
        {'rynxs_status_writes_total{result="failed"}': 1},
    ),
    "drifted": (lambda it: it.drifted(), {"rynxs_drifts_total": 1}),
    "plugin failed": (lambda it: it.plugin_failed(), {"rynxs_plugin_failures_total": 1}),
    "degraded": (lambda it: it.degraded(7), {"rynxs_degraded_subjects": 7}),
    "fenced": (lambda it: it.fenced("log"), {'rynxs_fenced_writes_total{by="log"}': 1}),
    "took over": (
        lambda it: it.took_over(100, 2.5, 4, ["EpochStarted", "Planned", "Planned"]),
        {
            "rynxs_epoch": 4,
            'rynxs_events_total{kind="EpochStarted"}': 1,
            'rynxs_events_total{kind="Planned"}': 2,
            "rynxs_log_records": 103,
            "rynxs_plans_total": 2,
            "rynxs_replayed_records": 100,
            "rynxs_takeover_duration_seconds": 2.5,
            "rynxs_verified_records": 100,
        },
    ),
    "led": (lambda it: it.led(), {"rynxs_leader": 1}),
    "followed": (
        lambda it: it.followed(9),
        {"rynxs_log_records": 9, "rynxs_verified_records": 9},
    ),
    "checkpoint signed": (
        lambda it: it.checkpoint_signed(50, 1_767_225_600.5),
        {
            "rynxs_checkpoint_records": 50,
            "rynxs_checkpoint_timestamp_seconds": 1_767_225_600.5,
        },
    ),
    "watch well": (lambda it: it.watch_well(PODS), {f'rynxs_watch_up{{kind="{PODS}"}}': 1}),
    "watch failed": (
        lambda it: it.watch_failed(PODS),
        {f'rynxs_watch_errors_total{{kind="{PODS}"}}': 1},
    ),
}


@pytest.mark.parametrize("name", ACTS)
def test_what_happens_changes_its_own_metrics_and_no_others(metrics: Metrics, name: str) -> None:
    act, expected = ACTS[name]
    assert changed(metrics, act) == expected


def test_who_leads_no_longer_says_so(metrics: Metrics) -> None:
    metrics.led()
    assert changed(metrics, lambda it: it.stood_by()) == {"rynxs_leader": 0}


def test_a_kind_is_followed_only_while_it_is_in_every_namespace(metrics: Metrics) -> None:
    up = f'rynxs_watch_up{{kind="{AGENTS}"}}'
    assert shown(metrics)[up] == 0
    metrics.watch_well(AGENTS, "one")
    metrics.watch_failed(AGENTS, "two")
    metrics.watch_well(AGENTS, "one")
    metrics.watch_well(PODS, "two")
    assert shown(metrics)[up] == 0
    metrics.watch_well(AGENTS, "two")
    assert shown(metrics)[up] == 1


def test_the_queue_is_asked_whenever_metrics_are_read(metrics: Metrics) -> None:
    waiting = [0.5, 0.25]
    metrics.queue(lambda: len(waiting), lambda: max(waiting, default=0.0))
    names = "rynxs_queue_depth", "rynxs_queue_oldest_age_seconds"
    assert [shown(metrics)[name] for name in names] == [2, 0.5]
    waiting.clear()
    assert [shown(metrics)[name] for name in names] == [0, 0]


UNKNOWN: dict[str, Callable[[Metrics, str], None]] = {
    'rynxs_events_total{kind="other"}': lambda it, name: it.appended([name], 0.1, 1),
    'rynxs_applies_total{action="other",result="ok"}': lambda it, name: it.wrote(name, "ok"),
    'rynxs_applies_total{action="create",result="other"}': lambda it, name: it.wrote(
        "create", name
    ),
    'rynxs_status_writes_total{result="other"}': lambda it, name: it.status_written(name),
    'rynxs_fenced_writes_total{by="other"}': lambda it, name: it.fenced(name),
    'rynxs_watch_errors_total{kind="other"}': lambda it, name: it.watch_failed(name),
    'rynxs_watch_up{kind="other"}': lambda it, name: it.watch_well(name),
}


@pytest.mark.parametrize("series", UNKNOWN)
def test_a_label_takes_no_value_that_is_not_known_at_the_start(
    metrics: Metrics, series: str
) -> None:
    for name in ("default/secret-agent", 'a"b\n', ""):
        UNKNOWN[series](metrics, name)
    added = shown(metrics).keys() - shown(Metrics(["Agent", "Universe"], [AGENTS, PODS])).keys()
    ours = {name for name in added if name.startswith("rynxs_")}
    assert series in ours
    assert all('="other"' in name for name in ours)


def test_every_kind_of_event_is_counted_by_its_name(metrics: Metrics) -> None:
    own = {each for name, each in vars(event).items() if name.isupper() and isinstance(each, str)}
    resources = {each for kind in ("Agent", "Universe") for each in of_resource(kind)}
    known = {name for name in shown(metrics) if name.startswith("rynxs_events_total{")}
    assert known == {f'rynxs_events_total{{kind="{kind}"}}' for kind in own | resources}


def of_resource(kind: str) -> tuple[str, str]:
    return event.observed(kind), event.deleted(kind)


def test_the_process_and_its_version_are_shown_and_when_series_were_made_is_not() -> None:
    names = shown(measured()).keys()
    assert f'rynxs_build_info{{version="{__version__}"}}' in names
    assert any(name.startswith("python_info{") for name in names)
    assert any(name.startswith("python_gc_collections_total{") for name in names)
    assert not [name for name in names if "_created" in name]


def test_the_text_is_what_its_media_type_says() -> None:
    text, media_type = measured().text()
    assert media_type == "text/plain; version=0.0.4; charset=utf-8"
    families = {each.name: each for each in text_string_to_metric_families(text.decode())}
    assert families["rynxs_append_duration_seconds"].type == "histogram"
    assert families["rynxs_log_records"].samples[0].value == 43


def test_threads_may_count_at_once(metrics: Metrics) -> None:
    with ThreadPoolExecutor(8) as threads:
        for _ in range(2_000):
            threads.submit(metrics.wrote, "update", "ok")
    assert shown(metrics)['rynxs_applies_total{action="update",result="ok"}'] == 2_000


def test_two_processes_metrics_are_each_their_own(metrics: Metrics) -> None:
    measured()
    assert shown(metrics)["rynxs_drifts_total"] == 0


def described(metrics: Metrics) -> set[tuple[str, str, str]]:
    """Return name, type and labels of each metric of rynxs."""
    text = metrics.text()[0].decode()
    types = dict(re.findall(r"^# TYPE (rynxs_\S+) (\S+)$", text, re.MULTILINE))
    samples = re.findall(r"^(rynxs_\w+?)(?:_bucket|_count|_sum)?(?:{(.*)})? ", text, re.MULTILINE)
    labels = {name: ", ".join(re.findall(r'(\w+)="', found)) for name, found in samples}
    return {(name, kind, labels[name].replace("le", "")) for name, kind in types.items()}


def test_every_metric_is_documented_and_every_documented_one_is_there(document: str) -> None:
    rows = re.findall(r"^\| `(rynxs_\w+)` \| (\w+) \| (.*?) \| .+ \|$", document, re.MULTILINE)
    assert len(rows) == len({name for name, _, _ in rows})
    told = {
        (name, kind, labels.replace("`", "").replace("none", "")) for name, kind, labels in rows
    }
    assert told == described(measured())


def test_the_document_names_no_metric_that_is_not_there(document: str) -> None:
    named = set(re.findall(r"\b(?:rynxs|process|python)_[a-z_]+[a-z]\b", document))
    text = measured().text()[0].decode()
    known = set(re.findall(r"^(\w+)", text, re.MULTILINE)) | {
        name for name, _, _ in described(measured())
    }
    assert named - known == set()
