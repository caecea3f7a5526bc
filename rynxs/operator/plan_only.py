"""Showing plans instead of applying them: how a careful team tries rynxs first.

Everything is observed, recorded and planned as ever; what would be done is told, and nothing is.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from rynxs.operator.reconciling import Create, Delete, Obstacle, work

if TYPE_CHECKING:
    from collections.abc import Callable

    from rynxs.operator.applier import Doubted
    from rynxs.operator.notices import Notice
    from rynxs.operator.present import Present
    from rynxs.operator.reconciling import Asked, Step
    from rynxs.operator.status_writer import Said


class Showing:
    """Effects that are only shown."""

    def __init__(self, present: Present, show: Callable[[str], None]) -> None:
        """Have shown nothing yet.

        Args:
            present: what is there.
            show: is told each thing that would be done, in a line.
        """
        self._present = present
        self._show = show

    def want(self, asked: Asked, applied: int | None) -> None:
        """Show what there would be to do for a plan."""
        ids = [manifest.id for manifest in asked.manifests]
        steps = work(asked, self._present.of(asked.subject, ids)).steps
        for step in steps:
            self._show(f"{_verb(step)} {step.id}  (plan {asked.seq} of {asked.subject})")
        if not steps:
            self._show(f"nothing to do  (plan {asked.seq} of {asked.subject})")

    def look(self, subject: str) -> None:
        """Nothing was applied, so that nothing is set right."""

    def hold(self, subject: str) -> None:
        """Nothing is applied, so that nothing is held back."""

    def release(self, subject: str) -> None:
        """Nothing was held back."""

    def go_on(self, doubted: Doubted) -> None:
        """Nothing was doubted."""

    def say(self, subject: str, said: Said) -> None:
        """No status is written."""

    def notice(self, notice: Notice) -> None:
        """No Event is written."""

    @property
    def is_busy(self) -> bool:
        """Nothing comes of plans."""
        return False

    async def run(self) -> None:
        """Wait until cancelled."""
        await asyncio.Event().wait()

    async def stop(self) -> None:
        """There is nothing under way."""


def _verb(step: Step) -> str:
    if isinstance(step, Create):
        return "would create"
    if isinstance(step, Delete):
        return "would delete"
    return "is in the way:" if isinstance(step, Obstacle) else "would update"
