"""How many points were tried of each system call and fault, and how many were survived."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from tests.strace.faults import FAULTS

if TYPE_CHECKING:
    from tests.strace.faults import Point

    Cell = tuple[str, str, str]


class Table:
    """Counts points; a row is a sink and a system call, a column is a fault."""

    def __init__(self) -> None:
        self._tried: Counter[Cell] = Counter()
        self._survived: Counter[Cell] = Counter()

    @property
    def points(self) -> int:
        """How many were tried."""
        return self._tried.total()

    @property
    def survived(self) -> int:
        """How many of them were survived."""
        return self._survived.total()

    def add(self, point: Point, *, survived: bool) -> None:
        """Count a point."""
        cell = point.subject, point.place.name, point.fault.name
        self._tried[cell] += 1
        self._survived[cell] += survived

    def text(self) -> str:
        """Return the table: of each cell how many were survived, and of how many."""
        names = [fault.name for fault in FAULTS]
        rows = [["sink", "call", *names]]
        for subject, call in sorted({cell[:2] for cell in self._tried}):
            rows.append([subject, call, *(self._cell((subject, call, name)) for name in names)])
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
        return "\n".join([*lines, f"{self.survived} of {self.points} were survived", ""])

    def _cell(self, cell: Cell) -> str:
        return f"{self._survived[cell]}/{self._tried[cell]}" if self._tried[cell] else ""
