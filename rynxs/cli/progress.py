"""A progress bar on a terminal, for work that takes longer than a second."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sized

Batch = TypeVar("Batch", bound="Sized")
_DELAY_S = 1.0


def track(batches: Iterable[Batch], total: int, label: str) -> Iterator[Batch]:
    """Yield batches, and show how many of `total` records have passed."""
    if not sys.stderr.isatty():
        yield from batches
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    bar = Progress(
        TextColumn(label),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    )
    task = bar.add_task(label, total=total)
    started = time.monotonic()
    shown = False
    try:
        for batch in batches:
            yield batch
            bar.advance(task, len(batch))
            if not shown and time.monotonic() - started > _DELAY_S:
                bar.start()
                shown = True
    finally:
        if shown:
            bar.stop()
