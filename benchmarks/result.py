"""Results: one row a figure, what it is compared to, and whether its target is met."""

from __future__ import annotations

import json
from statistics import median
from typing import TYPE_CHECKING, Any, NamedTuple

from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


class Spread(NamedTuple):
    """What repeated measurements of one thing gave."""

    low: float
    middle: float
    high: float


class Target(NamedTuple):
    """What a row should reach.

    Attributes:
        text: such as ``>= 0.60``.
        is_met: tells it from the row's value and its ratio to the limit.
    """

    text: str
    is_met: Callable[[float, float], bool]


class Row(NamedTuple):
    """One figure.

    Attributes:
        name: what was measured.
        unit: of ours and of the limit.
        ours: the figure of rynxs.
        limit: the figure of the bare loop of the same run; of a fixed bound, that bound three
            times; None where there is nothing to compare with.
        target: what the figure should reach.
    """

    name: str
    unit: str
    ours: Spread
    limit: Spread | None
    target: Target

    @property
    def ratio(self) -> float | None:
        """Ours to the limit, by their medians."""
        return self.ours.middle / self.limit.middle if self.limit else None

    @property
    def met(self) -> bool:
        """Whether the target is reached; a row that only informs always is."""
        return self.target.is_met(self.ours.middle, self.ratio or 0.0)

    def as_json(self) -> dict[str, Any]:
        """Return the row as it stands in results.json."""
        return {
            "name": self.name,
            "value": self.ours.middle,
            "unit": self.unit,
            "limit": self.limit.middle if self.limit else None,
            "ratio": self.ratio,
            "target": self.target.text,
            "met": self.met,
        }


INFORMATIVE = Target("informative", lambda _value, _ratio: True)


def spread(samples: Sequence[float]) -> Spread:
    """Return the smallest, the median and the largest of some measurements."""
    return Spread(min(samples), median(samples), max(samples))


def bound(value: float) -> Spread:
    """Return a fixed bound as the limit of a row."""
    return Spread(value, value, value)


def at_least(share: float) -> Target:
    """Demand a ratio of at least `share`."""
    return Target(f">= {share:.2f}", lambda _value, ratio: ratio >= share)


def at_most(share: float) -> Target:
    """Demand a ratio of at most `share`."""
    return Target(f"<= {share:.1f}", lambda _value, ratio: ratio <= share)


def below(limit: float, unit: str) -> Target:
    """Demand a value below `limit`."""
    return Target(f"< {limit:g} {unit}", lambda value, _ratio: value < limit)


def up_to(most: float, unit: str) -> Target:
    """Demand a value of at most `most`."""
    return Target(f"<= {most:g} {unit}".rstrip(), lambda value, _ratio: value <= most)


def exactly(wanted: float) -> Target:
    """Demand one value."""
    return Target(f"= {wanted:g}", lambda value, _ratio: value == wanted)


def stretch(limit: float, unit: str) -> Target:
    """Wish for a value of at least `limit`."""
    return Target(f"stretch >= {limit:,.0f}{unit}", lambda value, _ratio: value >= limit)


def table(rows: Sequence[Row]) -> Table:
    """Return the rows for a person."""
    shown = Table(title="ours and the limit: median (min .. max)", title_justify="left")
    shown.add_column("measured")
    for heading in ("ours", "limit", "unit", "ratio", "target", "met"):
        shown.add_column(heading, justify="right", no_wrap=True)
    for row in rows:
        shown.add_row(
            row.name,
            _text(row.ours),
            _text(row.limit) if row.limit else "-",
            row.unit,
            "-" if row.ratio is None else f"{row.ratio:.2f}",
            row.target.text,
            "yes" if row.met else "[bold red]no[/]",
        )
    return shown


def dumps(rows: Sequence[Row]) -> str:
    """Return the rows as JSON text."""
    return json.dumps([row.as_json() for row in rows], indent=2) + "\n"


def _text(figure: Spread) -> str:
    if figure.low == figure.high:
        return _number(figure.middle)
    return f"{_number(figure.middle)}\n({_number(figure.low)} .. {_number(figure.high)})"


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
