"""``python -m benchmarks.curves``: what a log costs by its length, as JSON and as charts.

One log grows from length to length, and is measured at each. Written are ``curves.json``, and an
SVG for each cost.
"""

from __future__ import annotations

import json
import tempfile
from argparse import ArgumentParser
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any, NamedTuple

from rich.console import Console
from rich.table import Table

from benchmarks import machine, proving
from benchmarks.chart import line_chart
from benchmarks.growing import TAIL, GrowingLog
from benchmarks.result import number, spread

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from benchmarks.result import Spread

_LENGTHS = (1_000, 10_000, 100_000, 1_000_000, 3_000_000)
_PLACE = Path(__file__).parents[1] / "docs" / "benchmarks"
_WIDTH_MIN = 140
_UNITS = {"ms": "milliseconds", "s": "seconds"}
_APPENDS, _OPENS, _PROOFS, _SNAPSHOT_REPLAYS, _PASSES = 101, 11, 51, 7, 3


class Cost(NamedTuple):
    """Something that is done with a log.

    Attributes:
        name: of its chart's file.
        title: what is done.
        unit: of what it takes.
    """

    name: str
    title: str
    unit: str


APPEND = Cost("append", "append of one more record, durable", "ms")
OPEN = Cost("open", "open to append", "ms")
VERIFY = Cost("verify", "verify all records", "s")
REPLAY = Cost("replay", "replay all records", "s")
FROM_SNAPSHOT = Cost("snapshot-replay", f"replay from a snapshot, {TAIL:,} records after it", "s")
PROOF = Cost("proof", "inclusion proof, nothing read before", "ms")


class Point(NamedTuple):
    """What one cost was at one length.

    Attributes:
        cost: which.
        records: in the log.
        rounds: how often it was measured.
        figure: in the cost's unit.
    """

    cost: Cost
    records: int
    rounds: int
    figure: Spread

    @classmethod
    def of(cls, cost: Cost, records: int, figures: Sequence[float]) -> Point:
        """Return the point of some measurements."""
        return cls(cost, records, len(figures), spread(figures))

    def as_json(self) -> dict[str, Any]:
        """Return the point as it stands in curves.json."""
        return {
            "cost": self.cost.name,
            "records": self.records,
            "unit": self.cost.unit,
            "rounds": self.rounds,
            **self.figure.as_json(),
        }


def measure(directory: Path, lengths: Sequence[int]) -> Iterator[Point]:
    """Yield one point after the other; the log is made below `directory`."""
    keys = proving.key(directory)
    log = GrowingLog(directory / "log")
    for length in lengths:
        log.grow_to(length)
        yield Point.of(OPEN, length, [log.open_ms() for _ in range(_OPENS)])
        yield Point.of(VERIFY, length, [log.verify_s() for _ in range(_PASSES)])
        yield Point.of(REPLAY, length, [log.replay_s() for _ in range(_PASSES)])
        log.publish(keys)
        yield Point.of(PROOF, length, log.proof_ms(_PROOFS))
        yield Point.of(APPEND, length, log.append_ms(_APPENDS))
        log.take_snapshot()
        yield Point.of(FROM_SNAPSHOT, length, [log.replay_s() for _ in range(_SNAPSHOT_REPLAYS)])
        log.delete_snapshots()


def write(place: Path, points: Sequence[Point], facts: dict[str, Any]) -> None:
    """Write curves.json, and the chart of each cost."""
    place.mkdir(parents=True, exist_ok=True)
    document = {"machine": facts, "points": [point.as_json() for point in points]}
    (place / "curves.json").write_text(json.dumps(document, indent=2) + "\n")
    for cost, along in _by_cost(points).items():
        labels = ("records in the log", _UNITS[cost.unit])
        chart = line_chart(cost.title, labels, [(each.records, each.figure) for each in along])
        (place / f"{cost.name}.svg").write_text(chart)


def table(points: Sequence[Point]) -> Table:
    """Return the points for a person, a row a cost and a column a length."""
    shown = Table(title="median (min .. max), by records in the log", title_justify="left")
    shown.add_column("cost")
    for length in sorted({point.records for point in points}):
        shown.add_column(f"{length:,}", justify="right", no_wrap=True)
    for cost, along in _by_cost(points).items():
        shown.add_row(f"{cost.title}, {cost.unit}", *(_text(each.figure) for each in along))
    return shown


def main() -> None:
    """Measure, print and write."""
    parser = ArgumentParser(prog="python -m benchmarks.curves", description=__doc__)
    parser.add_argument("--most", type=int, default=_LENGTHS[-1], help="longest log, in records")
    parser.add_argument("--dir", type=Path, help="where to make the log (default: temporary files)")
    parser.add_argument("--to", type=Path, default=_PLACE, help=f"where to write ({_PLACE})")
    options = parser.parse_args()
    lengths = [length for length in _LENGTHS if length <= options.most]
    if not lengths:
        parser.error(f"--most: at least {_LENGTHS[0]}")
    console = Console()
    console.width = max(console.width, _WIDTH_MIN)
    begin = perf_counter()
    points = []
    with tempfile.TemporaryDirectory(prefix="rynxs-curves-", dir=options.dir) as directory:
        facts = machine.facts(Path(directory))
        for point in measure(Path(directory), lengths):
            console.print(
                f"{perf_counter() - begin:4.0f} s  {point.records:,} records: {point.cost.title}"
            )
            points.append(point)
    write(options.to, points, facts)
    console.print(table(points))
    console.print(f"{perf_counter() - begin:.0f} s; written to {options.to}")


def _by_cost(points: Sequence[Point]) -> dict[Cost, list[Point]]:
    costs = dict.fromkeys(point.cost for point in points)
    return {cost: [point for point in points if point.cost == cost] for cost in costs}


def _text(figure: Spread) -> str:
    low, middle, high = map(number, figure)
    return f"{middle}\n({low} .. {high})"


if __name__ == "__main__":
    main()
