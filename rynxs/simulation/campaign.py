"""Many trials, on all processors, and what is told of them."""

from __future__ import annotations

import os
from collections import Counter
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from itertools import count, cycle, islice
from multiprocessing import get_context
from typing import TYPE_CHECKING, NamedTuple

from rynxs.simulation.trial import Trial

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from concurrent.futures import Future
    from multiprocessing.queues import SimpleQueue

    from rynxs.simulation.trial import Outcome

_SHARE = 5


class Campaign:
    """What came of trials so far.

    Attributes:
        runs: how many there were.
        broken: those in which a promise was broken.
        counts: how often what went wrong, in all of them.
        simulated_s: how much time has passed in their worlds.
        records, effects: how many records were made durable, and objects written.
        late: how many of these were made for an epoch that was over.
    """

    def __init__(self) -> None:
        """Have run none."""
        self.runs = 0
        self.broken: list[Outcome] = []
        self.counts: Counter[str] = Counter()
        self.simulated_s = 0.0
        self.records = self.effects = self.late = 0

    def take(self, outcome: Outcome) -> None:
        """Take in what came of one."""
        self.runs += 1
        self.counts.update(outcome.counts)
        self.simulated_s += outcome.simulated_s
        self.records += outcome.records
        self.effects += outcome.effects
        self.late += outcome.late
        if outcome.broken:
            self.broken.append(outcome)


class Limits(NamedTuple):
    """When to end.

    Attributes:
        runs: after so many trials; None for no limit.
        is_over: after this tells so.
        jobs: how many processes to use.
    """

    runs: int | None
    is_over: Callable[[], bool]
    jobs: int


def outcomes(first_seed: int, limits: Limits) -> Iterator[Outcome]:
    """Run trials from a seed on, and yield what came of each; traces of failed ones only."""
    seeds = islice(count(first_seed), limits.runs)
    context = get_context("forkserver")
    processors = context.SimpleQueue()
    for processor in islice(cycle(_usable()), limits.jobs):
        processors.put(processor)
    with ProcessPoolExecutor(limits.jobs, context, _stay_on_one, (processors,)) as pool:
        running: set[Future[list[Outcome]]] = set()
        while True:
            while len(running) < 2 * limits.jobs and not limits.is_over():
                share = list(islice(seeds, _SHARE))
                if not share:
                    break
                running.add(pool.submit(_run, share))
            if not running:
                return
            done, running = wait(running, return_when=FIRST_COMPLETED)
            for each in done:
                yield from each.result()


def _usable() -> list[int | None]:
    """Return the processors that this process may use; None is any, where that can't be told."""
    return [*os.sched_getaffinity(0)] if hasattr(os, "sched_getaffinity") else [None]


def _stay_on_one(processors: SimpleQueue[int | None]) -> None:
    """Let a worker keep to one processor: of its threads only one runs, and they take turns."""
    processor = processors.get()
    if processor is not None:
        os.sched_setaffinity(0, {processor})


def _run(seeds: list[int]) -> list[Outcome]:
    found = [Trial(seed).run() for seed in seeds]
    return [each if each.broken else each._replace(trace=()) for each in found]
