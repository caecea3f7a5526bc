from __future__ import annotations

import json
import sqlite3
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest

from benchmarks import appending, curves, machine, peers, physical, proving, replaying, result
from benchmarks.chart import line_chart
from benchmarks.growing import TAIL, GrowingLog
from benchmarks.peer_sqlite import SqliteRows
from benchmarks.result import INFORMATIVE, Peer, Row, Spread
from benchmarks.workload import file_log, items, take

if TYPE_CHECKING:
    from pathlib import Path

_SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(autouse=True)
def _no_peers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Be the same whether or not `make bench` has installed the peers."""
    for module in (peers, proving, replaying):
        monkeypatch.setattr(module, "is_installed", lambda _program: False)


def test_a_row_has_smallest_median_and_largest_of_all_that_it_compares() -> None:
    peer = Peer("other", Spread(2.0, 4.0, 5.0))
    row = Row("row", "ms", Spread(1.0, 2.0, 3.0), Spread(0.5, 1.0, 1.5), INFORMATIVE, (peer,))
    found = json.loads(result.dumps([row], {"cores": 2}))
    assert found["machine"] == {"cores": 2}
    (line,) = found["rows"]
    assert line["ours"] == {"min": 1.0, "median": 2.0, "max": 3.0}
    assert line["limit"] == {"min": 0.5, "median": 1.0, "max": 1.5}
    assert line["ratio"] == 2.0
    assert line["peers"] == [
        {"name": "other", "figure": {"min": 2.0, "median": 4.0, "max": 5.0}, "ratio": 0.5}
    ]


def test_rows_say_which_peers_are_not_installed_and_measure_the_rest(tmp_path: Path) -> None:
    for row in (appending.batches(tmp_path, 1), appending.single(tmp_path, 2)):
        assert [(peer.name, peer.figure is None) for peer in row.peers] == [
            ("SQLite (WAL, FULL)", False),
            ("eventsourcing", True),
            ("pymerkle", True),
        ]
        assert row.ours.low > 0
    row = replaying.replay(tmp_path / "agents", 3, 2)
    assert row.peers == (Peer("eventsourcing", None),)


def test_proofs_are_measured_without_the_peer(tmp_path: Path) -> None:
    appending.long_log(tmp_path / "long", tmp_path / "short", 2_000, 1_000)
    proving.first_publication(tmp_path / "long", proving.key(tmp_path))
    anew, reads, kept = proving.inclusion(tmp_path / "long", 3)
    assert anew.peers == kept.peers == (Peer("pymerkle", None),)
    assert 0 < reads.ours.low <= reads.ours.high < 100


def test_sqlite_stores_a_row_a_record_and_flushes_each_commit(tmp_path: Path) -> None:
    rows = SqliteRows(tmp_path / "rows.db")
    batch = take(items(), 7)
    insert = rows.prepared(batch)
    assert _stored(tmp_path / "rows.db") == []
    insert()
    rows.close()
    stored = _stored(tmp_path / "rows.db")
    assert len(set(stored)) == len(batch)
    assert all(size > 300 for size in map(len, stored))


def test_primitives_of_a_path_are_part_of_its_limit(tmp_path: Path) -> None:
    whole, *parts = physical.append(tmp_path, 1)
    assert whole.limit is not None
    assert whole.limit.middle == pytest.approx(sum(part.ours.middle for part in parts))
    appending.long_log(tmp_path / "long", tmp_path / "short", 2_000, 1_000)
    GrowingLog(tmp_path / "events").grow_to(1_000)
    assert len(physical.replay(tmp_path / "events")) == 4
    whole, *parts = physical.verify(tmp_path / "long")
    assert whole.ours.low > 0
    assert [part.name for part in parts] == [
        "verify, batches of 1,000: decode",
        "verify, batches of 1,000: SHA-256",
        "verify, batches of 1,000: CRC-32",
    ]
    assert [row.unit for row in physical.machine(tmp_path, 1)] == ["ms", "MiB/s", "MiB/s"]


def test_facts_of_the_machine_are_json_and_name_missing_peers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine, "_MEASURED", ("rynxs", "rynxs-of-nobody"))
    facts = json.loads(json.dumps(machine.facts(tmp_path)))
    assert facts["memory_mib"] > 0
    assert facts["versions"]["rynxs"]
    assert facts["versions"]["rynxs-of-nobody"] is None


def test_a_growing_log_has_the_length_asked_for_and_plans_of_its_agents(tmp_path: Path) -> None:
    log = GrowingLog(tmp_path / "log")
    log.grow_to(1_500)
    reader = file_log(tmp_path / "log").open_reader()
    assert reader.size() == 1_500
    log.verify_s()
    log.take_snapshot()
    size = reader.size()
    assert 1_500 + TAIL < size < 1_510 + TAIL
    assert len(list(reader.list("snapshots/"))) == 1
    state = log._folded()
    assert state.size == size
    assert len(state.plans) == 100
    assert all(each.entries for each in state.plans.values())
    log.delete_snapshots()
    assert list(reader.list("snapshots/")) == []
    assert log._folded().digest() == state.digest()


def test_curves_are_measured_and_written_with_a_chart_a_cost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("_APPENDS", "_OPENS", "_PROOFS", "_SNAPSHOT_REPLAYS", "_PASSES"):
        monkeypatch.setattr(curves, name, 1)
    points = list(curves.measure(tmp_path, [1_000, 1_300]))
    curves.write(tmp_path / "to", points, {"cores": 2})
    found = json.loads((tmp_path / "to" / "curves.json").read_text())
    costs = {"open", "verify", "replay", "proof", "append", "snapshot-replay"}
    assert {(each["cost"], each["records"]) for each in found["points"]} == {
        (cost, length) for cost in costs for length in (1_000, 1_300)
    }
    for cost in costs:
        chart = ET.fromstring((tmp_path / "to" / f"{cost}.svg").read_text())
        assert len(chart.findall(f"{_SVG}circle")) == 2
    assert curves.table(points).row_count == len(costs)


def test_a_chart_places_decades_at_equal_distances() -> None:
    points = [(10.0**each, Spread(*[10.0**each] * 3)) for each in (3, 4, 5)]
    circles = ET.fromstring(line_chart("a < b", ("x", "y"), points)).findall(f"{_SVG}circle")
    across = [float(circle.attrib["cx"]) for circle in circles]
    up = [float(circle.attrib["cy"]) for circle in circles]
    assert across[1] - across[0] == pytest.approx(across[2] - across[1]) != 0
    assert up[0] - up[1] == pytest.approx(up[1] - up[2])
    assert up[2] < up[0]


def _stored(path: Path) -> list[bytes]:
    connection = sqlite3.connect(path)
    try:
        return [row for (row,) in connection.execute("SELECT record FROM records")]
    finally:
        connection.close()
