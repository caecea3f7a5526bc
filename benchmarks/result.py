"""Results: one row a figure, what it is compared to, and whether its target is met."""

from __future__ import annotations

import json
from statistics import median
from typing import TYPE_CHECKING, Any, NamedTuple

from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence


class Spread(NamedTuple):
    """What repeated measurements of one thing gave."""

    low: float
    middle: float
    high: float

    def as_json(self) -> dict[str, float]:
        """Return it by the words of results.json."""
        return {"min": self.low, "median": self.middle, "max": self.high}


class Target(NamedTuple):
    """What a row should reach.

    Attributes:
        text: such as ``>= 0.60``.
        is_met: tells it from the row's value and its ratio to the limit.
    """

    text: str
    is_met: Callable[[float, float], bool]


class Peer(NamedTuple):
    """Another program on the work of a row.

    Attributes:
        name: of the program.
        figure: in the row's unit, of the same run; None if it is not installed here.
    """

    name: str
    figure: Spread | None


class Row(NamedTuple):
    """One figure.

    Attributes:
        name: what was measured.
        unit: of ours and of the limit.
        ours: the figure of rynxs.
        limit: the figure of the bare loop of the same run; of a fixed bound, that bound three
            times; None where there is nothing to compare with.
        target: what the figure should reach.
        peers: other programs on the same work.
    """

    name: str
    unit: str
    ours: Spread
    limit: Spread | None
    target: Target
    peers: tuple[Peer, ...] = ()

    @property
    def ratio(self) -> float | None:
        """Ours to the limit, by their medians."""
        return self.ours.middle / self.limit.middle if self.limit else None

    def ratio_to(self, peer: Peer) -> float | None:
        """Ours to a peer, by their medians."""
        return self.ours.middle / peer.figure.middle if peer.figure else None

    @property
    def met(self) -> bool:
        """Whether the target is reached; a row that only informs always is."""
        return self.target.is_met(self.ours.middle, self.ratio or 0.0)

    def as_json(self) -> dict[str, Any]:
        """Return the row as it stands in results.json."""
        return {
            "name": self.name,
            "unit": self.unit,
            "ours": self.ours.as_json(),
            "limit": self.limit.as_json() if self.limit else None,
            "ratio": self.ratio,
            "peers": [
                {
                    "name": peer.name,
                    "figure": peer.figure.as_json() if peer.figure else None,
                    "ratio": self.ratio_to(peer),
                }
                for peer in self.peers
            ],
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
    for heading in ("ours", "limit", "unit", "ratio", "peers (ratio)", "target", "met"):
        shown.add_column(heading, justify="right", no_wrap=True)
    for row in rows:
        shown.add_row(
            row.name,
            _text(row.ours),
            _text(row.limit) if row.limit else "-",
            row.unit,
            "-" if row.ratio is None else f"{row.ratio:.2f}",
            "\n".join(_peer_text(row, peer) for peer in row.peers) or "-",
            row.target.text,
            "yes" if row.met else "[bold red]no[/]",
        )
    return shown


def dumps(rows: Sequence[Row], machine: Mapping[str, Any]) -> str:
    """Return what the run was made on, and its rows, as JSON text."""
    document = {"machine": machine, "rows": [row.as_json() for row in rows]}
    return json.dumps(document, indent=2) + "\n"


def _peer_text(row: Row, peer: Peer) -> str:
    ratio = row.ratio_to(peer)
    if peer.figure is None or ratio is None:
        return f"{peer.name}: not installed"
    return f"{peer.name}: {number(peer.figure.middle)} ({number(ratio)})"


def _text(figure: Spread) -> str:
    if figure.low == figure.high:
        return number(figure.middle)
    return f"{number(figure.middle)}\n({number(figure.low)} .. {number(figure.high)})"


def number(value: float) -> str:
    """Return a figure with as many digits as a person wants."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
