from __future__ import annotations

import json
import sqlite3
from hashlib import sha256
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import cbor2
import pytest

from benchmarks import (
    accelerating,
    appending,
    curves,
    machine,
    parallel,
    peers,
    physical,
    proving,
    replaying,
    result,
)
from benchmarks.chart import line_chart
from benchmarks.growing import TAIL, GrowingLog
from benchmarks.peer_sqlite import SqliteRows
from benchmarks.result import INFORMATIVE, Peer, Row, Spread
from benchmarks.workload import file_log, items, take
from rynxs.errors import LogCorrupt
from rynxs.eventlog.chain import Chain
from rynxs.eventlog.record import Record
from rynxs.testing.histories import history

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


@pytest.fixture
def prototype(tmp_path: Path) -> accelerating.Prototype:
    try:
        return accelerating.Prototype(tmp_path)
    except accelerating.Unbuilt as error:
        pytest.skip(str(error))


def test_the_prototype_in_c_verifies_the_chain_that_ours_verifies(
    prototype: accelerating.Prototype, tmp_path: Path
) -> None:
    appending.long_log(tmp_path / "long", tmp_path / "short", 2_000, 1_000)
    rows = list(accelerating.verification(prototype, tmp_path / "short"))
    assert [row.name.partition(" records ")[2] for row in rows] == [
        "through the reader; limit: ours",
        "in memory; limit: ours",
    ]


def test_the_prototype_in_c_refuses_what_ours_refuses(prototype: accelerating.Prototype) -> None:
    records = list(history(8))
    refused = 0
    for place, record in enumerate(records):
        for name, value in record._asdict().items():
            for changed in _flipped(value):
                damaged = [*records]
                damaged[place] = record._replace(**{name: changed})
                holds = prototype.chain().verify(damaged)
                refused += not holds
                assert holds == _is_accepted(damaged), (place, name, changed)
    assert refused > 500


def _flipped(data: bytes) -> list[bytes]:
    return [
        data[:place] + bytes((data[place] ^ 1 << place % 8,)) + data[place + 1 :]
        for place in range(0, len(data), 1 if len(data) < 200 else 37)
    ]


def test_headers_that_ours_accepts_or_refuses_the_prototype_in_c_accepts_or_refuses_too(
    prototype: accelerating.Prototype,
) -> None:
    previous, digest = bytes(32), sha256(b"\x00").digest()
    good = (1, 0, 1, 1, previous, "Kind", "group/Kind/name", digest, 0, None)
    others: list[tuple[int, list[Any]]] = [
        (0, [0, 2, True, "1", 1.0]),
        (1, [1, -1, None]),
        (2, [0, 24, 2**16, 2**63 - 1, 2**63, -1, None, b""]),
        (3, [0, 255, 256, 2**32, 2**63 - 1, 2**64 - 1, False]),
        (4, [b"", bytes(31), bytes(33), "0" * 32]),
        (5, ["", "kind", "K", "K" * 63, "K" * 64, "K-", "Kä", b"Kind"]),
        (6, ["", "a", "a/b", "a/b/c/d", "a/b/c/d/e", "/b/c", "a//c", "a/b/", "ä/b/c", b"a/b/c"]),
        (6, ["/".join(["a" * 253] * 3), "/".join(["a" * 254] * 3), "a_/b-/.c", "a/b/c\n"]),
        (7, [bytes(32), b"", "d" * 32]),
        (8, [1, None, -1]),
        (9, [0, -1, "0", False]),
    ]
    accepted = 0
    for place, values in [(0, [1]), *others]:
        for value in values:
            header = cbor2.dumps([*good[:place], value, *good[place + 1 :]])
            for data in (header, header + b"\x00", header[:-1], b"\x98\x0a" + header[1:]):
                records = [Record(data, b"", b"")]
                holds = prototype.chain().verify(records)
                accepted += holds
                assert holds == _is_accepted(records), (place, value, data)
    assert accepted > 10


def _is_accepted(records: list[Record]) -> bool:
    try:
        Chain().verify(records)
    except LogCorrupt:
        return False
    return True


def test_where_nothing_compiles_the_prototype_says_what_is_missing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(accelerating, "which", lambda _name: None)
    with pytest.raises(accelerating.Unbuilt) as unbuilt:
        accelerating.Prototype(tmp_path)
    assert str(unbuilt.value) == "cc, a C compiler, is missing"


def test_a_second_process_is_measured_on_the_same_records(tmp_path: Path) -> None:
    appending.long_log(tmp_path / "long", tmp_path / "short", 2_000, 1_000)
    row = parallel.two_processes(tmp_path / "short", 2)
    assert row.ours.low > 0
    assert row.limit is not None
