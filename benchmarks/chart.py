"""A chart as SVG: one line on two logarithmic axes, each point with its smallest and largest."""

from __future__ import annotations

from html import escape
from math import ceil, floor, log10
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from benchmarks.result import Spread

_WIDTH, _HEIGHT = 640, 400
_LEFT, _RIGHT, _TOP, _BOTTOM = 80, 50, 50, 60
_STYLE = (
    "text{font:13px sans-serif;fill:#333}.title{font-size:15px;font-weight:bold}"
    ".grid{stroke:#ddd}.line{fill:none;stroke:#1565c0;stroke-width:2}"
    ".span{stroke:#1565c0}.point{fill:#1565c0}"
    ".figure{text-anchor:start;paint-order:stroke;stroke:#fff;stroke-width:4px}"
)


class _Axis(NamedTuple):
    """A logarithmic axis from `start` to `stop` in decades, over pixels `first` to `last`."""

    start: int
    stop: int
    first: float
    last: float

    @classmethod
    def over(cls, values: Sequence[float], first: float, last: float) -> _Axis:
        start, stop = floor(log10(min(values))), ceil(log10(max(values)))
        return cls(start, max(stop, start + 1), first, last)

    def place(self, value: float) -> float:
        share = (log10(value) - self.start) / (self.stop - self.start)
        return self.first + share * (self.last - self.first)

    def ticks(self) -> Iterator[float]:
        for exponent in range(self.start, self.stop + 1):
            yield 10.0**exponent


def line_chart(title: str, labels: tuple[str, str], points: Sequence[tuple[float, Spread]]) -> str:
    """Return the SVG of a line through the medians of some points; all values are positive.

    Args:
        title: stands above.
        labels: of the horizontal and of the vertical axis.
        points: place on the horizontal axis, and what was measured there.
    """
    across = _Axis.over([x for x, _ in points], _LEFT, _WIDTH - _RIGHT)
    heights = [height for _, figure in points for height in figure]
    up = _Axis.over(heights, _HEIGHT - _BOTTOM, _TOP)
    return "\n".join(
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img">',
            f"<title>{escape(title)}</title>",
            f"<style>{_STYLE}</style>",
            f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#fff"/>',
            _text(_WIDTH / 2, _TOP / 2, title, 'class="title"'),
            *_grid(across, up),
            _text(_WIDTH / 2, _HEIGHT - 15, labels[0]),
            _text(20, _HEIGHT / 2, labels[1], f'transform="rotate(-90 20 {_HEIGHT / 2:g})"'),
            *_line(across, up, points),
            "</svg>\n",
        )
    )


def _grid(across: _Axis, up: _Axis) -> Iterator[str]:
    for tick in across.ticks():
        x = across.place(tick)
        yield f'<path class="grid" d="M{x:.1f} {up.first}V{up.last}"/>'
        yield _text(x, up.first + 18, f"{tick:,.0f}")
    for tick in up.ticks():
        y = up.place(tick)
        yield f'<path class="grid" d="M{across.first} {y:.1f}H{across.last}"/>'
        yield _text(across.first - 8, y + 4, f"{tick:,g}", 'style="text-anchor:end"')


def _line(across: _Axis, up: _Axis, points: Sequence[tuple[float, Spread]]) -> Iterator[str]:
    places = [(across.place(x), figure) for x, figure in points]
    path = "L".join(f"{x:.1f} {up.place(figure.middle):.1f}" for x, figure in places)
    yield f'<path class="line" d="M{path}"/>'
    for x, figure in places:
        low, middle, high = map(up.place, figure)
        yield f'<path class="span" d="M{x:.1f} {low:.1f}V{high:.1f}"/>'
        yield f'<circle class="point" cx="{x:.1f}" cy="{middle:.1f}" r="4"/>'
        yield _text(x + 7, middle - 9, f"{figure.middle:.3g}", 'class="figure"')


def _text(x: float, y: float, text: str, more: str = "") -> str:
    place = f'x="{x:.1f}" y="{y:.1f}" text-anchor="middle"'
    return f"<text {place} {more}>{escape(text)}</text>".replace(" >", ">")
